// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace raid56::report {
namespace {

double g_now = 0;
double now() { return g_now; }

TEST(Progress, NotShownItWritesNothing) {
    std::ostringstream out;
    ProgressLine line(out, false, true, now);
    line.show(5, 10);
    line.clear();
    EXPECT_EQ(out.str(), "");
}

TEST(Progress, InALogItIsALineForEachTenth) {
    std::ostringstream out;
    ProgressLine line(out, true, false, now);
    for (uint64_t done = 0; done <= 1000; done++) line.show(done, 1000);
    const auto text = out.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find('\033'), std::string::npos);
    EXPECT_NE(text.find("100% of 1000 B"), std::string::npos);
}

TEST(Progress, OnATerminalItStaysOnItsLineAndIsNotDrawnTooOften) {
    std::ostringstream out;
    ProgressLine line(out, true, true, now);
    g_now = 100;
    line.show(10, 1000);
    const auto once = out.str();
    EXPECT_FALSE(once.empty());
    line.show(20, 1000);
    EXPECT_EQ(out.str(), once);
    g_now = 101;
    line.show(30, 1000);
    EXPECT_NE(out.str(), once);
    EXPECT_EQ(out.str().find('\n'), std::string::npos);
    line.clear();
    EXPECT_EQ(out.str().substr(out.str().size() - 4), "\r\033[K");
    const auto cleared = out.str();
    line.clear();
    EXPECT_EQ(out.str(), cleared) << "once is enough";
}

TEST(Progress, NothingToDoIsNoDivision) {
    std::ostringstream out;
    ProgressLine line(out, true, false, now);
    line.show(0, 0);
    EXPECT_EQ(out.str(), "");
}

TEST(Progress, MoreDoneThanExpectedIsNotMoreThanAll) {
    std::ostringstream out;
    ProgressLine line(out, true, false, now);
    line.show(2000, 1000);
    EXPECT_NE(out.str().find("100%"), std::string::npos);
}

}  // namespace
}  // namespace raid56::report
