// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/csum_stream.h"

#include <gtest/gtest.h>

#include <map>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using test::csum_item;
using test::ItemSpec;
using test::TreeImage;

constexpr uint64_t kOwner = format::objectid::kCsumTree;
constexpr uint64_t kSector = 4096;

/// The checksums handed out, by sector: the first byte of each.
using Found = std::map<uint64_t, unsigned>;

class CsumStreamTest : public ::testing::Test {
  protected:
    TreeImage image_;
    LogTrees log_;
    std::optional<CsumStream> stream_;

    void open(const std::vector<std::vector<ItemSpec>>& leaves) {
        stream_.emplace(image_.reader(), image_.tree(kOwner, leaves), log_);
    }

    /// Sectors [from, to).
    Found read(uint64_t from, uint64_t to) {
        Found found;
        stream_->read(Logical(from * kSector), Logical(to * kSector),
                      [&](Logical start, size_t count, const uint8_t* digests) {
                          EXPECT_GE(start.v, from * kSector);
                          EXPECT_LE(start.v + count * kSector, to * kSector);
                          for (size_t i = 0; i < count; i++) found[start.v / kSector + i] = digests[i * 4];
                      });
        return found;
    }
    /// Sectors first.. of an item whose first checksum is that of `value`.
    static Found run(uint64_t first, size_t count, unsigned value) {
        Found found;
        for (size_t i = 0; i < count; i++) found[first + i] = value + static_cast<unsigned>(i);
        return found;
    }
    static ItemSpec item(uint64_t sector, size_t count, uint8_t value) {
        return csum_item(sector * kSector, count, value);
    }
    void log(uint64_t sector, size_t count, uint8_t value) {
        log_.csums.push_back({Logical(sector * kSector), count, log_.csum_bytes.size()});
        const auto bytes = csum_item(0, count, value).data;
        log_.csum_bytes.insert(log_.csum_bytes.end(), bytes.begin(), bytes.end());
    }
};

Found operator+(Found a, const Found& b) {
    for (const auto& [sector, value] : b) a[sector] = value;
    return a;
}

TEST_F(CsumStreamTest, AllAtOnce) {
    open({{item(10, 5, 1), item(20, 2, 50)}, {item(22, 3, 100)}});
    EXPECT_EQ(read(0, 1000), run(10, 5, 1) + run(20, 2, 50) + run(22, 3, 100));
    EXPECT_EQ(read(1000, 2000), Found{});
}

TEST_F(CsumStreamTest, ItemsThatStraddleCallsAreCutAtEveryPlace) {
    for (uint64_t step = 1; step < 20; step++) {
        open({{item(10, 7, 1), item(17, 4, 50)}, {item(25, 9, 100)}, {item(40, 1, 200)}});
        Found all;
        for (uint64_t from = 0; from < 60; from += step) {
            const auto part = read(from, from + step);
            for (const auto& [sector, value] : part) EXPECT_FALSE(all.contains(sector)) << "twice";
            all = all + part;
        }
        EXPECT_EQ(all, run(10, 7, 1) + run(17, 4, 50) + run(25, 9, 100) + run(40, 1, 200)) << step;
    }
}

TEST_F(CsumStreamTest, TheFirstCallMayStartWithinAnItem) {
    open({{item(10, 7, 1)}, {item(30, 2, 50)}});
    EXPECT_EQ(read(13, 15), run(13, 2, 4));
    EXPECT_EQ(read(15, 40), run(15, 2, 6) + run(30, 2, 50));
}

TEST_F(CsumStreamTest, CallsMayLeaveAnythingOut) {
    std::vector<std::vector<ItemSpec>> leaves;
    for (uint64_t i = 0; i < 30; i++) leaves.push_back({item(i * 100, 10, static_cast<uint8_t>(i))});
    open(leaves);
    EXPECT_EQ(read(205, 206), run(205, 1, 2 + 5));
    EXPECT_EQ(read(905, 1002), run(905, 5, 9 + 5) + run(1000, 2, 10));
    EXPECT_EQ(read(2950, 3000), Found{});
}

TEST_F(CsumStreamTest, FarJumpsAreTheSameAsNearOnes) {
    // Beyond 64 MiB the stream descends again instead of walking on.
    std::vector<std::vector<ItemSpec>> leaves;
    for (uint64_t i = 0; i < 9; i++) leaves.push_back({item(i * 20000, 10, static_cast<uint8_t>(i))});
    open(leaves);
    EXPECT_EQ(read(0, 5), run(0, 5, 0));
    EXPECT_EQ(read(5, 10), run(5, 5, 5));
    EXPECT_EQ(read(80003, 80005), run(80003, 2, 4 + 3)) << "the item begins before";
    EXPECT_EQ(read(80005, 80010), run(80005, 5, 4 + 5));
    EXPECT_EQ(read(160000, 160010), run(160000, 10, 8));
}

TEST_F(CsumStreamTest, ALostLeafGivesNothingAndTheRestIsFound) {
    for (size_t gone = 0; gone < 3; gone++) {
        open({{item(0, 5, 1)}, {item(10, 5, 50)}, {item(20, 5, 100)}});
        image_.ruin(image_.leaves()[gone]);
        Found expected;
        if (gone != 0) expected = expected + run(0, 5, 1);
        if (gone != 1) expected = expected + run(10, 5, 50);
        if (gone != 2) expected = expected + run(20, 5, 100);
        Found found;
        for (uint64_t from = 0; from < 30; from += 3) found = found + read(from, from + 3);
        EXPECT_EQ(found, expected);
    }
}

TEST_F(CsumStreamTest, WithoutATreeThereIsOnlyTheLog) {
    log(5, 2, 7);
    stream_.emplace(image_.reader(), std::nullopt, log_);
    EXPECT_EQ(read(0, 10), run(5, 2, 7));
}

TEST_F(CsumStreamTest, TheLogComesLastAndSoOverrides) {
    log(11, 2, 200);
    open({{item(10, 5, 1)}});
    EXPECT_EQ(read(10, 15), run(10, 5, 1) + run(11, 2, 200));
}

TEST_F(CsumStreamTest, RunsOfTheLogThatOverlapAreAllHandedOut) {
    // A long run and a short one within it: the long one still counts behind the short one's end.
    log(10, 20, 0);
    log(12, 2, 100);
    open({{}});
    EXPECT_EQ(read(10, 13), run(10, 2, 0) + run(12, 1, 100));
    EXPECT_EQ(read(13, 14), run(13, 1, 101));
    EXPECT_EQ(read(14, 20), run(14, 6, 4));
    EXPECT_EQ(read(20, 40), run(20, 10, 10));
}

TEST_F(CsumStreamTest, ItemsOfOtherKindsAreNoChecksums) {
    open({{{{1, 128, 0}, {1, 2, 3, 4}}, item(10, 1, 9)}});
    EXPECT_EQ(read(0, 100), run(10, 1, 9));
}

TEST_F(CsumStreamTest, AnItemThatMakesNoSenseIsNone) {
    ItemSpec bad = item(10, 2, 1);
    bad.data.pop_back();
    open({{bad, item(20, 1, 9)}});
    EXPECT_EQ(read(0, 100), run(20, 1, 9));
}

}  // namespace
}  // namespace raid56::tree
