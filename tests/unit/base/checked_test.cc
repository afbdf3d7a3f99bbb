// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/checked.h"

#include <gtest/gtest.h>

namespace raid56 {
namespace {

TEST(Checked, AddSaysWhenItOverflows) {
    EXPECT_EQ(checked_add(1, 2), 3u);
    EXPECT_EQ(checked_add(UINT64_MAX, 0), UINT64_MAX);
    EXPECT_EQ(checked_add(UINT64_MAX - 5, 5), UINT64_MAX);
    EXPECT_FALSE(checked_add(UINT64_MAX, 1));
    EXPECT_FALSE(checked_add(1ull << 63, 1ull << 63));
}

TEST(Checked, MulSaysWhenItOverflows) {
    EXPECT_EQ(checked_mul(6, 7), 42u);
    EXPECT_EQ(checked_mul(0, UINT64_MAX), 0u);
    EXPECT_EQ(checked_mul(1, UINT64_MAX), UINT64_MAX);
    EXPECT_EQ(checked_mul(1ull << 32, (1ull << 32) - 1), 0xffffffff00000000u);
    EXPECT_FALSE(checked_mul(1ull << 32, 1ull << 32));
    EXPECT_FALSE(checked_mul(2, UINT64_MAX));
}

TEST(Checked, PowersOfTwo) {
    EXPECT_FALSE(is_power_of_2(0));
    for (int bit = 0; bit < 64; bit++) {
        EXPECT_TRUE(is_power_of_2(1ull << bit));
        if (bit > 1) EXPECT_FALSE(is_power_of_2((1ull << bit) - 1));
        if (bit > 1) EXPECT_FALSE(is_power_of_2((1ull << bit) + 1));
    }
}

TEST(Checked, Rounding) {
    EXPECT_EQ(round_up(0, 4096), 0u);
    EXPECT_EQ(round_up(1, 4096), 4096u);
    EXPECT_EQ(round_up(4096, 4096), 4096u);
    EXPECT_EQ(round_up(10, 3), 12u);
    EXPECT_EQ(round_down(4095, 4096), 0u);
    EXPECT_EQ(round_down(8191, 4096), 4096u);
    EXPECT_EQ(round_down(UINT64_MAX, 4096), UINT64_MAX - 4095);
}

}  // namespace
}  // namespace raid56
