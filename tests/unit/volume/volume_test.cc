// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/volume.h"

#include <gtest/gtest.h>

namespace raid56::volume {
namespace {

using format::Profile;

format::Chunk chunk(uint64_t start, uint64_t length, uint64_t devid = 1) {
    format::Chunk chunk;
    chunk.start = Logical(start);
    chunk.length = length;
    chunk.kind = format::chunk_kind::kData;
    chunk.stripes = {{DevId(devid), Physical(0x100000), {}}};
    return chunk;
}

TEST(ChunkMap, IsKeptInOrderWhateverTheOrderOfAdding) {
    Volume volume({}, {});
    for (const uint64_t start : {0x300000, 0x100000, 0x200000}) ASSERT_TRUE(volume.add_chunk(chunk(start, 0x100000)));
    ASSERT_EQ(volume.chunks().size(), 3u);
    for (size_t i = 0; i < 3; i++) EXPECT_EQ(volume.chunks()[i].chunk.start.v, (i + 1) * 0x100000);
}

TEST(ChunkMap, FindsAnAddressFromTheFirstByteToTheLast) {
    Volume volume({}, {});
    ASSERT_TRUE(volume.add_chunk(chunk(0x100000, 0x100000)));
    ASSERT_TRUE(volume.add_chunk(chunk(0x300000, 0x100000)));
    EXPECT_EQ(volume.find_chunk(Logical(0xfffff)), nullptr);
    EXPECT_EQ(volume.find_chunk(Logical(0x100000)), &volume.chunks()[0]);
    EXPECT_EQ(volume.find_chunk(Logical(0x1fffff)), &volume.chunks()[0]);
    EXPECT_EQ(volume.find_chunk(Logical(0x200000)), nullptr);
    EXPECT_EQ(volume.find_chunk(Logical(0x3fffff)), &volume.chunks()[1]);
    EXPECT_EQ(volume.find_chunk(Logical(UINT64_MAX)), nullptr);
    EXPECT_EQ(Volume({}, {}).find_chunk(Logical(0)), nullptr);
}

TEST(ChunkMap, TheSameChunkTwiceIsOne) {
    Volume volume({}, {});
    ASSERT_TRUE(volume.add_chunk(chunk(0x100000, 0x100000)));
    ASSERT_TRUE(volume.add_chunk(chunk(0x100000, 0x100000)));
    EXPECT_EQ(volume.chunks().size(), 1u);
}

TEST(ChunkMap, OverlapsAreRefusedOnEverySide) {
    Volume volume({}, {});
    ASSERT_TRUE(volume.add_chunk(chunk(0x200000, 0x100000)));
    for (const auto& [start, length] : std::vector<std::pair<uint64_t, uint64_t>>{{0x100000, 0x101000},
                                                                                  {0x2ff000, 0x1000},
                                                                                  {0x200000, 0x1000},
                                                                                  {0x280000, 0x1000},
                                                                                  {0x100000, 0x400000},
                                                                                  {0x200000, 0x200000}}) {
        const auto added = volume.add_chunk(chunk(start, length));
        ASSERT_FALSE(added) << start;
        EXPECT_NE(added.error().message.find("overlaps the chunk at 2097152"), std::string::npos)
            << added.error().message;
    }
    EXPECT_FALSE(volume.add_chunk(chunk(0x200000, 0x100000, 2))) << "the same place on another device";
    EXPECT_TRUE(volume.add_chunk(chunk(0x100000, 0x100000)));
    EXPECT_TRUE(volume.add_chunk(chunk(0x300000, 0x100000)));
    EXPECT_EQ(volume.chunks().size(), 3u);
}

TEST(ChunkMap, ADeviceThatNobodyNamedIsMissing) {
    Volume volume({}, {});
    ASSERT_TRUE(volume.add_chunk(chunk(0x100000, 0x100000, 9)));
    ASSERT_EQ(volume.members().size(), 1u);
    EXPECT_EQ(volume.members()[0].devid.v, 9u);
    EXPECT_EQ(volume.members()[0].state, DeviceState::missing);
    EXPECT_EQ(volume.members()[0].device, nullptr);
}

TEST(ChunkMap, AMemberIsKnownByDevidAndUuidTogether) {
    Volume volume({}, {});
    Member member;
    member.devid = DevId(1);
    member.uuid.fill(7);
    volume.add_member(member);
    ASSERT_TRUE(volume.add_chunk(chunk(0x100000, 0x100000, 1)));  // devid 1, but another uuid
    EXPECT_EQ(volume.members().size(), 2u);
    EXPECT_EQ(volume.find_member(DevId(1), member.uuid), 0u);
    EXPECT_FALSE(volume.find_member(DevId(2), member.uuid));
}

TEST(MappedChunk, AddressesOfAColumn) {
    Volume volume({}, {});
    auto raid5 = chunk(0x40000000, 2 * kStripLen * 10);
    raid5.profile = Profile::raid5;
    raid5.stripes = {
        {DevId(1), Physical(0x100000), {}}, {DevId(2), Physical(0x200000), {}}, {DevId(3), Physical(0x300000), {}}};
    ASSERT_TRUE(volume.add_chunk(raid5));
    const auto& mapped = volume.chunks()[0];
    EXPECT_EQ(mapped.full_stripes(), 10u);
    EXPECT_EQ(mapped.extent_length(), 10 * kStripLen);
    EXPECT_EQ(mapped.logical(StripeNo(3), 1).v, 0x40000000 + 7 * kStripLen);
    EXPECT_EQ(mapped.physical(StripeNo(3), 2).v, 0x300000 + 3 * kStripLen);
    EXPECT_TRUE(mapped.has_parity(StripeNo(0)));
}

TEST(Fsid, OfTheVolumeAndOfItsSeedsIsItsOwn) {
    format::Superblock super;
    super.metadata_uuid.fill(1);
    Volume volume(super, {});
    Member seed, member;
    seed.seed = true;
    seed.fsid.fill(2);
    member.fsid.fill(3);
    volume.add_member(seed);
    volume.add_member(member);
    Uuid one, two, three;
    one.fill(1);
    two.fill(2);
    three.fill(3);
    EXPECT_TRUE(volume.is_own_fsid(one));
    EXPECT_TRUE(volume.is_own_fsid(two));
    EXPECT_FALSE(volume.is_own_fsid(three));
}

TEST(DeviceState, OnlyPresentAndUnsureDevicesAreTrusted) {
    for (const auto state : {DeviceState::present, DeviceState::stale, DeviceState::unsure, DeviceState::missing,
                             DeviceState::distrusted}) {
        Member member;
        member.state = state;
        EXPECT_EQ(member.trusted(), state == DeviceState::present || state == DeviceState::unsure) << state_name(state);
    }
}

TEST(DeviceState, HasTheNamesOfTheContract) {
    EXPECT_STREQ(state_name(DeviceState::present), "present");
    EXPECT_STREQ(state_name(DeviceState::stale), "stale");
    EXPECT_STREQ(state_name(DeviceState::unsure), "unsure");
    EXPECT_STREQ(state_name(DeviceState::missing), "missing");
    EXPECT_STREQ(state_name(DeviceState::distrusted), "distrusted");
}

}  // namespace
}  // namespace raid56::volume
