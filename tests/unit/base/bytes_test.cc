// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <vector>

namespace raid56 {
namespace {

struct Pair {
    Le16 first;
    Le64 second;
};

const std::vector<uint8_t> kBytes = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x89, 0x9a};

TEST(Le, IsLittleEndianOfEveryWidth) {
    EXPECT_EQ(uint16_t{*read_at<Le16>(kBytes, 0)}, 0x0201u);
    EXPECT_EQ(uint32_t{*read_at<Le32>(kBytes, 0)}, 0x04030201u);
    EXPECT_EQ(uint64_t{*read_at<Le64>(kBytes, 0)}, 0x0807060504030201u);
}

TEST(Le, KeepsTheHighestBit) {
    const std::vector<uint8_t> ones(8, 0xff);
    EXPECT_EQ(uint16_t{*read_at<Le16>(ones, 0)}, UINT16_MAX);
    EXPECT_EQ(uint32_t{*read_at<Le32>(ones, 0)}, UINT32_MAX);
    EXPECT_EQ(uint64_t{*read_at<Le64>(ones, 0)}, UINT64_MAX);
    const std::vector<uint8_t> top = {0, 0, 0, 0, 0, 0, 0, 0x80};
    EXPECT_EQ(uint64_t{*read_at<Le64>(top, 0)}, 1ull << 63);
}

TEST(Le, NeedsNoAlignmentAndAddsNoPadding) {
    static_assert(sizeof(Pair) == 10 && alignof(Pair) == 1);
    for (size_t offset = 0; offset + 8 <= kBytes.size(); offset++)
        EXPECT_EQ(uint64_t{*read_at<Le64>(kBytes, offset)} & 0xff, kBytes[offset]);
}

TEST(ReadAt, GivesARawStruct) {
    const auto pair = read_at<Pair>(kBytes, 0);
    ASSERT_TRUE(pair);
    EXPECT_EQ(uint16_t{pair->first}, 0x0201u);
    EXPECT_EQ(uint64_t{pair->second}, 0x9a89080706050403u);
}

TEST(ReadAt, GivesNothingPastTheEnd) {
    EXPECT_TRUE(read_at<Le16>(kBytes, 8));
    EXPECT_FALSE(read_at<Le16>(kBytes, 9));
    EXPECT_FALSE(read_at<Le16>(kBytes, 10));
    EXPECT_FALSE(read_at<Le16>(kBytes, 11));
    EXPECT_FALSE(read_at<Pair>(kBytes, 1));
    EXPECT_FALSE(read_at<Le64>(ByteView(), 0));
}

TEST(ReadAt, AnOffsetThatWrapsIsPastTheEnd) {
    for (size_t below = 0; below < 16; below++) EXPECT_FALSE(read_at<Le64>(kBytes, SIZE_MAX - below));
}

TEST(ViewAt, GivesThePart) {
    const auto view = view_at(kBytes, 2, 3);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->data(), kBytes.data() + 2);
    EXPECT_EQ(view->size(), 3u);
    EXPECT_TRUE(view_at(kBytes, 10, 0));
    EXPECT_TRUE(view_at(kBytes, 0, 10));
}

TEST(ViewAt, GivesNothingPastTheEnd) {
    EXPECT_FALSE(view_at(kBytes, 0, 11));
    EXPECT_FALSE(view_at(kBytes, 11, 0));
    EXPECT_FALSE(view_at(kBytes, 5, 6));
    EXPECT_FALSE(view_at(kBytes, 5, SIZE_MAX));
    EXPECT_FALSE(view_at(kBytes, SIZE_MAX, 1));
    EXPECT_FALSE(view_at(kBytes, SIZE_MAX, SIZE_MAX));
}

}  // namespace
}  // namespace raid56
