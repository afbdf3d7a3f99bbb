// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/rescue_map_text.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace raid56::report {
namespace {

std::string block_line(const format::RescueBlock& block) {
    char line[64];
    std::snprintf(line, sizeof line, "0x%08" PRIX64 "  0x%08" PRIX64 "  %c\n", block.range.start, block.range.length(),
                  static_cast<char>(block.status));
    return line;
}

}  // namespace

std::string rescue_map_text(const format::RescueMap& map) {
    const bool any_left = std::any_of(map.blocks.begin(), map.blocks.end(), [](const format::RescueBlock& block) {
        return block.status == format::RescueStatus::non_tried;
    });
    std::string text =
        "# Map file for ddrescue, by btrfs-raid56\n"
        "# ?: damaged and needed; -: not rescued or damaged, and not needed; +: all else\n"
        "# position, state and pass of the run\n";
    text += any_left ? "0x00000000     ?               1\n" : "0x00000000     +               1\n";
    text += "# position    size  status\n";
    for (const auto& block : map.blocks) text += block_line(block);
    return text;
}

}  // namespace raid56::report
