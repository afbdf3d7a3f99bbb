// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/assemble.h"

#include <gtest/gtest.h>

#include "sparse_device.h"
#include "support/super_image.h"

namespace raid56::volume {
namespace {

using test::Bytes;
using test::SuperSpec;
using test::uuid_of;

/// Devices named on a command line, with what their superblocks say.
class Devices {
  public:
    SparseDevice& add(const std::string& path) {
        devices_.push_back(std::make_unique<SparseDevice>(uint64_t{1} << 40));
        paths_.push_back(path);
        return *devices_.back();
    }
    /// A device with copy 0 and the mirrors alike.
    SparseDevice& add(const std::string& path, SuperSpec spec) {
        auto& device = add(path);
        for (const uint64_t offset : format::kSuperOffsets) put(device, offset, spec);
        return device;
    }
    static void put(SparseDevice& device, uint64_t offset, SuperSpec spec) {
        spec.bytenr = offset;
        device.put(offset, test::encode_super(spec));
    }
    Result<Volume> assemble(const std::set<DevId>& distrusted = {}) {
        std::vector<Candidate> candidates;
        for (size_t i = 0; i < devices_.size(); i++)
            candidates.push_back({paths_[i], devices_[i].get(), scan_supers(*devices_[i])});
        return volume::assemble(candidates, distrusted);
    }
    std::string refusal(const std::set<DevId>& distrusted = {}) {
        const auto volume = assemble(distrusted);
        return volume ? "taken" : volume.error().message;
    }

  private:
    std::vector<std::unique_ptr<SparseDevice>> devices_;
    std::vector<std::string> paths_;
};

/// The superblock of one device of a file system of two.
SuperSpec member(uint64_t devid, uint64_t generation = 7) {
    SuperSpec spec;
    spec.num_devices = 2;
    spec.generation = generation;
    spec.dev_item.devid = devid;
    spec.dev_item.uuid = uuid_of(static_cast<uint8_t>(0xd0 + devid));
    spec.sys_chunks[0].chunk.type = test::chunk_type::kSystem | test::chunk_type::kRaid1;
    spec.sys_chunks[0].chunk.stripes = {{1, 0x100000, uuid_of(0xd1)}, {2, 0x100000, uuid_of(0xd2)}};
    return spec;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Assemble, TakesTheMembersInTheOrderOfTheCommandLine) {
    Devices devices;
    devices.add("b", member(2));
    devices.add("a", member(1));
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume) << volume.error().message;
    ASSERT_EQ(volume->members().size(), 2u);
    EXPECT_EQ(volume->members()[0].devid.v, 2u);
    EXPECT_EQ(volume->members()[0].state, DeviceState::present);
    EXPECT_EQ(volume->members()[0].path, "b");
    EXPECT_EQ(volume->members()[0].generation.v, 7u);
    EXPECT_EQ(volume->members()[1].devid.v, 1u);
    ASSERT_EQ(volume->chunks().size(), 1u);
    EXPECT_EQ(volume->chunks()[0].members, (std::vector{1u, 0u}));
}

TEST(Assemble, ADeviceNotNamedIsMissing) {
    Devices devices;
    devices.add("a", member(1));
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume);
    ASSERT_EQ(volume->members().size(), 2u);
    EXPECT_EQ(volume->members()[1].devid.v, 2u);
    EXPECT_EQ(volume->members()[1].state, DeviceState::missing);
}

TEST(Assemble, ADeviceIsKnownByAMirrorWhereItsCopy0IsBad) {
    Devices devices;
    devices.add("a", member(1));
    devices.add("b", member(2)).fail(0x10000);
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume) << volume.error().message;
    EXPECT_EQ(volume->members()[1].devid.v, 2u);
    EXPECT_EQ(volume->members()[1].state, DeviceState::present);
}

// ---- refusals

TEST(Refused, ADeviceWithoutASuperblockSaysWhatIsAtEachPlace) {
    Devices devices;
    devices.add("a", member(1));
    devices.add("junk").fail(0x4000000);
    const auto why = devices.refusal();
    EXPECT_EQ(
        why,
        "junk: no valid btrfs superblock (at 65536: no btrfs magic; at 67108864: unreadable: Input/output error; at "
        "274877906944: no btrfs magic; leave it out to have it counted as missing)");
}

