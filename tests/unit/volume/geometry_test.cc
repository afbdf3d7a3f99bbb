// SPDX-License-Identifier: GPL-2.0-or-later
// The geometry against a restatement of the format's formulas, one profile at a time, in the plainest
// words: walk the logical space strip by strip and write down where each lies.
#include "volume/geometry.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace raid56::volume {
namespace {

using format::Profile;

struct Shape {
    Profile profile;
    unsigned width;
};

std::vector<Shape> shapes() {
    std::vector<Shape> all;
    for (unsigned n = 1; n <= 8; n++) {
        if (n == 1) all.push_back({Profile::single, n});
        if (n == 2) {
            all.push_back({Profile::dup, n});
            all.push_back({Profile::raid1, n});
        }
        if (n == 3) all.push_back({Profile::raid1c3, n});
        if (n == 4) all.push_back({Profile::raid1c4, n});
        all.push_back({Profile::raid0, n});
        if (n % 2 == 0) all.push_back({Profile::raid10, n});
        if (n >= 2) all.push_back({Profile::raid5, n});
        if (n >= 3) all.push_back({Profile::raid6, n});
    }
    return all;
}

std::string name_of(const Shape& shape) {
    return std::string(format::profile_name(shape.profile)) + "x" + std::to_string(shape.width);
}

/// One copy of the s-th strip of the logical space: which stripe it lies on, and how many strips deep.
struct Spot {
    unsigned index;
    uint64_t depth;
};

// FACTS 6, line by line.
std::vector<Spot> spots_of(const Shape& shape, uint64_t s) {
    const uint64_t n = shape.width;
    std::vector<Spot> spots;
    switch (shape.profile) {
        case Profile::single: return {{0, s}};
        case Profile::dup:
        case Profile::raid1:
        case Profile::raid1c3:
        case Profile::raid1c4:
            for (unsigned m = 0; m < n; m++) spots.push_back({m, s});
            return spots;
        case Profile::raid0: return {{static_cast<unsigned>(s % n), s / n}};
        case Profile::raid10: {
            const auto pair = static_cast<unsigned>(s % (n / 2) * 2);
            return {{pair, s / (n / 2)}, {pair + 1, s / (n / 2)}};
        }
        case Profile::raid5:
        case Profile::raid6: {
            const uint64_t data = shape.profile == Profile::raid5 ? n - 1 : n - 2;
            const uint64_t full = s / data, column = s % data;
            return {{static_cast<unsigned>((full + column) % n), full}};
        }
    }
    return {};
}

class GeometryTest : public ::testing::TestWithParam<Shape> {
  protected:
    const Shape shape = GetParam();
    const Layout layout = layout_of(shape.profile, shape.width);
};

TEST_P(GeometryTest, EveryStripLiesWhereTheFormulasSay) {
    for (uint64_t s = 0; s < 200; s++) {
        const auto spots = spots_of(shape, s);
        ASSERT_EQ(layout.copies, spots.size());
        for (const uint64_t inside : {uint64_t{0}, uint64_t{1}, uint64_t{4096}, kStripLen - 1}) {
            const auto place = place_of(layout, s * kStripLen + inside);
            EXPECT_EQ(place.offset, inside);
            for (unsigned copy = 0; copy < layout.copies; copy++) {
                EXPECT_EQ(stripe_index(layout, place.n, place.column, copy), spots[copy].index) << s;
                EXPECT_EQ(place.n.v, spots[copy].depth) << s;
            }
        }
    }
}

TEST_P(GeometryTest, NoTwoStripsShareAPlaceAndParityTakesTheRest) {
    std::set<std::pair<unsigned, uint64_t>> taken;
    const uint64_t depth = 3 * shape.width;
    for (uint64_t n = 0; n < depth; n++) {
        for (unsigned column = 0; column < layout.columns(); column++)
            for (unsigned copy = 0; copy < (column < layout.nd ? layout.copies : 1); copy++)
                EXPECT_TRUE(taken.insert({stripe_index(layout, StripeNo(n), column, copy), n}).second);
    }
    EXPECT_EQ(taken.size(), depth * shape.width);
}

TEST_P(GeometryTest, ColumnOfIsTheInverse) {
    for (uint64_t n = 0; n < 3 * shape.width; n++)
        for (unsigned column = 0; column < layout.columns(); column++)
            for (unsigned copy = 0; copy < (column < layout.nd ? layout.copies : 1); copy++)
                EXPECT_EQ(column_of(layout, StripeNo(n), stripe_index(layout, StripeNo(n), column, copy)), column);
    // Full stripe numbers far beyond 32 bits turn as those near 0.
    const StripeNo far((uint64_t{1} << 47) + 5);
    for (unsigned column = 0; column < layout.columns(); column++)
        EXPECT_EQ(column_of(layout, far, stripe_index(layout, far, column, 0)), column);
}

TEST_P(GeometryTest, DevExtentsHoldWhatTheChunkNeeds) {
    for (uint64_t strips = 1; strips < 60; strips++) {
        uint64_t deepest = 0;
        for (uint64_t s = 0; s < strips; s++) deepest = std::max(deepest, spots_of(shape, s)[0].depth);
        EXPECT_EQ(full_stripe_count(layout, strips * kStripLen), deepest + 1);
        EXPECT_EQ(dev_extent_length(layout, strips * kStripLen), (deepest + 1) * kStripLen);
    }
    const uint64_t whole = layout.data_length() * 100;
    EXPECT_EQ(dev_extent_length(layout, whole), whole / layout.nd);
}

INSTANTIATE_TEST_SUITE_P(All, GeometryTest, ::testing::ValuesIn(shapes()),
                         [](const auto& info) { return name_of(info.param); });

TEST(Geometry, ParityOfKnownFullStripes) {
    // Written down from an image: raid6 on 4 stripes, D0 D1 P Q turning by one each full stripe.
    const auto layout = layout_of(Profile::raid6, 4);
    const unsigned expected[5][4] = {{0, 1, 2, 3}, {1, 2, 3, 0}, {2, 3, 0, 1}, {3, 0, 1, 2}, {0, 1, 2, 3}};
    for (uint64_t n = 0; n < 5; n++)
        for (unsigned column = 0; column < 4; column++)
            EXPECT_EQ(stripe_index(layout, StripeNo(n), column, 0), expected[n][column]);
}

TEST(Geometry, AChunkOfOneDataColumnMayEndWithinAStrip) {
    EXPECT_EQ(dev_extent_length(layout_of(Profile::single, 1), 0x18000), 0x18000u);
    EXPECT_EQ(full_stripe_count(layout_of(Profile::single, 1), 0x18000), 2u);
}

}  // namespace
}  // namespace raid56::volume
