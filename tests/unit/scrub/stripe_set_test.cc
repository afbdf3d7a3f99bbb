// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/stripe_set.h"

#include <gtest/gtest.h>

namespace raid56::scrub {
namespace {

volume::MappedChunk chunk_at(uint64_t start) {
    volume::MappedChunk mapped;
    mapped.chunk.start = Logical(start);
    // As long as a chunk item may claim: 2^48 bytes but for a sector.
    mapped.chunk.length = (uint64_t{1} << 48) - 4096;
    return mapped;
}

TEST(StripeSet, HoldsWhatWasAdded) {
    const auto chunk = chunk_at(0), other = chunk_at(uint64_t{1} << 50);
    StripeSet set;
    EXPECT_TRUE(set.empty());
    for (const uint64_t n : {uint64_t{0}, uint64_t{4095}, uint64_t{4096}, uint64_t{1} << 31})
        set.add(chunk, StripeNo(n));
    EXPECT_FALSE(set.empty());
    for (const uint64_t n : {uint64_t{0}, uint64_t{4095}, uint64_t{4096}, uint64_t{1} << 31}) {
        EXPECT_TRUE(set.contains(chunk, StripeNo(n))) << n;
        EXPECT_FALSE(set.contains(chunk, StripeNo(n + 2))) << n;
        EXPECT_FALSE(set.contains(other, StripeNo(n))) << n;
    }
}

// A bit for each full stripe that each of these chunks claims would take half a TiB.
TEST(StripeSet, TakesNoMoreThanWhatWasAdded) {
    StripeSet set;
    for (uint64_t i = 0; i < 1000; i++) set.add(chunk_at(i << 49), StripeNo(i));
    EXPECT_TRUE(set.contains(chunk_at(999ull << 49), StripeNo(999)));
}

}  // namespace
}  // namespace raid56::scrub
