// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Cut the text into lines, the lines into words; drop comments and lines without words.
// 2. The first line is the run's state, of which nothing but its form is of interest here.
// 3. Every other line is a block that begins where the one before it ended.
#include "format/rescue_map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace raid56::format {
namespace {

constexpr std::string_view kBlanks = " \t\v\f\r";
constexpr size_t kMostWords = 4;  // one more than any line has

struct Words {
    std::array<std::string_view, kMostWords> word;
    size_t count = 0;
};

Words words_of(std::string_view line) {
    Words words;
    for (size_t at = line.find_first_not_of(kBlanks); at != std::string_view::npos && words.count < kMostWords;) {
        if (line[at] == '#') break;
        const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        words.word[words.count++] = line.substr(at, end - at);
        at = line.find_first_not_of(kBlanks, end);
    }
    return words;
}

// An integer constant of C: 0x or 0X is hexadecimal, 0 octal.
Result<uint64_t, MapReason> parse_number(std::string_view word) {
    if (word.starts_with('-')) return MapReason::negative_number;
    int base = 10;
    if (word.starts_with("0x") || word.starts_with("0X")) {
        base = 16;
        word.remove_prefix(2);
    } else if (word.starts_with('0')) {
        base = 8;
    }
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    if (error == std::errc::invalid_argument || end != word.data() + word.size()) return MapReason::bad_number;
    if (error != std::errc() || number > INT64_MAX) return MapReason::huge_number;
    return number;
}

bool is_run_status(std::string_view word) {
    return word.size() == 1 && std::string_view("?*/-FG+").find(word[0]) != std::string_view::npos;
}

std::optional<RescueStatus> status_of(std::string_view word) {
    if (word.size() != 1) return std::nullopt;
    for (const RescueStatus status : {RescueStatus::non_tried, RescueStatus::non_trimmed, RescueStatus::non_scraped,
                                      RescueStatus::bad_sector, RescueStatus::finished})
        if (word[0] == static_cast<char>(status)) return status;
    return std::nullopt;
}

// The pass is missing in what versions before 1.20 wrote.
std::optional<MapReason> wrong_status_line(const Words& words) {
    if (words.count != 2 && words.count != 3) return MapReason::status_line_fields;
    if (!parse_number(words.word[0])) return MapReason::status_line_number;
    if (!is_run_status(words.word[1])) return MapReason::status_line_character;
    if (words.count == 3 && words.word[2].find_first_not_of("0123456789") != std::string_view::npos)
        return MapReason::status_line_number;
    return std::nullopt;
}

Result<RescueBlock, MapReason> parse_block(const Words& words, const RescueMap& map) {
    if (words.count != 3) return MapReason::block_fields;
    const auto position = parse_number(words.word[0]), size = parse_number(words.word[1]);
    if (!position) return position.error();
    if (!size) return size.error();
    const auto status = status_of(words.word[2]);
    if (!status) return MapReason::block_status;
    if (*size == 0) return MapReason::empty_block;
    if (*size > INT64_MAX - *position) return MapReason::huge_number;
    if (!map.blocks.empty() && *position < map.blocks.back().range.end) return MapReason::overlap;
    if (!map.blocks.empty() && *position > map.blocks.back().range.end) return MapReason::gap;
    return RescueBlock{{*position, *position + *size}, *status};
}

const char* words_for(MapReason reason) {
    switch (reason) {
        case MapReason::no_status_line: return "ends before the line that says how far ddrescue came";
        case MapReason::status_line_fields: return "is not a position, a status and a pass";
        case MapReason::status_line_number: return "has a position or a pass that is no number";
        case MapReason::status_line_character: return "has a status of the run that ddrescue does not have";
        case MapReason::no_blocks: return "ends before the first block";
        case MapReason::block_fields: return "is not a position, a size and a status";
        case MapReason::negative_number: return "has a negative number";
        case MapReason::bad_number: return "has something in the place of a number";
        case MapReason::huge_number: return "has a number, or an end, above 9223372036854775807";
        case MapReason::block_status: return "has a status of a block that ddrescue does not have";
        case MapReason::empty_block: return "has a block of no bytes";
        case MapReason::overlap: return "has a block that overlaps the one before it";
        case MapReason::gap: return "has a block that does not begin where the one before it ends";
    }
    return "?";
}

}  // namespace

std::string describe(const MapReject& reject) {
    return "line " + std::to_string(reject.line) + " " + words_for(reject.reason);
}

Result<RescueMap, MapReject> parse_rescue_map(std::string_view text) {
    RescueMap map;
    bool has_status = false;
    size_t number = 0;
    while (!text.empty()) {
        number++;
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const Words words = words_of(line);
        if (words.count == 0) continue;
        if (!has_status) {
            if (const auto wrong = wrong_status_line(words)) return MapReject{*wrong, number};
            has_status = true;
            continue;
        }
        const auto block = parse_block(words, map);
        if (!block) return MapReject{block.error(), number};
        map.blocks.push_back(*block);
    }
    if (!has_status) return MapReject{MapReason::no_status_line, number + 1};
    if (map.blocks.empty()) return MapReject{MapReason::no_blocks, number + 1};
    return map;
}

RangeSet not_rescued(const RescueMap& map) {
    RangeSet missing;
    uint64_t end = 0;
    for (const auto& block : map.blocks) {
        missing.append({end, block.range.start});
        if (block.status != RescueStatus::finished) missing.append(block.range);
        end = block.range.end;
    }
    missing.append({end, UINT64_MAX});
    return missing;
}

}  // namespace raid56::format
