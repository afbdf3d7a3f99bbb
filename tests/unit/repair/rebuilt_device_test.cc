// SPDX-License-Identifier: GPL-2.0-or-later
// A device that is written anew is no member before all of it is on stable storage, wherever the power goes; and
// bytes of chunks never lie at the place of a superblock.
#include "repair/rebuilt_device.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <map>

#include "device/memory_device.h"
#include "repair/super_image.h"
#include "support/chunk_image.h"
#include "support/cut_disk.h"
#include "support/super_image.h"

namespace raid56::repair {
namespace {

using test::CutDisk;
using test::Unsynced;

constexpr uint64_t kSize = (uint64_t{65} << 20);  // with two superblock copies
constexpr uint64_t kFirst = format::kSuperOffsets[0], kSecond = format::kSuperOffsets[1],
                   kThird = format::kSuperOffsets[2];
constexpr uint64_t kId = 0x1234567890abcdef;

/// Forwards, and remembers what was asked for.
class Watched final : public device::WriteDevice {
  public:
    explicit Watched(std::shared_ptr<CutDisk> disk) : inner_(std::move(disk), {false, 1, 1}) {}
    const std::string& path() const override { return inner_.path(); }
    device::Identity identity() const override { return inner_.identity(); }
    bool is_block() const override { return false; }
    uint64_t size() const override { return inner_.size(); }
    int read(uint64_t offset, ByteSpan out) override { return fail_reads ? EIO : inner_.read(offset, out); }
    int write(uint64_t offset, ByteView bytes) override {
        return log("write", offset, bytes.size()) ? EIO : inner_.write(offset, bytes);
    }
    int zero(uint64_t offset, uint64_t length) override {
        return log("zero", offset, length) ? EIO : inner_.zero(offset, length);
    }
    int sync() override { return log("sync", 0, 0) ? EIO : inner_.sync(); }
    int resize(uint64_t size) override { return inner_.resize(size); }
    device::ReadDevice& medium() override { return inner_.medium(); }
    Result<device::Opened> open_reader() override { return inner_.open_reader(); }
    Result<void> still_free() override { return {}; }

    std::vector<std::string> calls;
    size_t fail_at = SIZE_MAX;  // the number of a call
    bool fail_reads = false;

  private:
    bool log(const std::string& what, uint64_t offset, uint64_t length) {
        calls.push_back(what == "sync" ? what : what + " " + std::to_string(offset) + "+" + std::to_string(length));
        return calls.size() > fail_at;
    }
    test::CutWriter inner_;
};

using Lines = std::vector<std::string>;

class RebuiltDeviceTest : public ::testing::Test {
  protected:
    /// Noise, and the superblock of somebody else; nobody writes to it.
    static std::shared_ptr<device::ReadDevice> old_content(uint64_t size) {
        static std::map<uint64_t, std::shared_ptr<device::ReadDevice>> all;
        auto& device = all[size];
        if (device) return device;
        auto bytes = test::noise(size, 9);
        std::ranges::copy(test::encode_super({}), bytes.begin() + kFirst);
        return device = std::make_shared<device::MemoryDevice>(std::move(bytes));
    }
    /// A lost device of that size, and a disk to be it, which holds noise.
    void make(uint64_t total_bytes, bool noisy = true) {
        super_block_ = test::encode_super({});
        const auto super = format::decode_superblock(super_block_, kFirst);
        ASSERT_TRUE(super);
        volume_.emplace(*super, super_block_);
        volume::Member member;
        member.devid = DevId(3);
        member.uuid = test::uuid_of(3);
        member.fsid = volume_->super().fsid;
        member.total_bytes = total_bytes;
        const auto item = test::encode_dev_item({3, total_bytes, 0, 0, member.uuid, member.fsid});
        member.dev_item.emplace();
        ASSERT_EQ(item.size(), sizeof *member.dev_item);
        std::memcpy(&*member.dev_item, item.data(), item.size());
        volume_->add_member(std::move(member));

        const auto old = noisy ? old_content(total_bytes) : nullptr;
        disk_ = std::make_shared<CutDisk>(power_, "target", old);
        if (!noisy) {
            disk_->resize(total_bytes);
            disk_->sync();
        }
        watched_.emplace(disk_);
        device_.emplace(*volume_, 0, *watched_, kId);
    }
    std::vector<uint8_t> bytes(uint64_t offset, uint64_t length) const {
        std::vector<uint8_t> all(length);
        EXPECT_EQ(disk_->read(offset, all), 0);
        return all;
    }
    std::vector<uint8_t> super(unsigned index) const {
        return make_super(volume_->super_block(), *volume_->members()[0].dev_item, index, CsumKind::crc32c);
    }
    void put_at(uint64_t offset, ByteView content) {
        disk_->write(offset, content);
        disk_->sync();
    }