TEST(Refused, ADeviceTooShortForAny) {
    SparseDevice tiny(100);
    const auto volume = assemble({{"tiny", &tiny, scan_supers(tiny)}}, {});
    ASSERT_FALSE(volume);
    EXPECT_EQ(volume.error().message, "tiny: no valid btrfs superblock");
}

TEST(Refused, AnUnfinishedMkfsEvenBesideGoodMirrors) {
    Devices devices;
    auto spec = member(1);
    auto& device = devices.add("a", spec);
    spec.magic = "!BHRfS_M";
    Devices::put(device, 0x10000, spec);
    EXPECT_TRUE(holds(devices.refusal(), "a: an unfinished mkfs or conversion"));
}

TEST(Refused, ADeviceRemovedOnPurposeUnlessItIsNamed) {
    Devices devices;
    devices.add("a", member(1));
    auto& removed = devices.add("b", member(2));
    Bytes wiped = test::encode_super(member(2));
    test::put(wiped, test::super_at::kMagic, 0, 8);
    removed.put(0x10000, wiped);
    EXPECT_TRUE(
        holds(devices.refusal(), "b: its superblock lacks only the magic, so devid 2 was removed or wiped on purpose"));
    EXPECT_TRUE(holds(devices.refusal(), "--distrust 2"));
    EXPECT_TRUE(holds(devices.refusal({DevId(1)}), "--distrust 2"));
    const auto volume = devices.assemble({DevId(2)});
    ASSERT_TRUE(volume) << volume.error().message;
    EXPECT_EQ(volume->members()[1].state, DeviceState::distrusted);
}

TEST(Refused, KindsOfFileSystemsThatMustNotBeJudged) {
    Devices devices;
    auto spec = member(1);
    spec.flags |= uint64_t{1} << 36;
    devices.add("a", spec);
    EXPECT_EQ(devices.refusal(), "a: the file system is in the middle of a change of its fsid");
    Devices zoned;
    spec = member(1);
    spec.incompat |= 0x1000;
    zoned.add("z", spec);
    EXPECT_EQ(zoned.refusal(),
              "z: the file system has the feature zoned, which changes the mapping and is not supported");
}

TEST(Refused, AMasterThatIsNewerThanTheDevicesOwnCopies) {
    // Copy 0 is harmless but older; the newer mirror says that a conversion is under way.
    Devices devices;
    auto spec = member(1, 9);
    spec.incompat |= 0x2000;
    auto& device = devices.add("a", spec);
    Devices::put(device, 0x10000, member(1, 8));
    EXPECT_TRUE(holds(devices.refusal(), "extent-tree-v2"));
}

TEST(Refused, TheTargetOfAnUnfinishedReplace) {
    Devices devices;
    devices.add("a", member(1));
    devices.add("target", member(0));
    EXPECT_TRUE(holds(devices.refusal(), "target: devid 0 is the target of an unfinished device replace"));
}

TEST(Refused, TwoWithOneIdentityWhateverTheirGenerations) {
    for (const uint64_t generation : {7, 6}) {
        Devices devices;
        devices.add("a", member(1));
        devices.add("b", member(2));
        devices.add("clone", member(1, generation));
        EXPECT_TRUE(holds(devices.refusal(), "clone: has the same identity as a (devid 1, uuid d1d1d1d1-d1d1-"));
    }
}

TEST(Refused, DevicesOfTwoFileSystems) {
    Devices devices;
    devices.add("a", member(1));
    auto other = member(2);
    other.fsid = other.dev_item.fsid = uuid_of(0x44);
    devices.add("b", other);
    const auto why = devices.refusal();
    EXPECT_TRUE(holds(why, "b: belongs to another file system (fsid 44444444-4444-4444-4444-444444444444) than a"))
        << why;
}

TEST(Refused, SystemChunksThatOverlap) {
    Devices devices;
    auto spec = member(1);
    spec.sys_chunks.push_back(spec.sys_chunks[0]);
    spec.sys_chunks[1].logical += 0x1000;
    devices.add("a", spec);
    EXPECT_TRUE(holds(devices.refusal(), "overlaps the chunk at"));
}

// ---- the superblock that speaks

