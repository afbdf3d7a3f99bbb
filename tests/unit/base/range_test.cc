// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/range.h"

#include <gtest/gtest.h>

#include <ostream>

namespace raid56 {

void PrintTo(const Range& range, std::ostream* out) { *out << '[' << range.start << ", " << range.end << ')'; }

namespace {

RangeSet set_of(const std::vector<Range>& ranges) {
    RangeSet set;
    for (const Range range : ranges) set.append(range);
    return set;
}

TEST(RangeSetTest, WhatIsTakenOutIsGoneAndNothingElse) {
    const RangeSet full = set_of({{2, 4}, {6, 9}, {10, 11}, {13, 16}});
    for (uint64_t start = 0; start <= 17; start++)
        for (uint64_t end = 0; end <= 17; end++) {
            SCOPED_TRACE(std::to_string(start) + " to " + std::to_string(end));
            RangeSet set = full;
            set.remove({start, end});
            uint64_t last_end = 0;
            for (const Range range : set.ranges()) {
                EXPECT_FALSE(range.empty());
                EXPECT_TRUE(last_end < range.start || last_end == 0) << "ascending, none touches the next";
                last_end = range.end;
            }
            for (uint64_t at = 0; at < 18; at++)
                EXPECT_EQ(set.touches({at, at + 1}), full.touches({at, at + 1}) && !(start <= at && at < end)) << at;
        }
}

TEST(RangeSetTest, TouchesIsAnyByteInCommon) {
    const RangeSet set = set_of({{2, 4}, {6, 9}, {100, UINT64_MAX}});
    for (uint64_t start = 0; start < 12; start++)
        for (uint64_t end = 0; end < 12; end++) {
            bool any = false;
            for (uint64_t at = start; at < end; at++) any = any || at == 2 || at == 3 || (at >= 6 && at < 9);
            EXPECT_EQ(set.touches({start, end}), any) << start << " to " << end;
        }
    EXPECT_TRUE(set.touches({UINT64_MAX - 1, UINT64_MAX}));
    EXPECT_FALSE(RangeSet().touches({0, UINT64_MAX}));
}

TEST(RangeSetTest, OverlapsAreTheBytesInCommonAndNoEmptyParts) {
    const RangeSet set = set_of({{2, 4}, {6, 9}});
    for (uint64_t start = 0; start < 12; start++)
        for (uint64_t end = 0; end < 12; end++) {
            std::vector<uint64_t> found, expected;
            set.overlaps({start, end}, [&](Range part) {
                EXPECT_FALSE(part.empty()) << start << " to " << end;
                for (uint64_t at = part.start; at < part.end; at++) found.push_back(at);
            });
            for (uint64_t at = start; at < end; at++)
                if (at == 2 || at == 3 || (at >= 6 && at < 9)) expected.push_back(at);
            EXPECT_EQ(found, expected) << start << " to " << end;
        }
}

}  // namespace
}  // namespace raid56
