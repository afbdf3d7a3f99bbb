// SPDX-License-Identifier: GPL-2.0-or-later
// What chunks bear, against trying out every set of lost devices: each profile, each width up to 8, and each way in
// which the stripes of a chunk can share devices.
#include "volume/losses.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "device/memory_device.h"

namespace raid56::volume {
namespace {

using format::Profile;

constexpr unsigned kMostWidth = 8;

struct Shape {
    Profile profile;
    unsigned width;
};

std::vector<Shape> shapes() {
    std::vector<Shape> all = {{Profile::single, 1},  {Profile::dup, 2},     {Profile::raid1, 2},
                              {Profile::raid1c3, 3}, {Profile::raid1c4, 4}, {Profile::raid0, 1}};
    for (unsigned width = 2; width <= kMostWidth; width++) {
        all.push_back({Profile::raid0, width});
        if (width % 2 == 0) all.push_back({Profile::raid10, width});
        all.push_back({Profile::raid5, width});
        if (width >= 3) all.push_back({Profile::raid6, width});
    }
    return all;
}

/// Every way to share devices among stripes: the device of each stripe, numbered in the order of their first stripe.
void partitions(unsigned width, std::vector<unsigned>& devices, std::vector<std::vector<unsigned>>& all) {
    if (devices.size() == width) {
        all.push_back(devices);
        return;
    }
    const unsigned next = devices.empty() ? 0 : *std::max_element(devices.begin(), devices.end()) + 1;
    for (unsigned device = 0; device <= next; device++) {
        devices.push_back(device);
        partitions(width, devices, all);
        devices.pop_back();
    }
}

std::vector<std::vector<unsigned>> partitions(unsigned width) {
    std::vector<std::vector<unsigned>> all;
    std::vector<unsigned> devices;
    partitions(width, devices, all);
    return all;
}

/// A volume of one chunk, whose stripes lie on the devices that are named; all present.
class OneChunk {
  public:
    OneChunk(Shape shape, const std::vector<unsigned>& devices) : volume_({}, {}) {
        const unsigned count = *std::max_element(devices.begin(), devices.end()) + 1;
        for (unsigned i = 0; i < count; i++) {
            Member member;
            member.devid = DevId(i + 1);
            volume_.add_member(member);
            set(i, DeviceState::present);
        }
        format::Chunk chunk;
        chunk.start = Logical(0x100000);
        chunk.profile = shape.profile;
        chunk.kind = format::chunk_kind::kData;
        for (unsigned i = 0; i < shape.width; i++)
            chunk.stripes.push_back({DevId(devices[i] + 1), Physical(0x10000000 * (i + 1)), {}});
        chunk.length = layout_of(shape.profile, shape.width).data_length() * 4;
        EXPECT_TRUE(volume_.add_chunk(chunk));
    }

    void set(unsigned device, DeviceState state) {
        volume_.member(device).state = state;
        volume_.member(device).device = state == DeviceState::missing ? nullptr : &nothing_;
    }
    /// Those of bit i of `lost` are missing, the others present.
    void lose(unsigned lost) {
        for (unsigned i = 0; i < volume_.members().size(); i++)
            set(i, (lost >> i & 1) != 0 ? DeviceState::missing : DeviceState::present);
    }
    const Volume& volume() const { return volume_; }
    const MappedChunk& chunk() const { return volume_.chunks().front(); }
    unsigned further() const { return further_losses(volume_, chunk()); }

