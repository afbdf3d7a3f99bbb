// SPDX-License-Identifier: GPL-2.0-or-later
// Which full stripes have no parity worth the name: byte by byte over the superblock copies.
#include <gtest/gtest.h>

#include <set>

#include "format/superblock.h"
#include "volume/geometry.h"

namespace raid56::volume {
namespace {

using format::Profile;

format::Chunk chunk_at(Profile profile, std::vector<uint64_t> offsets, uint64_t full_stripes) {
    format::Chunk chunk;
    chunk.start = Logical(0x40000000);
    chunk.profile = profile;
    chunk.kind = format::chunk_kind::kData;
    for (size_t i = 0; i < offsets.size(); i++) chunk.stripes.push_back({DevId(i + 1), Physical(offsets[i]), {}});
    const auto layout = layout_of(profile, static_cast<unsigned>(offsets.size()));
    chunk.length = full_stripes * layout.nd * kStripLen;
    return chunk;
}

// Every strip of every device, held against every copy.
std::vector<StripeNo> by_brute_force(const format::Chunk& chunk, const Layout& layout) {
    std::vector<StripeNo> found;
    for (uint64_t n = 0; n < chunk.length / layout.data_length(); n++) {
        bool hit = false;
        for (const auto& stripe : chunk.stripes)
            for (const uint64_t copy : {uint64_t{0x10000}, uint64_t{0x4000000}, uint64_t{0x4000000000}}) {
                const uint64_t begin = stripe.offset.v + n * kStripLen, end = begin + kStripLen;
                hit = hit || (copy < end && begin < copy + 4096);
            }
        if (hit) found.push_back(StripeNo(n));
    }
    return found;
}

void expect_same(const format::Chunk& chunk) {
    const auto layout = layout_of(chunk.profile, static_cast<unsigned>(chunk.stripes.size()));
    EXPECT_EQ(stripes_without_parity(chunk, layout), by_brute_force(chunk, layout));
}

TEST(WithoutParity, ACopyInAnyColumnTakesTheWholeFullStripe) {
    for (unsigned width = 2; width <= 6; width++)
        for (unsigned hit = 0; hit < width; hit++)
            for (const uint64_t before : {0, 1, 5, 99}) {
                std::vector<uint64_t> offsets(width, 0x20000000);
                offsets[hit] = 0x4000000 - before * kStripLen;
                const auto chunk = chunk_at(width > 2 ? Profile::raid6 : Profile::raid5, offsets, 100);
                expect_same(chunk);
                EXPECT_EQ(stripes_without_parity(chunk, layout_of(chunk.profile, width)),
                          std::vector{StripeNo(before)});
            }
}

TEST(WithoutParity, SeveralDevicesGiveSeveralFullStripesOrOneTogether) {
    const auto apart = chunk_at(Profile::raid5, {0x3ff0000, 0x3fe0000, 0x3f00000}, 1000);
    expect_same(apart);
    EXPECT_EQ(stripes_without_parity(apart, layout_of(Profile::raid5, 3)),
              (std::vector{StripeNo(1), StripeNo(2), StripeNo(16)}));
    const auto together = chunk_at(Profile::raid5, {0x3ff0000, 0x3ff0000, 0x3ff0000}, 1000);
    EXPECT_EQ(stripes_without_parity(together, layout_of(Profile::raid5, 3)), std::vector{StripeNo(1)});
}

TEST(WithoutParity, AllThreeCopiesCount) {
    // A dev extent from physical 0 that reaches past 256 GiB.
    const auto chunk = chunk_at(Profile::raid5, {0, 0x100000}, 0x4000000000 / kStripLen + 10);
    EXPECT_EQ(stripes_without_parity(chunk, layout_of(Profile::raid5, 2)),
              (std::vector{StripeNo(1), StripeNo((0x4000000 - 0x100000) / kStripLen), StripeNo(0x4000000 / kStripLen),
                           StripeNo((0x4000000000 - 0x100000) / kStripLen), StripeNo(0x4000000000 / kStripLen)}));
}

TEST(WithoutParity, OutsideTheDevExtentsNothingIsHit) {
    expect_same(chunk_at(Profile::raid6, {0x100000, 0x100000, 0x4010000}, 100));
    // Up to just before the copy, and from just behind its strip.
    EXPECT_TRUE(
        stripes_without_parity(chunk_at(Profile::raid5, {0x3ff0000, 0x20000000}, 1), layout_of(Profile::raid5, 2))
            .empty());
    EXPECT_TRUE(
        stripes_without_parity(chunk_at(Profile::raid5, {0x4010000, 0x20000000}, 9), layout_of(Profile::raid5, 2))
            .empty());
}

TEST(WithoutParity, DevExtentsThatAreNotAlignedToAStrip) {
    for (uint64_t shift = 0; shift < kStripLen; shift += 4096)
        expect_same(chunk_at(Profile::raid6, {0x4000000 - 3 * kStripLen + shift, 0x20000000, 0x20000000}, 50));
    // 2 KiB sectors do not exist, but a superblock copy across two strips must hit both.
    const auto chunk = chunk_at(Profile::raid5, {0x4000000 - kStripLen + 2048, 0x20000000}, 50);
    expect_same(chunk);
}

TEST(WithoutParity, AFullStripeCutShortByTheChunksEnd) {
    auto chunk = chunk_at(Profile::raid5, {0x20000000, 0x20000000, 0x20000000}, 10);
    chunk.length += kStripLen;
    EXPECT_EQ(stripes_without_parity(chunk, layout_of(Profile::raid5, 3)), std::vector{StripeNo(10)});
}

TEST(WithoutParity, ProfilesWithoutParityHaveNone) {
    for (const auto profile : {Profile::single, Profile::raid0, Profile::raid1, Profile::raid10})
        EXPECT_TRUE(
            stripes_without_parity(chunk_at(profile, {0x4000000, 0x4000000}, 4), layout_of(profile, 2)).empty());
}

}  // namespace
}  // namespace raid56::volume
