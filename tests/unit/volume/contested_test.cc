// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/contested.h"

#include <gtest/gtest.h>

#include <random>

#include "volume/volume.h"

namespace raid56::volume {
namespace {

using format::Profile;

TEST(Contested, NeighboursContestNothing) {
    const Contested none({{0, {0, 100}}, {0, {100, 200}}, {0, {200, 300}}, {1, {50, 150}}});
    EXPECT_TRUE(none.empty());
    EXPECT_FALSE(none.touches(0, {0, 300}));
    EXPECT_TRUE(Contested(std::vector<Claim>{}).empty());
}

TEST(Contested, WhatTwoClaimOfOneMember) {
    const Contested some({{2, {100, 200}}, {2, {150, 300}}, {1, {150, 300}}});
    EXPECT_FALSE(some.empty());
    EXPECT_EQ(some.places(2), (std::vector<Range>{{150, 200}}));
    EXPECT_TRUE(some.places(0).empty());
    EXPECT_TRUE(some.places(1).empty());
    EXPECT_TRUE(some.places(9).empty());
    EXPECT_FALSE(some.touches(2, {100, 150}));
    EXPECT_TRUE(some.touches(2, {149, 151}));
    EXPECT_TRUE(some.touches(2, {199, 200}));
    EXPECT_FALSE(some.touches(2, {200, 300}));
    EXPECT_FALSE(some.touches(1, {150, 300}));
    EXPECT_EQ(some.parts(2, {0, 160}), (std::vector<Range>{{150, 160}}));
}

// Each byte in turn: claimed twice or more, or not.
TEST(Contested, AgreesWithCountingEachByte) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < 500; round++) {
        std::vector<Claim> claims;
        std::vector<std::vector<unsigned>> count(3, std::vector<unsigned>(64));
        const unsigned number = random() % 9;
        for (unsigned i = 0; i < number; i++) {
            const unsigned member = random() % 3;
            const uint64_t start = random() % 60, end = start + 1 + random() % (64 - start);
            claims.push_back({member, {start, end}});
            for (uint64_t at = start; at < end; at++) count[member][at]++;
        }
        const Contested contested(claims);
        for (unsigned member = 0; member < 3; member++)
            for (uint64_t at = 0; at < 64; at++)
                ASSERT_EQ(contested.touches(member, {at, at + 1}), count[member][at] > 1) << round;
    }
}

format::Chunk chunk(uint64_t start, std::vector<format::Stripe> stripes, Profile profile, uint64_t strips) {
    format::Chunk chunk;
    chunk.start = Logical(start);
    chunk.profile = profile;
    chunk.stripes = std::move(stripes);
    chunk.length = strips * layout_of(profile, static_cast<unsigned>(chunk.stripes.size())).data_length();
    return chunk;
}

TEST(Contested, IsFoundAmongTheDevExtentsOfAVolume) {
    Volume volume({}, {});
    const auto at = [](uint64_t devid, uint64_t strip) {
        return format::Stripe{DevId(devid), Physical(0x100000 + strip * kStripLen), {}};
    };
    ASSERT_TRUE(volume.add_chunk(chunk(0x1000000, {at(1, 0), at(2, 0), at(3, 0)}, Profile::raid5, 4)));
    ASSERT_TRUE(volume.add_chunk(chunk(0x2000000, {at(1, 4), at(2, 4), at(3, 4)}, Profile::raid5, 4)));
    volume.find_contested();
    EXPECT_TRUE(volume.contested().empty());
    // One that reaches from the last strip of the first to the first strip of the second, on devid 2 alone.
    ASSERT_TRUE(volume.add_chunk(chunk(0x3000000, {at(2, 3)}, Profile::single, 2)));
    volume.find_contested();
    const unsigned member = *volume.find_member(DevId(2), {});
    EXPECT_EQ(volume.contested().places(member),
              (std::vector<Range>{{0x100000 + 3 * kStripLen, 0x100000 + 5 * kStripLen}}));
    EXPECT_TRUE(volume.contested().places(*volume.find_member(DevId(1), {})).empty());
}

TEST(Contested, AChunkMayContestItself) {
    Volume volume({}, {});
    const format::Stripe stripe{DevId(1), Physical(0x100000), {}};
    ASSERT_TRUE(volume.add_chunk(chunk(0x1000000, {stripe, stripe}, Profile::dup, 2)));
    volume.find_contested();
    EXPECT_EQ(volume.contested().places(0), (std::vector<Range>{{0x100000, 0x100000 + 2 * kStripLen}}));
}

TEST(UnderSuper, EachByteOfEachCopyAndNoOther) {
    for (const uint64_t offset : format::kSuperOffsets) {
        EXPECT_TRUE(is_under_super({offset, offset + 1}));
        EXPECT_TRUE(is_under_super({offset - 4096, offset + 1}));
        EXPECT_FALSE(is_under_super({offset - 4096, offset}));
        EXPECT_TRUE(is_under_super({offset + 4095, offset + 8192}));
        EXPECT_FALSE(is_under_super({offset + 4096, offset + 8192}));
    }
}

}  // namespace
}  // namespace raid56::volume
