// SPDX-License-Identifier: GPL-2.0-or-later
// The map files of GNU ddrescue (its manual, "Mapfile structure"; version 1.27): which parts of a disk were
// copied. A text of lines; # begins a comment at the start of a line or behind a blank; the first other line is
// the state of the run, each further one a block: position, size, status. Numbers as in C.
// Pure: text turned into checked values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/range.h"
#include "base/result.h"

namespace raid56::format {

enum class RescueStatus : char {
    non_tried = '?',
    non_trimmed = '*',
    non_scraped = '/',
    bad_sector = '-',
    finished = '+',
};

struct RescueBlock {
    Range range;  // bytes of the disk that was copied
    RescueStatus status = RescueStatus::non_tried;
    bool operator==(const RescueBlock&) const = default;
};

struct RescueMap {
    std::vector<RescueBlock> blocks;  // ascending, one right behind the other
};

enum class MapReason : uint8_t {
    no_status_line,
    status_line_fields,  // not a position, a character, and maybe a pass
    status_line_number,
    status_line_character,
    no_blocks,
    block_fields,  // not a position, a size and a status
    negative_number,
    bad_number,
    huge_number,  // above 2^63 - 1, as are ends
    block_status,
    empty_block,
    overlap,
    gap,
};

struct MapReject {
    MapReason reason;
    size_t line;  // 1 is the first
};

/// A sentence's part: "line 7 is not a position, a size and a status".
std::string describe(const MapReject& reject);

Result<RescueMap, MapReject> parse_rescue_map(std::string_view text);

/// What was not copied: every block that is not finished, and all before the first and behind the last.
RangeSet not_rescued(const RescueMap& map);

}  // namespace raid56::format
