// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/printable.h"

#include <gtest/gtest.h>

namespace raid56 {
namespace {

TEST(Printable, KeepsText) {
    for (const char* text : {"", "/dev/sdb1", "with blank", "Müller/写真/🙂.img", "\xc2\xa0", "\xf4\x8f\xbf\xbf"})
        EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatATerminalObeys) {
    EXPECT_EQ(printable("a\nb\x1b[31m\t\x7f\r"), "a\\x0ab\\x1b[31m\\x09\\x7f\\x0d");
    EXPECT_EQ(printable(std::string_view("\0x", 2)), "\\x00x");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\xc2\\x9b31m")
        << "the one-byte CSI";
}

TEST(Printable, EscapesWhatIsNotUtf8) {
    EXPECT_EQ(printable("\xff"), "\\xff");
    EXPECT_EQ(printable("\x80x"), "\\x80x");
    EXPECT_EQ(printable("\xc3"), "\\xc3") << "cut off";
    EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut off";
    EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf") << "overlong";
    EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf") << "overlong";
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "too large";
}

TEST(UnescapeBytes, GivesBackWhatEscapeBytesWasGiven) {
    for (const std::string text :
         {"", "plain", "caf\xe9", "\\", "\\x41", "a\\\\b", "\xff\xfe\\xff", "x\n\x1b[31m", "\\\xe9"})
        EXPECT_EQ(unescape_bytes(escape_bytes(text)), text);
    std::string every;
    for (int byte = 0; byte < 256; byte++) every += static_cast<char>(byte);
    EXPECT_EQ(unescape_bytes(escape_bytes(every)), every);
}

TEST(UnescapeBytes, LeavesWhatIsNoEscape) {
    for (const std::string text : {"\\", "\\x", "\\x4", "\\xg0", "\\xA0", "\\n"}) EXPECT_EQ(unescape_bytes(text), text);
}

}  // namespace
}  // namespace raid56
