// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace raid56::report {
namespace {

double g_now = 0;
double now() { return g_now; }
unsigned g_width = 80;
unsigned width() { return g_width; }

constexpr uint64_t kGiB = 1 << 30;

class ProgressTest : public ::testing::Test {
  protected:
    void SetUp() override {
        g_now = 100;
        g_width = 80;
    }
    ProgressLine line(ProgressStyle style) { return {out_, style, now, width}; }
    std::vector<std::string> lines() const {
        std::vector<std::string> all;
        std::istringstream text(out_.str());
        for (std::string one; std::getline(text, one);) all.push_back(one);
        return all;
    }
    std::ostringstream out_;
};

TEST_F(ProgressTest, NotShownItWritesNothingAndAsksNothing) {
    ProgressLine none(out_, ProgressStyle::none, nullptr, nullptr);
    none.show({5, 10, 0, 0, {}});
    none.clear();
    EXPECT_EQ(out_.str(), "");
}

TEST_F(ProgressTest, InALogItIsALineForEachTwentieth) {
    auto log = line(ProgressStyle::log);
    for (uint64_t done = 0; done <= 1000; done++) log.show({done, 1000, 0, 0, {}});
    log.clear();
    EXPECT_EQ(lines().size(), 20u);
    EXPECT_EQ(out_.str().find('\r'), std::string::npos);
    EXPECT_EQ(out_.str().find('\033'), std::string::npos);
    EXPECT_EQ(lines().front(), "5% of 1000 B, no findings");
    EXPECT_EQ(lines().back(), "100% of 1000 B, no findings");
}

TEST_F(ProgressTest, InALogItIsALineEachHalfMinuteWhereATwentiethTakesLonger) {
    auto log = line(ProgressStyle::log);
    for (uint64_t second = 0; second <= 100; second++, g_now++) log.show({second, 100000, 0, 0, {}});
    EXPECT_EQ(lines().size(), 3u);
}

TEST_F(ProgressTest, ItTellsRateTimeFindingsAndChunk) {
    auto log = line(ProgressStyle::log);
    log.show({10 * kGiB, 100 * kGiB, 0, 0, Logical(22020096)});
    g_now += 10;
    log.show({20 * kGiB, 100 * kGiB, 0, 1, Logical(22020096)});
    g_now += 10;
    log.show({30 * kGiB, 100 * kGiB, 0, 12, Logical(1 << 30)});
    EXPECT_EQ(lines(), (std::vector<std::string>{
                           "10% of 100.00 GiB, no findings, chunk 22020096",
                           "20% of 100.00 GiB, 1.00 GiB/s, 80 s left, 1 finding, chunk 22020096",
                           "30% of 100.00 GiB, 1.00 GiB/s, 70 s left, 12 findings, chunk 1073741824",
                       }));
}

TEST_F(ProgressTest, TimesAreToldInFittingUnits) {
    const std::vector<std::pair<uint64_t, std::string>> cases = {
        {119, "119 s"}, {120, "2 min"}, {7199, "119 min"}, {7200, "2 h 0 min"}, {100000, "27 h 46 min"}};
    for (const auto& [left, told] : cases) {
        out_.str("");
        auto terminal = line(ProgressStyle::terminal);
        terminal.show({0, left + 1, 0, 0, {}});
        g_now++;
        terminal.show({1, left + 1, 0, 0, {}});
        EXPECT_NE(out_.str().find(", " + told + " left"), std::string::npos) << out_.str();
    }
}

TEST_F(ProgressTest, OnATerminalItStaysOnItsLineAndIsNotDrawnTooOften) {
    auto terminal = line(ProgressStyle::terminal);
    terminal.show({10, 1000, 0, 0, {}});
    const auto once = out_.str();
    EXPECT_FALSE(once.empty());
    terminal.show({20, 1000, 0, 0, {}});
    EXPECT_EQ(out_.str(), once);
    g_now++;
    terminal.show({30, 1000, 0, 0, {}});
    EXPECT_NE(out_.str(), once);
    EXPECT_EQ(out_.str().find('\n'), std::string::npos);
    terminal.clear();
    EXPECT_TRUE(out_.str().ends_with("\r\033[K"));
    const auto cleared = out_.str();
    terminal.clear();
    EXPECT_EQ(out_.str(), cleared) << "once is enough";
}

TEST_F(ProgressTest, OnATerminalItIsNoWiderThanThat) {
    for (const unsigned columns : {0u, 1u, 12u, 40u, 200u}) {
        out_.str("");
        g_width = columns;
        line(ProgressStyle::terminal).show({20 * kGiB, 100 * kGiB, 0, 12345, Logical(1 << 30)});
        const auto text = out_.str();
        const size_t drawn = text.size() - std::string("\r\033[K").size();
        EXPECT_LT(drawn, std::max(columns, 2u));
        EXPECT_EQ(columns == 200, text.find("chunk 1073741824") != std::string::npos);
    }
}

TEST_F(ProgressTest, ForProgramsItIsAnObjectALine) {
    auto json = line(ProgressStyle::json);
    g_now += 2.5;
    json.show({1000, 9000, 1500, 0, {}});
    g_now += 0.5;
    json.show({1500, 9000, 2000, 0, Logical(0)});  // too soon
    g_now += 0.5;
    json.show({2000, 9000, 3000, 3, Logical(4096)});
    json.show({9000, 9000, 12000, 4, Logical(8192)});  // the end is always told
    json.clear();
    ASSERT_EQ(lines().size(), 3u);
    EXPECT_EQ(lines()[0], R"({"type":"progress","bytes_done":1000,"bytes_total":9000,"bytes_read":1500,)"
                          R"("seconds":2.5,"rate":0,"findings":0})");
    EXPECT_EQ(lines()[1], R"({"type":"progress","bytes_done":2000,"bytes_total":9000,"bytes_read":3000,)"
                          R"("seconds":3.5,"rate":1000,"seconds_left":7,"findings":3,"chunk":4096})");
    EXPECT_EQ(nlohmann::json::parse(lines()[2])["seconds_left"], 0);
}

TEST_F(ProgressTest, NothingToDoIsNoDivision) {
    for (const auto style : {ProgressStyle::terminal, ProgressStyle::log, ProgressStyle::json})
        line(style).show({0, 0, 0, 0, {}});
    EXPECT_EQ(out_.str(), "");
}

TEST_F(ProgressTest, MoreDoneThanExpectedIsNotMoreThanAll) {
    line(ProgressStyle::log).show({2000, 1000, 0, 0, {}});
    EXPECT_NE(out_.str().find("100%"), std::string::npos);
}

// The numbers of a file system of some exbibytes times a hundred are more than 64 bits hold.
TEST_F(ProgressTest, LargeNumbersDoNotWrap) {
    line(ProgressStyle::log).show({UINT64_MAX / 2, UINT64_MAX, 0, 0, {}});
    EXPECT_NE(out_.str().find("50% of"), std::string::npos) << out_.str();
}

}  // namespace
}  // namespace raid56::report