    test::Power power_;
    std::vector<uint8_t> super_block_;
    std::optional<volume::Volume> volume_;
    std::shared_ptr<CutDisk> disk_;
    std::optional<Watched> watched_;
    std::optional<RebuiltDevice> device_;
};

const std::vector<uint8_t> kZeros(format::kSuperSize);

// ---- begin

TEST_F(RebuiltDeviceTest, BeginWipesEverySuperblockPlaceBeforeItMarks) {
    make(kThird + (1 << 20), false);
    for (const uint64_t place : format::kSuperOffsets) put_at(place, test::noise(format::kSuperSize, place));
    put_at(0, test::noise(4096, 1));
    ASSERT_EQ(device_->begin(), 0);
    EXPECT_EQ(watched_->calls,
              (Lines{"zero 0+1048576", "zero " + std::to_string(kFirst) + "+4096",
                     "zero " + std::to_string(kSecond) + "+4096", "zero " + std::to_string(kThird) + "+4096", "sync",
                     "write " + std::to_string(kFirst) + "+4096", "sync"}));
    EXPECT_EQ(bytes(0, 4096), kZeros);
    EXPECT_EQ(bytes(kFirst, 4096), make_marker(*volume_, DevId(3), kId));
    EXPECT_EQ(bytes(kSecond, 4096), kZeros);
    EXPECT_EQ(bytes(kThird, 4096), kZeros);
}

TEST_F(RebuiltDeviceTest, BeginWipesPlacesThatADeviceIsLongEnoughFor) {
    make(kSecond + 4096);
    ASSERT_EQ(device_->begin(), 0);
    EXPECT_EQ(bytes(kSecond, 4096), kZeros) << "no copy belongs there, an old one may lie there";
    make(kSecond + 2048);
    const auto before = bytes(kSecond, 2048);
    ASSERT_EQ(device_->begin(), 0);
    EXPECT_EQ(bytes(kSecond, 2048), before);
}

TEST_F(RebuiltDeviceTest, TheMarkSaysWhatItIsAndIsNoSuperblock) {
    make(kSize);
    const auto marker = make_marker(*volume_, DevId(3), kId);
    ASSERT_EQ(marker.size(), format::kSuperSize);
    const std::string text(marker.begin(), marker.end());
    EXPECT_EQ(text.substr(0, text.find('\0')),
              "btrfs-raid56: devid 3 of file system f5f5f5f5-f5f5-f5f5-f5f5-f5f5f5f5f5f5 is being written anew here; "
              "this is not complete\nid 1234567890abcdef\n");
    EXPECT_FALSE(format::decode_superblock(marker, kFirst));
    EXPECT_FALSE(format::lacks_magic(marker)) << "nor one that was removed on purpose";
    EXPECT_NE(marker, make_marker(*volume_, DevId(3), kId + 1));
    EXPECT_NE(marker, make_marker(*volume_, DevId(4), kId));
}

// ---- put

TEST_F(RebuiltDeviceTest, PutLeavesSuperblockPlacesAsTheyAre) {
    make(kSize);
    const auto noise = test::noise(3 * kStripLen, 5);
    for (const uint64_t place : {kFirst, kSecond})
        for (const int64_t from : {-0x10000, -4096, -512, 0, 512, 3584, 4096, 8192})
            for (const uint64_t length : {512u, 4096u, 4608u, 65536u, 3 * 65536u}) {
                const uint64_t physical = place + static_cast<uint64_t>(from);
                if (physical + length > kSize) continue;
                SCOPED_TRACE(std::to_string(physical) + "+" + std::to_string(length));
                auto expected = bytes(place - 0x10000, 0x50000);
                const uint64_t base = place - 0x10000;
                const auto before = bytes(place, 4096);
                ASSERT_EQ(device_->put(Physical(physical), ByteView(noise).first(length)), 0);
                for (uint64_t i = 0; i < length; i++)
                    if (physical + i < place || physical + i >= place + 4096) expected[physical + i - base] = noise[i];
                EXPECT_EQ(bytes(place, 4096), before);
                EXPECT_EQ(bytes(base, 0x50000), expected);
            }
}

TEST_F(RebuiltDeviceTest, ALongPutGoesAroundBothPlaces) {
    make(kSize);
    const auto before = std::pair(bytes(kFirst, 4096), bytes(kSecond, 4096));
    const auto all = test::noise(kSize, 77);
    ASSERT_EQ(device_->put(Physical(0), all), 0);
    EXPECT_EQ(bytes(kFirst, 4096), before.first);
    EXPECT_EQ(bytes(kSecond, 4096), before.second);
    auto now = bytes(0, kSize);
    for (const uint64_t place : {kFirst, kSecond})
        std::copy_n(all.begin() + static_cast<ptrdiff_t>(place), 4096, now.begin() + static_cast<ptrdiff_t>(place));
    EXPECT_EQ(now, all);
}

TEST_F(RebuiltDeviceTest, ZerosBecomeHoles) {
    make(kSize);
    constexpr uint64_t kAt = 1 << 20;
    std::vector<uint8_t> content(8 * kStripLen);
    content[2 * kStripLen + 5] = 1;  // strips 2, 3 and 7 hold something
    content[3 * kStripLen] = 1;
    content[8 * kStripLen - 1] = 1;
    ASSERT_EQ(device_->put(Physical(kAt), content), 0);
    const auto call = [](const char* what, uint64_t strip, uint64_t strips) {
        return what + std::string(" ") + std::to_string(kAt + strip * kStripLen) + "+" +
               std::to_string(strips * kStripLen);
    };
    EXPECT_EQ(watched_->calls,
              (Lines{call("zero", 0, 2), call("write", 2, 2), call("zero", 4, 3), call("write", 7, 1)}));
    EXPECT_EQ(bytes(kAt, content.size()), content) << "whatever lay there";
    watched_->calls.clear();
    ASSERT_EQ(device_->put(Physical(kAt), ByteView(content).first(2 * kStripLen)), 0);
    EXPECT_EQ(watched_->calls, Lines{call("zero", 0, 2)});
    watched_->calls.clear();
    ASSERT_EQ(device_->put(Physical(kAt), {}), 0);
    EXPECT_EQ(watched_->calls, Lines{});
}

// ---- finish

TEST_F(RebuiltDeviceTest, NothingIsPutBehindTheSizeThatTheFileSystemGivesIt) {
    make(kSize, false);
    EXPECT_EQ(device_->put(Physical(kSize - 4096), test::noise(4096, 1)), 0);
    EXPECT_EQ(device_->put(Physical(kSize - 4096), test::noise(8192, 1)), ENOSPC);
    EXPECT_EQ(device_->put(Physical(kSize + 4096), test::noise(4096, 1)), ENOSPC);
    EXPECT_EQ(disk_->size(), kSize);
}

// A file that was cut short and lengthened again has its mark, but not what was written last.
TEST_F(RebuiltDeviceTest, WhatWasWrittenLastIsAWitness) {
    make(kSize, false);
    ASSERT_EQ(device_->begin(), 0);
    EXPECT_FALSE(device_->witness());
    ASSERT_EQ(device_->put(Physical(2 << 20), test::noise(1 << 20, 1)), 0);
    ASSERT_EQ(device_->put(Physical(8 << 20), std::vector<uint8_t>(1 << 20)), 0);
    ASSERT_TRUE(device_->witness()) << "zeros prove nothing";
    const Witness witness = *device_->witness();
    EXPECT_EQ(witness.physical, Physical((3 << 20) - 4096));
    const auto holds = [&](const Witness& what) {
        const auto result = device_->holds(what);
        return result && *result;
    };
    EXPECT_TRUE(holds(witness));
    disk_->flip((3 << 20) - 1);
    EXPECT_FALSE(holds(witness));
    disk_->flip((3 << 20) - 1);
    EXPECT_TRUE(holds(witness));
    EXPECT_FALSE(holds({witness.physical, 1 << 20, witness.sum})) << "of a length that nobody writes";
    disk_->resize(1 << 20);
    disk_->resize(kSize);
    EXPECT_FALSE(holds(witness));
    EXPECT_TRUE(*device_->is_begun(false)) << "which its mark alone does not show";
}

TEST_F(RebuiltDeviceTest, CopiesLieWhereTheSizeHasThem) {
    const auto supers_of = [&](uint64_t total_bytes) {
        make(total_bytes, false);
        std::vector<uint64_t> all;
        for (const Physical place : device_->supers()) all.push_back(place.v);
        return all;
    };
    EXPECT_EQ(supers_of(kFirst + 4096 + 1), (std::vector<uint64_t>{kFirst}));
    EXPECT_EQ(supers_of(kSecond + 4096), (std::vector<uint64_t>{kFirst})) << "the kernel's limit is strict";
    EXPECT_EQ(supers_of(kSecond + 4096 + 1), (std::vector<uint64_t>{kFirst, kSecond}));
    EXPECT_EQ(supers_of(kThird + 4096), (std::vector<uint64_t>{kFirst, kSecond}));
    EXPECT_EQ(supers_of(kThird + 4096 + 1), (std::vector<uint64_t>{kFirst, kSecond, kThird}));
}

TEST_F(RebuiltDeviceTest, TheFirstCopyComesWhenTheOthersAreOnStableStorage) {
    const auto write = [](uint64_t place) { return "write " + std::to_string(place) + "+4096"; };
    make(kThird + (1 << 20), false);
    ASSERT_EQ(device_->finish(), 0);
    EXPECT_EQ(watched_->calls, (Lines{write(kThird), write(kSecond), "sync", write(kFirst), "sync"}));
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQ(bytes(format::kSuperOffsets[i], 4096), super(i));
        EXPECT_TRUE(format::decode_superblock(super(i), format::kSuperOffsets[i]));
    }
    make(kSize);
    ASSERT_EQ(device_->finish(), 0);
    EXPECT_EQ(watched_->calls, (Lines{write(kSecond), "sync", write(kFirst), "sync"}));
    make(uint64_t{1} << 20);
    ASSERT_EQ(device_->finish(), 0);
    EXPECT_EQ(watched_->calls, (Lines{write(kFirst), "sync"}));
}

TEST_F(RebuiltDeviceTest, EveryFailedCallIsTold) {
    const std::vector<std::function<int(RebuiltDevice&)>> steps = {
        [](RebuiltDevice& d) { return d.begin(); },
        [](RebuiltDevice& d) { return d.put(Physical(kFirst - 4096), test::noise(2 * kStripLen, 1)); },
        [](RebuiltDevice& d) { return d.put(Physical(kSecond - 4 * kStripLen), test::Bytes(8 * kStripLen)); },
        [](RebuiltDevice& d) { return d.sync(); },
        [](RebuiltDevice& d) { return d.finish(); },
    };
    for (const auto& step : steps) {
        make(kSize);
        ASSERT_EQ(step(*device_), 0);
        const size_t calls = watched_->calls.size();
        ASSERT_GT(calls, 0u);
        for (size_t k = 0; k < calls; k++) {
            make(kSize);
            watched_->fail_at = k;
            EXPECT_EQ(step(*device_), EIO) << "call " << k;
            EXPECT_EQ(watched_->calls.size(), k + 1) << "nothing is done behind it";
        }
    }
}

// ---- where the power goes

TEST_F(RebuiltDeviceTest, ItIsNoMemberBeforeAllOfItIsThere) {
    const auto work = [&] {
        if (device_->begin() != 0) FAIL();
        for (unsigned i = 0; i < 4; i++)
            if (device_->put(Physical((uint64_t{2} << 20) + i * kStripLen), test::noise(kStripLen, i)) != 0) FAIL();
        if (device_->sync() != 0 || device_->finish() != 0) FAIL();
    };
    make(kSize);
    power_.never_cut();
    work();
    const uint64_t operations = power_.used();
    const auto whole = disk_->content();
    const auto marker = make_marker(*volume_, DevId(3), kId), own = super(0);
    ASSERT_GT(operations, 10u);
    unsigned members = 0;
    for (uint64_t n = 0; n < operations; n++)
        for (const auto unsynced : {Unsynced::kept, Unsynced::dropped, Unsynced::torn})
            for (uint32_t seed = 0; seed < (unsynced == Unsynced::torn ? 16u : 1u); seed++) {
                SCOPED_TRACE("cut at " + std::to_string(n) + " of " + std::to_string(operations));
                make(kSize);
                power_.cut_at(n);
                EXPECT_THROW(work(), test::PowerCut);
                power_.never_cut();
                disk_->set(disk_->after_cut(unsynced, seed));
                const auto found = bytes(kFirst, 4096);
                if (found == own) {
                    members++;
                    EXPECT_TRUE(disk_->holds(whole));
                }
                // Behind the first sync nothing of the old owner's is there, and torn is told from foreign.
                const auto begun = device_->is_begun(true);
                ASSERT_TRUE(begun);
                const bool zeros_or_old = !*begun;
                if (zeros_or_old) EXPECT_LT(n, 6u) << "the marker is on stable storage by then";
                if (found == marker) EXPECT_TRUE(*begun);
                if (HasFailure()) return;
            }
    EXPECT_GT(members, 0u) << "the last sync finds all of it there";
}

// ---- is it what was begun?

TEST_F(RebuiltDeviceTest, WhatIsBegunIsTold) {
    make(kSize);
    const auto marker = make_marker(*volume_, DevId(3), kId), own = super(0);
    auto torn = marker;
    std::copy_n(own.begin(), 512, torn.begin());
    std::copy_n(own.begin() + 2048, 1024, torn.begin() + 2048);
    auto odd = torn;
    odd[3000] ^= 1;
    auto uneven = marker;
    std::copy_n(own.begin(), 100, uneven.begin());  // no disk writes a part of a unit
    const struct {
        const char* what;
        std::vector<uint8_t> bytes;
        bool before, finishing;
    } cases[] = {
        {"the mark", marker, true, true},
        {"its superblock", own, false, true},
        {"torn between both", torn, false, true},
        {"torn, and a byte of neither", odd, false, false},
        {"torn within a unit", uneven, false, false},
        {"zeros", kZeros, false, false},
        {"the mark of another run", make_marker(*volume_, DevId(3), kId + 1), false, false},
        {"the mark of another device", make_marker(*volume_, DevId(4), kId), false, false},
        {"another copy", super(1), false, false},
        {"another's superblock", super_block_, false, false},
    };
    for (const auto& c : cases) {
        put_at(kFirst, c.bytes);
        for (const bool finishing : {false, true}) {
            const auto begun = device_->is_begun(finishing);
            ASSERT_TRUE(begun) << c.what;
            EXPECT_EQ(*begun, finishing ? c.finishing : c.before) << c.what;
        }
    }
    watched_->fail_reads = true;
    const auto unreadable = device_->is_begun(false);
    ASSERT_FALSE(unreadable);
    EXPECT_EQ(unreadable.error().message, "target: cannot be read: Input/output error");
}

}  // namespace
}  // namespace raid56::repair