TEST(Master, TheHighestGenerationSpeaksEvenFromAMirror) {
    Devices devices;
    devices.add("a", member(1, 7));
    auto& second = devices.add("b", member(2, 9));
    Devices::put(second, 0x10000, member(2, 8));
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume);
    EXPECT_EQ(volume->super().generation.v, 9u);
    EXPECT_EQ(volume->super().dev_item.devid.v, 2u);
}

TEST(Master, OfNewestCopiesThatContradictEachOtherMostSpeak) {
    Devices devices;
    auto odd = member(1);
    odd.label = "one of three";
    auto& first = devices.add("a", odd);
    first.fail(0x4000000);
    first.fail(0x4000000000);
    auto most = member(2);
    most.label = "three";
    devices.add("b", most);
    EXPECT_EQ(devices.assemble()->super().label, "three");
}

TEST(Master, AmongEqualsCopy0ComesBeforeAMirror) {
    Devices devices;
    auto mirrors = member(1);
    mirrors.label = "two mirrors";
    devices.add("a", mirrors).fail(0x10000);
    auto first = member(2);
    first.label = "copy 0 and a mirror";
    devices.add("b", first).fail(0x4000000000);
    EXPECT_EQ(devices.assemble()->super().label, "copy 0 and a mirror");
}

TEST(Master, AmongEqualCopies0OneWithALogComesFirst) {
    Devices devices;
    devices.add("a", member(1));
    auto logged = member(2);
    logged.log_root = 0x1008000;
    auto& second = devices.add("b", member(2));
    Devices::put(second, 0x10000, logged);
    EXPECT_EQ(devices.assemble()->super().log_root.v, 0x1008000u);
}

TEST(Master, AMirrorWithALogDoesNotComeBeforeACopy0) {
    Devices devices;
    devices.add("a", member(1));
    auto logged = member(2);
    logged.log_root = 0x1008000;
    auto& second = devices.add("b", logged);
    Devices::put(second, 0x10000, member(2));
    EXPECT_EQ(devices.assemble()->super().log_root.v, 0u);
}

TEST(Master, OfEqualsTheLowestDevidSpeaks) {
    Devices devices;
    devices.add("b", member(2));
    devices.add("a", member(1));
    EXPECT_EQ(devices.assemble()->super().dev_item.devid.v, 1u);
}

TEST(Master, ADistrustedDeviceSpeaksOnlyWhereNobodyElseDoes) {
    Devices devices;
    devices.add("a", member(1, 9));
    devices.add("b", member(2, 7));
    EXPECT_EQ(devices.assemble()->super().generation.v, 9u);
    const auto volume = devices.assemble({DevId(1)});
    ASSERT_TRUE(volume);
    EXPECT_EQ(volume->super().generation.v, 7u);
    EXPECT_EQ(volume->members()[0].state, DeviceState::distrusted);
    EXPECT_EQ(devices.assemble({DevId(1), DevId(2)})->super().generation.v, 9u);
}

TEST(Master, AnOldMirrorOfAnotherFileSystemIsNotListenedTo) {
    // A newer mkfs leaves mirrors of the file system before it.
    Devices devices;
    auto old = member(1, 1000);
    old.fsid = old.dev_item.fsid = uuid_of(0x44);
    auto& device = devices.add("a", old);
    Devices::put(device, 0x10000, member(1, 7));
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume) << volume.error().message;
    EXPECT_EQ(volume->super().generation.v, 7u);
    EXPECT_EQ(volume->super().fsid, uuid_of(0xf5));
}

// ---- seeds

SuperSpec seed() {
    auto spec = member(1, 500);
    spec.flags |= uint64_t{1} << 32;
    spec.fsid = spec.dev_item.fsid = uuid_of(0x5e);
    return spec;
}

TEST(Seed, DoesNotSpeakForTheFileSystemGrownFromIt) {
    Devices devices;
    devices.add("seed", seed());
    devices.add("b", member(2));
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume) << volume.error().message;
    EXPECT_EQ(volume->super().fsid, uuid_of(0xf5));
    EXPECT_EQ(volume->super().generation.v, 7u);
}

