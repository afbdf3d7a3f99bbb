// SPDX-License-Identifier: GPL-2.0-or-later
// Gaps between full stripes that hold something: read through where the device says that it pays.
#include <gtest/gtest.h>

#include <cerrno>

#include "scrub/batch.h"
#include "support/chunk_image.h"

namespace raid56::scrub {
namespace {

using test::ChunkImage;
using Range = test::WatchedDevice::Range;
using Ranges = test::WatchedDevice::Ranges;

class Bridge : public testing::Test {
  protected:
    // Full stripes 0, 2 and 6 of 8 hold something: gaps of one strip and of three.
    void read() {
        batch_.window.chunk = &image_.chunk();
        batch_.window.count = 8;
        batch_.window.sectorsize = ChunkImage::kSector;
        batch_.window.needed = {true, false, true, false, false, false, true, false};
        batch_.start_reads(image_.volume());
        batch_.finish_reads(stop_);
    }
    Range strips(unsigned index, unsigned n, unsigned count) { return {image_.offset(n, index), count * kStripLen}; }

    ChunkImage image_ = ChunkImage::of(format::Profile::raid5, 3, 8);
    std::atomic<bool> stop_{false};
    Batch batch_{parity::scalar_engine()};
};

TEST_F(Bridge, WithoutOneEveryRunIsARead) {
    read();
    EXPECT_EQ(image_.device(0).reads(), (Ranges{strips(0, 0, 1), strips(0, 2, 1), strips(0, 6, 1)}));
}

TEST_F(Bridge, EachDeviceHasItsOwnAndOnlySmallerGapsAreReadThrough) {
    image_.device(0).bridge_gaps(kStripLen);
    image_.device(1).bridge_gaps(3 * kStripLen);
    image_.device(2).bridge_gaps(kStripLen - 1);
    read();
    EXPECT_EQ(image_.device(0).reads(), (Ranges{strips(0, 0, 3), strips(0, 6, 1)}));
    EXPECT_EQ(image_.device(1).reads(), (Ranges{strips(1, 0, 7)}));
    EXPECT_EQ(image_.device(2).reads(), (Ranges{strips(2, 0, 1), strips(2, 2, 1), strips(2, 6, 1)}));
    for (const unsigned n : {0u, 2u, 6u})
        for (unsigned i = 0; i < 3; i++) {
            const auto expected = image_.strip(n, i);
            EXPECT_TRUE(std::ranges::equal(ByteView(batch_.strip(n, i), kStripLen), expected)) << n << ' ' << i;
            EXPECT_FALSE(batch_.any_bad(n, i));
        }
}

TEST_F(Bridge, ABadSectorWithinAGapIsNotLookedFor) {
    image_.device(0).bridge_gaps(3 * kStripLen);
    image_.faults(0).fail_range(image_.offset(4, 0), 4096, EIO);
    read();
    for (const unsigned n : {0u, 2u, 6u}) EXPECT_FALSE(batch_.any_bad(n, 0)) << n;
    // The whole, and then the runs alone.
    EXPECT_EQ(image_.device(0).reads(), (Ranges{strips(0, 0, 7), strips(0, 0, 1), strips(0, 2, 1), strips(0, 6, 1)}));
}

TEST_F(Bridge, ABadSectorBehindAGapIsFound) {
    image_.device(0).bridge_gaps(3 * kStripLen);
    image_.faults(0).fail_range(image_.offset(6, 0) + 2 * 4096, 4096, EIO);
    read();
    EXPECT_FALSE(batch_.any_bad(0, 0));
    EXPECT_FALSE(batch_.any_bad(2, 0));
    for (unsigned row = 0; row < 16; row++) EXPECT_EQ(batch_.is_bad(6, 0, row), row == 2) << row;
}

}  // namespace
}  // namespace raid56::scrub
