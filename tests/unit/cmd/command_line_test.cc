// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/command_line.h"

#include <gtest/gtest.h>

#include "world.h"

namespace raid56::cmd {
namespace {

using Words = std::vector<std::string>;

void expect_wrong_usage(const Words& words) {
    SCOPED_TRACE(::testing::PrintToString(words));
    Worlds worlds;
    worlds.add("a", std::vector<uint8_t>(1 << 20));
    const Outcome run = worlds.run(words);
    EXPECT_EQ(run.status, 16);
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(line_count(run.err), 1u) << run.err;
    EXPECT_EQ(run.err.substr(0, 14), "btrfs-raid56: ");
    EXPECT_TRUE(worlds.opened().empty());
}

TEST(Usage, WrongOnesEndWith16AndOneSentenceAndOpenNothing) {
    const std::vector<Words> wrong = {
        {},
        {"nonsense"},
        {"nonsense", "a"},
        {"scrub"},
        {"inspect"},
        {"scrub", "a", "--nonsense"},
        {"scrub", "a", "-x"},
        {"scrub", "a", "--format", "xml"},
        {"scrub", "a", "--format"},
        {"scrub", "a", "--progress", "sometimes"},
        {"scrub", "a", "--threads", "many"},
        {"scrub", "a", "--threads", "-1"},
        {"scrub", "a", "--threads", "1025"},
        {"scrub", "a", "--distrust", "all"},
        {"inspect", "a", "--limit-rate", "1"},
        {"inspect", "a", "--idle"},
        {"scrub", "a", "--logical", "1"},
        {"inspect", "a", "--logical", "here"},
        {"inspect", "a", "--logical", "1", "--file", "/x"},
        {"--format", "json", "scrub", "a"},
    };
    for (const auto& words : wrong) expect_wrong_usage(words);
}

// A number that wraps would name another device, or another address.
TEST(Usage, NumbersBelowZeroOrTooLargeAreWrong) {
    for (const char* number : {"-1", "-18446744073709551615", "18446744073709551616", "1.5", "0x", ""}) {
        expect_wrong_usage({"scrub", "a", "--distrust", number});
        expect_wrong_usage({"inspect", "a", "--logical", number});
    }
}

TEST(Usage, ARateIsANumberOfBytesAboveZeroWithinBounds) {
    for (const char* rate :
         {"", "0", "0K", "K", "-1", "1k", "1T", "1MB", "1 M", "1.5M", "17179869184G", "18446744073709551616"})
        expect_wrong_usage({"scrub", "a", "--limit-rate", rate});
    for (const char* rate : {"1", "1K", "20M", "17179869183G", "18446744073709551615"}) {
        Worlds worlds;
        worlds.add("a", std::vector<uint8_t>(1 << 20));
        EXPECT_EQ(worlds.run({"scrub", "a", "--limit-rate", rate}).status, 8) << "no file system, but no wrong usage";
    }
}

TEST(Usage, ControlCharactersOfAWordDoNotReachTheTerminal) {
    for (const auto& words :
         {Words{"scrub", "a", "--\x1b[2J"}, Words{"\x1b[31mred\x07"}, Words{"scrub", "a", "--format", "\x1b[2J\n"}}) {
        const Outcome run = Worlds().run(words);
        EXPECT_EQ(run.status, 16);
        EXPECT_EQ(run.err.find_first_of("\x1b\x07"), std::string::npos) << run.err;
        EXPECT_EQ(line_count(run.err), 1u);
    }
}

TEST(Help, IsNoErrorAndGoesToStdout) {
    for (const auto& words : {Words{"--help"}, Words{"-h"}, Words{"scrub", "--help"}, Words{"inspect", "--help"},
                              Words{"scrub", "a", "--help"}}) {
        const Outcome run = Worlds().run(words);
        EXPECT_EQ(run.status, 0) << ::testing::PrintToString(words);
        EXPECT_TRUE(holds(run.out, "btrfs-raid56"));
        EXPECT_EQ(run.err, "");
    }
}

TEST(Help, NamesTheCommandsAndTheirOptions) {
    const auto help = Worlds().run({"--help"}).out;
    for (const char* word : {"scrub", "inspect", "--version"}) EXPECT_TRUE(holds(help, word)) << word;
    const auto scrub = Worlds().run({"scrub", "--help"}).out;
    for (const char* word : {"DEVICE", "--format", "--progress", "--distrust", "--engine", "--threads"})
        EXPECT_TRUE(holds(scrub, word)) << word;
    const auto inspect = Worlds().run({"inspect", "--help"}).out;
    for (const char* word : {"--logical", "--file"}) EXPECT_TRUE(holds(inspect, word)) << word;
}

TEST(Version, IsThatOfTheProject) {
    const Outcome run = Worlds().run({"--version"});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.out, "btrfs-raid56 " RAID56_VERSION "\n");
    EXPECT_EQ(run.err, "");
}

TEST(Devices, AreOpenedInTheOrderGivenAndNoOthers) {
    Worlds worlds;
    for (const char* path : {"a", "b", "c"}) worlds.add(path, std::vector<uint8_t>(1 << 20));
    (void)worlds.run({"scrub", "c", "a", "b"});
    EXPECT_EQ(worlds.opened(), (Words{"c", "a", "b"}));
}

TEST(Devices, BehindDistrustOnlyOneWordIsItsOwn) {
    Worlds worlds;
    for (const char* path : {"5", "6"}) worlds.add(path, std::vector<uint8_t>(1 << 20));
    (void)worlds.run({"scrub", "--distrust", "2", "--distrust", "3", "5", "6"});
    EXPECT_EQ(worlds.opened(), (Words{"5", "6"}));
}

TEST(Devices, OneThatCannotBeOpenedEndsTheWorkWithItsSentence) {
    for (const char* command : {"scrub", "inspect"}) {
        const Outcome run = Worlds().run({command, "--format", "json", "nowhere"});
        EXPECT_EQ(run.status, 8);
        EXPECT_EQ(run.err, "btrfs-raid56: nowhere: cannot open: there is no such device in this test\n");
        EXPECT_EQ(run.lines().size(), 1u);
        EXPECT_EQ(run.summary()["verdict"], "failed");
        EXPECT_EQ(run.summary()["command"], command);
    }
}

TEST(Devices, OneNamedTwiceIsRefused) {
    Worlds worlds;
    worlds.add("a", std::vector<uint8_t>(1 << 20));
    const Outcome run = worlds.run({"scrub", "--format", "json", "a", "a"});
    EXPECT_EQ(run.status, 8);
    EXPECT_TRUE(holds(run.err, "named twice")) << run.err;
    EXPECT_EQ(run.summary()["exit_status"], 8);
}

TEST(Engine, OfAnUnknownNameIsRefusedBeforeAnyDeviceIsOpened) {
    Worlds worlds;
    worlds.add("a", std::vector<uint8_t>(1 << 20));
    const Outcome run = worlds.run({"scrub", "--engine", "abacus", "a"});
    EXPECT_EQ(run.status, 16);
    EXPECT_TRUE(holds(run.err, "abacus")) << run.err;
    EXPECT_TRUE(worlds.opened().empty());
}

}  // namespace
}  // namespace raid56::cmd
