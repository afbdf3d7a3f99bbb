// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <algorithm>

#include "scrub/scrub.h"
#include "scrub/threads.h"

namespace raid56::scrub {
namespace {

constexpr size_t kMiB = 1 << 20;

TEST(BatchCount, IsEnoughForThreadsAndDisksWhereChunksAreNarrow) {
    for (const size_t strips : {3, 32, 128}) {
        EXPECT_EQ(batch_count(1, strips * kStripLen), 8u);
        EXPECT_EQ(batch_count(6, strips * kStripLen), 8u);
        EXPECT_EQ(batch_count(7, strips * kStripLen), 9u);
        EXPECT_EQ(batch_count(kMostThreads, strips * kStripLen), 14u);
        EXPECT_EQ(batch_count(100, strips * kStripLen), 102u) << "asked for";
    }
}

TEST(BatchCount, KeepsMemoryBoundedHoweverWideTheChunks) {
    for (unsigned threads = 1; threads <= kMostThreads; threads++)
        for (size_t strips = 1; strips <= 2000; strips++) {
            const size_t full_stripe = strips * kStripLen;
            const unsigned batches = batch_count(threads, full_stripe);
            ASSERT_GE(batches, 2u) << "one is read while another is checked";
            if (batches > 2) ASSERT_LE(batches * std::max(8 * kMiB, full_stripe), 112 * kMiB) << strips;
        }
    EXPECT_EQ(batch_count(2, 256 * kStripLen), 7u);
    EXPECT_EQ(batch_count(12, 896 * kStripLen), 2u);
    EXPECT_EQ(batch_count(12, 2000 * kStripLen), 2u);
}

}  // namespace
}  // namespace raid56::scrub
