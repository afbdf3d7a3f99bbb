// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/words.h"

#include <gtest/gtest.h>

#include <set>

#include "events.h"
#include "report/json.h"

namespace raid56::report {
namespace {

TEST(Words, HumanBytes) {
    EXPECT_EQ(human_bytes(0), "0 B");
    EXPECT_EQ(human_bytes(1023), "1023 B");
    EXPECT_EQ(human_bytes(1024), "1.00 KiB");
    EXPECT_EQ(human_bytes(1536 << 20), "1.50 GiB");
    EXPECT_EQ(human_bytes(UINT64_MAX), "16.00 EiB");
}

TEST(Words, EveryFigureIsThatFieldOfTheJsonLine) {
    std::ostringstream out;
    JsonWriter(out).summary(some_summary());
    const auto line = Json::parse(out.str());
    auto all = checked_figures(some_summary());
    for (const auto& figure : found_figures(some_summary())) all.push_back(figure);
    std::set<std::string> fields;
    for (const auto& figure : all) {
        fields.insert(figure.field);
        ASSERT_TRUE(line.contains(figure.field)) << figure.field;
        EXPECT_EQ(line[figure.field], figure.value) << figure.field;
        EXPECT_EQ(figure_value(figure), figure.bytes ? human_bytes(figure.value) : std::to_string(figure.value));
    }
    EXPECT_EQ(fields.size(), all.size()) << "none twice";
}

TEST(Words, WhatWasModified) {
    Summary summary = some_summary();
    EXPECT_EQ(modified_sentence(summary), "Nothing was modified.");
    summary.sectors_written = 7;
    EXPECT_EQ(modified_sentence(summary), "7 sectors were written.");
    summary.command = "undo";
    EXPECT_EQ(modified_sentence(summary), "7 sectors were put back.");
    summary.begun = true;
    EXPECT_EQ(modified_sentence(summary), "The target is begun, and not complete.");
}

}  // namespace
}  // namespace raid56::report
