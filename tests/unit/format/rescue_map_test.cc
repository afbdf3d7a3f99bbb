// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/rescue_map.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>

namespace raid56::format {

void PrintTo(const RescueBlock& block, std::ostream* out) {
    *out << '[' << block.range.start << ", " << block.range.end << ") " << static_cast<char>(block.status);
}

namespace {

using Blocks = std::vector<RescueBlock>;

Blocks parse(std::string_view text) {
    const auto map = parse_rescue_map(text);
    EXPECT_TRUE(map) << describe(map.error()) << " of: " << text;
    return map ? map->blocks : Blocks{};
}

// In the form of the manual's example, with every status.
constexpr std::string_view kWhole =
    "# Mapfile. Created by GNU ddrescue version 1.27\n"
    "# Command line: ddrescue -d /dev/sdx sdx.img sdx.map\n"
    "# current_pos  current_status  current_pass\n"
    "0x00120000     ?               1\n"
    "#      pos        size  status\n"
    "0x00000000  0x00117000  +\n"
    "0x00117000  0x00000200  -\n"
    "0x00117200  0x00001000  /\n"
    "0x00118200  0x00007E00  *\n"
    "0x00120000  0x00048000  ?\n";

TEST(RescueMapTest, EveryStatus) {
    EXPECT_EQ(parse(kWhole), (Blocks{{{0, 0x117000}, RescueStatus::finished},
                                     {{0x117000, 0x117200}, RescueStatus::bad_sector},
                                     {{0x117200, 0x118200}, RescueStatus::non_scraped},
                                     {{0x118200, 0x120000}, RescueStatus::non_trimmed},
                                     {{0x120000, 0x168000}, RescueStatus::non_tried}}));
}

TEST(RescueMapTest, AllButFinishedIsNotRescuedNorWhatTheMapDoesNotDescribe) {
    const auto map = parse_rescue_map(kWhole);
    ASSERT_TRUE(map);
    EXPECT_EQ(not_rescued(*map).ranges(), (std::vector<Range>{{0x117000, UINT64_MAX}}));
    const auto inner = parse_rescue_map("0 +\n4096 4096 +\n8192 512 -\n8704 1024 +\n");
    ASSERT_TRUE(inner);
    EXPECT_EQ(not_rescued(*inner).ranges(), (std::vector<Range>{{0, 4096}, {8192, 8704}, {9728, UINT64_MAX}}));
}

const Blocks kOne = {{{512, 1024}, RescueStatus::finished}};

TEST(RescueMapTest, NumbersAsInC) {
    for (const char* block : {"512 512 +", "0x200 0X200 +", "01000 01000 +", "0x0000000000000200\t\t512   +  ",
                              "  512 512 +", "512 512 + # was tried twice", "512 512 +\r", "512 512 +\t#"})
        EXPECT_EQ(parse(std::string("0x0 + 1\n") + block + "\n"), kOne) << block;
}

TEST(RescueMapTest, StatusLines) {
    for (const char* line : {"0 ?", "0 *", "0 /", "0 -", "0 F", "0 G", "0 +", "0x10 ? 1", "010 ? 12", "0 + 1 # done",
                             "9223372036854775807 + 0"})
        EXPECT_EQ(parse(std::string(line) + "\n512 512 +\n"), kOne) << line;
}

TEST(RescueMapTest, CommentsBlankLinesAndLineEnds) {
    EXPECT_EQ(parse("\n\n# a\n   # b 1 2 3\n0 +\n\n#c\n512 512 +\n# end"), kOne);
    EXPECT_EQ(parse("# a\r\n0 +\r\n512 512 +\r\n"), kOne);
    EXPECT_EQ(parse("0 +\n512 512 +"), kOne) << "the last line is whole without its end";
    EXPECT_EQ(parse(std::string("# \x01\xff\0 no text\n0 +\n512 512 +\n", 28)), kOne);
}

TEST(RescueMapTest, TheLargestEnd) {
    EXPECT_EQ(parse("0 +\n0 0x7fffffffffffffff +\n"), (Blocks{{{0, INT64_MAX}, RescueStatus::finished}}));
    EXPECT_EQ(parse("0 +\n0x7ffffffffffffffe 1 -\n"), (Blocks{{{INT64_MAX - 1, INT64_MAX}, RescueStatus::bad_sector}}));
}

struct Bad {
    const char* text;
    MapReason reason;
    size_t line;
};

const Bad kBad[] = {
    {"", MapReason::no_status_line, 1},
    {"# only\n#comments\n", MapReason::no_status_line, 3},
    {"+\n", MapReason::status_line_fields, 1},
    {"0 + 1 1\n", MapReason::status_line_fields, 1},
    {"0 0 0 + 1\n", MapReason::status_line_fields, 1},
    {"x + 1\n", MapReason::status_line_number, 1},
    {"-1 + 1\n", MapReason::status_line_number, 1},
    {"0 + 0x1\n", MapReason::status_line_number, 1},
    {"0 + -1\n", MapReason::status_line_number, 1},
    {"0x8000000000000000 +\n", MapReason::status_line_number, 1},
    {"0 x 1\n", MapReason::status_line_character, 1},
    {"0 ++ 1\n", MapReason::status_line_character, 1},
    {"0 512 +\n", MapReason::status_line_character, 1},  // a block, where the line before it is lost
    {"\177ELF\2\1\1\n", MapReason::status_line_fields, 1},
    {"0 +\n", MapReason::no_blocks, 2},
    {"#\n0 +\n#\n", MapReason::no_blocks, 4},
    {"0 +\n0 512\n", MapReason::block_fields, 2},
    {"0 +\n0 51", MapReason::block_fields, 2},  // cut off
    {"0 +\n0 512 + +\n", MapReason::block_fields, 2},
    {"0 +\n0 512+\n", MapReason::block_fields, 2},
    {"0 +\n0\n", MapReason::block_fields, 2},
    {"0 +\n-512 512 +\n", MapReason::negative_number, 2},
    {"0 +\n0 -512 +\n", MapReason::negative_number, 2},
    {"0 +\n0 -1 +\n", MapReason::negative_number, 2},
    {"0 +\n0 0x +\n", MapReason::bad_number, 2},
    {"0 +\n0 0x2g +\n", MapReason::bad_number, 2},
    {"0 +\n0 08 +\n", MapReason::bad_number, 2},
    {"0 +\n0 5l2 +\n", MapReason::bad_number, 2},
    {"0 +\n0 +512 +\n", MapReason::bad_number, 2},
    {"0 +\n0 0x-1 +\n", MapReason::bad_number, 2},
    {"0 +\n0 5.0 +\n", MapReason::bad_number, 2},
    {"0 +\n0 9223372036854775808 +\n", MapReason::huge_number, 2},
    {"0 +\n0 99999999999999999999999999 +\n", MapReason::huge_number, 2},
    {"0 +\n0xffffffffffffffff 1 +\n", MapReason::huge_number, 2},
    {"0 +\n1 0x7fffffffffffffff +\n", MapReason::huge_number, 2},
    {"0 +\n0 512 x\n", MapReason::block_status, 2},
    {"0 +\n0 512 F\n", MapReason::block_status, 2},  // of a run, not of a block
    {"0 +\n0 512 --\n", MapReason::block_status, 2},
    {"0 +\n0 0 ?\n", MapReason::empty_block, 2},
    {"0 +\n0 512 +\n512 0 -\n", MapReason::empty_block, 3},
    {"0 +\n0 512 +\n511 512 -\n", MapReason::overlap, 3},
    {"0 +\n0 512 +\n0 512 +\n", MapReason::overlap, 3},
    {"0 +\n512 512 +\n0 512 -\n", MapReason::overlap, 3},
    {"0 +\n0 512 +\n\n# x\n513 512 -\n", MapReason::gap, 5},
};

TEST(RescueMapTest, WhatIsNoMap) {
    std::map<MapReason, std::string> seen;
    for (const Bad& bad : kBad) {
        const auto map = parse_rescue_map(bad.text);
        ASSERT_FALSE(map) << bad.text;
        EXPECT_EQ(map.error().reason, bad.reason) << bad.text << ": " << describe(map.error());
        EXPECT_EQ(map.error().line, bad.line) << bad.text;
        seen[map.error().reason] = describe({map.error().reason, 0});
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(MapReason::gap) + 1) << "every reason";
    for (const auto& [a, sentence] : seen)
        for (const auto& [b, other] : seen) EXPECT_EQ(a == b, sentence == other) << sentence;
}

// Whatever is cut off or changed is a map that makes sense, or none: never a fault (asan).
TEST(RescueMapTest, CutAndChangedAnywhere) {
    const auto check = [](const std::string& text) {
        const auto map = parse_rescue_map(text);
        if (!map) return;
        ASSERT_FALSE(map->blocks.empty());
        for (size_t i = 0; i < map->blocks.size(); i++) {
            ASSERT_FALSE(map->blocks[i].range.empty());
            if (i > 0) ASSERT_EQ(map->blocks[i].range.start, map->blocks[i - 1].range.end);
        }
    };
    for (size_t length = 0; length <= kWhole.size(); length++) check(std::string(kWhole.substr(0, length)));
    for (size_t at = 0; at < kWhole.size(); at++)
        for (const char byte : {'\0', '\n', ' ', '#', '-', '0', '9', '\xff'}) {
            std::string text(kWhole);
            text[at] = byte;
            check(text);
        }
}

}  // namespace
}  // namespace raid56::format