  private:
    device::MemoryDevice nothing_{{}};
    Volume volume_;
};

/// Whether every strip of every full stripe can be had without the devices of `lost`: from a copy, or where no more
/// columns of its row are gone than it has parities.
bool all_there(const Layout& layout, const std::vector<unsigned>& devices, unsigned lost) {
    const auto gone = [&](unsigned index) { return (lost >> devices[index] & 1) != 0; };
    for (uint64_t n = 0; n < layout.stripes; n++) {
        unsigned columns_gone = 0;
        for (unsigned column = 0; column < layout.columns(); column++) {
            unsigned copies_gone = 0;
            for (unsigned copy = 0; copy < layout.copies; copy++)
                copies_gone += gone(stripe_index(layout, StripeNo(n), column, copy)) ? 1 : 0;
            columns_gone += copies_gone == layout.copies ? 1 : 0;
        }
        if (columns_gone > layout.np) return false;
    }
    return true;
}

/// The largest k such that whichever k devices are lost besides, all is there.
unsigned tried_out(const std::vector<bool>& all_there, unsigned lost) {
    if (!all_there[lost]) return 0;
    unsigned fewest = kMostWidth + 1;  // more losses that take something away
    for (unsigned then = 0; then < all_there.size(); then++)
        if ((then & lost) == lost && !all_there[then])
            fewest = std::min<unsigned>(fewest, static_cast<unsigned>(std::popcount(then ^ lost)));
    return fewest - 1;
}

TEST(Losses, AreThoseOfTryingEverySetOfDevices) {
    for (const auto& shape : shapes())
        for (const auto& devices : partitions(shape.width)) {
            OneChunk one(shape, devices);
            const unsigned count = static_cast<unsigned>(one.volume().members().size());
            std::vector<bool> there;
            for (unsigned lost = 0; lost < 1u << count; lost++)
                there.push_back(all_there(one.chunk().layout, devices, lost));
            for (unsigned lost = 0; lost < 1u << count; lost++) {
                one.lose(lost);
                const auto where = [&] {
                    std::string text = std::string(format::profile_name(shape.profile)) + " on";
                    for (const unsigned device : devices) text += " " + std::to_string(device);
                    return text + ", lost " + std::to_string(lost);
                };
                ASSERT_EQ(survives(one.volume(), one.chunk()), there[lost]) << where();
                ASSERT_EQ(one.further(), tried_out(there, lost)) << where();
            }
        }
}

struct Known {
    Profile profile;
    std::vector<unsigned> devices;
    unsigned lost;  // bits
    unsigned further;
};

// The same in numbers that anybody can check by head, so that the test above cannot err along with the function.
TEST(Losses, OfWellKnownShapes) {
    for (const auto& known : std::vector<Known>{
             {Profile::single, {0}, 0, 0},           {Profile::dup, {0, 0}, 0, 0},
             {Profile::dup, {0, 1}, 0, 1},           {Profile::raid0, {0, 1, 2}, 0, 0},
             {Profile::raid1, {0, 1}, 0, 1},         {Profile::raid1, {0, 1}, 1, 0},
             {Profile::raid1c3, {0, 1, 2}, 0, 2},    {Profile::raid1c3, {0, 1, 2}, 4, 1},
             {Profile::raid1c4, {0, 1, 2, 3}, 0, 3}, {Profile::raid1c4, {0, 1, 2, 3}, 15, 0},
             {Profile::raid10, {0, 1, 2, 3}, 0, 1},  {Profile::raid10, {0, 1, 2, 3}, 1, 0},
             {Profile::raid10, {0, 1, 2, 3}, 5, 0},  {Profile::raid5, {0, 1}, 0, 1},
             {Profile::raid5, {0, 1, 2}, 0, 1},      {Profile::raid5, {0, 1, 2}, 2, 0},
             {Profile::raid5, {0, 1, 2}, 6, 0},      {Profile::raid5, {0, 0, 1}, 0, 0},
             {Profile::raid6, {0, 1, 2, 3}, 0, 2},   {Profile::raid6, {0, 1, 2, 3}, 8, 1},
             {Profile::raid6, {0, 1, 2, 3}, 9, 0},   {Profile::raid6, {0, 1, 2, 3}, 11, 0},
             {Profile::raid6, {0, 0, 1, 2}, 0, 1},   {Profile::raid6, {0, 0, 0, 1}, 0, 0},
         }) {
        OneChunk one({known.profile, static_cast<unsigned>(known.devices.size())}, known.devices);
        one.lose(known.lost);
        EXPECT_EQ(one.further(), known.further) << format::profile_name(known.profile) << ", lost " << known.lost;
    }
}

// A stale device is there, and what is proven on it counts; but nobody may rely on the rest of it.
TEST(Losses, ADeviceThatIsNotBelievedIsNoSourceAfterMore) {
    OneChunk raid6({Profile::raid6, 4}, {0, 1, 2, 3});
    for (const auto state : {DeviceState::stale, DeviceState::distrusted}) {
        raid6.lose(0);
        raid6.set(2, state);
        EXPECT_EQ(raid6.further(), 1u) << state_name(state);
        raid6.set(0, DeviceState::missing);
        EXPECT_EQ(raid6.further(), 0u) << state_name(state);
        raid6.set(1, DeviceState::missing);
        EXPECT_EQ(raid6.further(), 0u) << state_name(state);
        EXPECT_TRUE(survives(raid6.volume(), raid6.chunk())) << "only missing devices make a chunk lost";
    }
    raid6.lose(0);
    raid6.set(2, DeviceState::unsure);
    EXPECT_EQ(raid6.further(), 2u);
}

TEST(Losses, OfAVolumeAreThoseOfTheChunkThatBearsTheLeast) {
    EXPECT_EQ(further_losses(Volume({}, {})), 0u);
    OneChunk one({Profile::raid6, 4}, {0, 1, 2, 3});
    EXPECT_EQ(further_losses(one.volume()), 2u);
    Volume both = one.volume();
    format::Chunk raid1;
    raid1.start = Logical(0x40000000);
    raid1.length = 0x100000;
    raid1.profile = Profile::raid1;
    raid1.stripes = {{DevId(1), Physical(0x800000), {}}, {DevId(2), Physical(0x800000), {}}};
    ASSERT_TRUE(both.add_chunk(raid1));
    EXPECT_EQ(further_losses(both), 1u);
    raid1.start = Logical(0x50000000);
    raid1.stripes[1].devid = DevId(9);  // a device that nobody has
    ASSERT_TRUE(both.add_chunk(raid1));
    EXPECT_EQ(further_losses(both), 0u);
}

}  // namespace
}  // namespace raid56::volume
