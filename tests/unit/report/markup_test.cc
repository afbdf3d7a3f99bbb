// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/markup.h"

#include <gtest/gtest.h>

namespace raid56::report {
namespace {

std::string text(const std::string& name) {
    Markup html;
    html << name;
    return html.html();
}

TEST(Markup, OnlyWhatStandsInTheSourceIsMarkup) {
    Markup html;
    html << "<b title=\"" << std::string("\"><script>'&") << "\">" << uint64_t{7} << "</b>";
    EXPECT_EQ(html.html(), "<b title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">7</b>");
}

TEST(Markup, TextIsPrintable) {
    EXPECT_EQ(text("a\nb\x1b\x7f"), "a\\x0ab\\x1b\\x7f");
    EXPECT_EQ(text("\xff<\xe2\x80\xae>"), "\\xff&lt;\\xe2\\x80\\xae&gt;");
    EXPECT_EQ(text(std::string("\0", 1)), "\\x00");
    EXPECT_EQ(text("B\xc3\xbcro"), "B\xc3\xbcro");
}

TEST(Markup, PartsAreTakenAsTheyAre) {
    Markup html;
    html << isolated("<a>") << isolated("b");
    EXPECT_EQ(html.html(), "<bdi>&lt;a&gt;</bdi><bdi>b</bdi>");
}

}  // namespace
}  // namespace raid56::report
