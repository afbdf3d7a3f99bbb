// SPDX-License-Identifier: GPL-2.0-or-later
// A map file of ddrescue: what it says covers the disk once, and is the same when it is written and read again.
//
// Input: the text.
#include <algorithm>
#include <string>

#include "format/rescue_map.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "report/rescue_map_text.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

void check_blocks(const format::RescueMap& map) {
    FUZZ_EXPECT(!map.blocks.empty());
    for (size_t i = 0; i < map.blocks.size(); i++) {
        const Range range = map.blocks[i].range;
        FUZZ_EXPECT(!range.empty() && range.end <= INT64_MAX);
        FUZZ_EXPECT(i == 0 || range.start == map.blocks[i - 1].range.end);
    }
}

void check_missing(const format::RescueMap& map) {
    const RangeSet missing = format::not_rescued(map);
    uint64_t length = 0, finished = 0;
    for (const Range range : missing.ranges()) length += range.length();
    for (const auto& block : map.blocks) {
        const bool is_finished = block.status == format::RescueStatus::finished;
        FUZZ_EXPECT(missing.touches(block.range) != is_finished);
        if (is_finished) finished += block.range.length();
    }
    FUZZ_EXPECT(length == UINT64_MAX - finished);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(data, data + size);
    const auto map = format::parse_rescue_map(text);
    if (!map) {
        FUZZ_EXPECT(map.error().line >= 1);
        FUZZ_EXPECT(map.error().line <= 2u + static_cast<size_t>(std::count(text.begin(), text.end(), '\n')));
        FUZZ_EXPECT(format::describe(map.error()).size() > sizeof "line 1 ");
        return 0;
    }
    check_blocks(*map);
    check_missing(*map);
    const auto again = format::parse_rescue_map(report::rescue_map_text(*map));
    FUZZ_EXPECT(again && again->blocks == map->blocks);
    return 0;
}