TEST(Seed, AloneIsAFileSystemToo) {
    Devices devices;
    devices.add("seed", seed());
    const auto volume = devices.assemble();
    ASSERT_TRUE(volume) << volume.error().message;
    EXPECT_EQ(volume->super().fsid, uuid_of(0x5e));
}

// ---- device items of the chunk tree

format::DevItem item(uint64_t devid, uint64_t size = uint64_t{1} << 30) {
    return {DevId(devid), size, 0, Generation(0), uuid_of(static_cast<uint8_t>(0xd0 + devid)), uuid_of(0xf5)};
}

TEST(DevItems, GiveSizesAndMissingDevices) {
    Devices devices;
    devices.add("a", member(1));
    auto volume = devices.assemble();
    ASSERT_TRUE(volume);
    ASSERT_TRUE(take_dev_items(*volume, {item(1, 0x5000000), item(2, 0x6000000), item(7, 0x7000000)}, true));
    ASSERT_EQ(volume->members().size(), 3u);
    EXPECT_EQ(volume->members()[0].total_bytes, 0x5000000u);
    EXPECT_EQ(volume->members()[1].total_bytes, 0x6000000u);
    EXPECT_EQ(volume->members()[2].devid.v, 7u);
    EXPECT_EQ(volume->members()[2].total_bytes, 0x7000000u);
    EXPECT_EQ(volume->members()[2].state, DeviceState::missing);
}

TEST(DevItems, ASizeOfZeroIsARemovalUnderWayAndSaysNothing) {
    Devices devices;
    devices.add("a", member(1));
    auto volume = devices.assemble();
    ASSERT_TRUE(take_dev_items(*volume, {item(1, 0), item(2)}, true));
    EXPECT_EQ(volume->members()[0].total_bytes, uint64_t{1} << 30);
}

TEST(DevItems, ADeviceThatTheChunkTreeDoesNotNameIsNoMember) {
    Devices devices;
    devices.add("a", member(1));
    devices.add("old", member(3));
    auto volume = devices.assemble();
    ASSERT_TRUE(volume);
    auto taken = take_dev_items(*volume, {item(1), item(2)}, true);
    ASSERT_FALSE(taken);
    EXPECT_TRUE(holds(taken.error().message, "old: is no member of this file system: its chunk tree names no devid 3"));
    volume = devices.assemble();
    EXPECT_TRUE(take_dev_items(*volume, {item(1), item(2)}, false)) << "the part that is gone may have named it";
    volume = devices.assemble({DevId(3)});
    EXPECT_TRUE(take_dev_items(*volume, {item(1), item(2)}, true)) << "distrusted by name: it may look";
}

TEST(DevItems, ASeedIsKnownByItsOwnFsidAndMustHaveTheGenerationExpected) {
    Devices devices;
    devices.add("seed", seed());
    devices.add("b", member(2));
    auto grown = item(1);
    grown.fsid = uuid_of(0x5e);
    grown.generation = Generation(500);
    auto volume = devices.assemble();
    ASSERT_TRUE(take_dev_items(*volume, {grown, item(2)}, true));
    EXPECT_TRUE(volume->members()[0].seed);
    EXPECT_FALSE(volume->members()[1].seed);
    EXPECT_TRUE(volume->is_own_fsid(uuid_of(0x5e)));

    grown.generation = Generation(499);
    volume = devices.assemble();
    const auto taken = take_dev_items(*volume, {grown, item(2)}, true);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().message, "seed: the seed has generation 500, the file system grown from it expects 499");
}

TEST(DevItems, ADeviceOfAnotherFsidThanExpectedIsRefused) {
    Devices devices;
    devices.add("a", member(1));
    auto volume = devices.assemble();
    auto other = item(1);
    other.fsid = uuid_of(0x44);
    const auto taken = take_dev_items(*volume, {other, item(2)}, true);
    ASSERT_FALSE(taken);
    EXPECT_TRUE(holds(taken.error().message, "a: its fsid f5f5f5f5-")) << taken.error().message;
}

TEST(UuidText, HasTheUsualGroups) {
    Uuid uuid;
    for (uint8_t i = 0; i < 16; i++) uuid[i] = static_cast<uint8_t>(i * 17);
    EXPECT_EQ(uuid_text(uuid), "00112233-4455-6677-8899-aabbccddeeff");
}

}  // namespace
}  // namespace raid56::volume
