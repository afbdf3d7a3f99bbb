// SPDX-License-Identifier: GPL-2.0-or-later
// The bench command: which lines it prints, in which order, and how it ends.
#include <gtest/gtest.h>

#include <cerrno>

#include <set>

#include "world.h"

namespace raid56::cmd {
namespace {

std::vector<std::string> types(const Outcome& run) {
    std::vector<std::string> found;
    for (const auto& line : run.lines())
        if (found.empty() || found.back() != line["type"]) found.push_back(line["type"]);
    return found;
}

std::set<std::string> all(const Outcome& run, const char* type, const char* field) {
    std::set<std::string> found;
    for (const auto& line : run.lines_of(type)) found.insert(line[field]);
    return found;
}

// One test, because a whole run takes seconds.
TEST(Bench, AWholeRunHasEveryKindOfFigureInOrderForEveryShapeEngineAndChecksum) {
    Worlds worlds;
    worlds.add("a", std::vector<uint8_t>(3 << 20));
    const Outcome run = worlds.run({"bench", "--format", "json", "--threads", "2", "a"});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(types(run), (std::vector<std::string>{"yardstick", "checksum", "parity", "entrance", "summary"}));
    EXPECT_EQ(run.summary()["verdict"], "done");
    EXPECT_EQ(run.summary()["command"], "bench");

    std::set<std::pair<int, int>> shapes;
    std::set<int> lengths;
    for (const auto& line : run.lines_of("parity")) {
        shapes.emplace(line["data_columns"], line["parities"]);
        lengths.insert(static_cast<int>(line["length"]));
    }
    for (const auto& shape : {std::pair{2, 1}, {30, 1}, {2, 2}, {30, 2}}) EXPECT_TRUE(shapes.contains(shape));
    EXPECT_EQ(lengths, (std::set<int>{4096, 65536}));
    using Names = std::set<std::string>;
    EXPECT_EQ(all(run, "parity", "work"),
              (Names{"generate", "verify", "recover-D", "recover-DD", "recover-DP", "recover-DQ"}));
    EXPECT_EQ(all(run, "parity", "engine"), (Names{"isal", "scalar"}));
    EXPECT_EQ(all(run, "checksum", "checksum"), (Names{"crc32c", "xxhash64", "sha256", "blake2b"}));
    EXPECT_EQ(all(run, "yardstick", "work"), (Names{"memory-copy", "plain-reading"}));
    EXPECT_EQ(all(run, "entrance", "work"), (Names{"verify", "recover"}));
}

TEST(Bench, ADeviceThatCannotBeReadIsAFailureAndTheRestIsMeasuredAllTheSame) {
    Worlds worlds;
    worlds.add("fine", std::vector<uint8_t>(3 << 20));
    worlds.add("bad\n", std::vector<uint8_t>(3 << 20)).fail_range(1 << 20, 2 << 20, EIO);
    worlds.add("dead", std::vector<uint8_t>(4096)).fail_range(0, 4096, ENXIO);
    const Outcome run = worlds.run({"bench", "--format", "json", "--engine", "isal", "fine", "bad\n", "dead"});
    EXPECT_EQ(run.status, 8);
    EXPECT_EQ(run.err,
              "bad\\x0a: cannot read 1048576 bytes at 1048576: Input/output error, and 1 more such reads failed\n"
              "dead: cannot read 4096 bytes at 0: No such device or address\n");
    EXPECT_EQ(run.summary()["verdict"], "failed");
    EXPECT_EQ(types(run), (std::vector<std::string>{"yardstick", "checksum", "parity", "entrance", "summary"}));
    EXPECT_EQ(all(run, "yardstick", "work"), (std::set<std::string>{"memory-copy"}));
}

TEST(Bench, ADeviceThatCannotBeOpenedIsAFailure) { EXPECT_EQ(Worlds().run({"bench", "nowhere"}).status, 8); }

TEST(Bench, ADeviceNamedTwiceIsRefused) {
    Worlds worlds;
    worlds.add("a", std::vector<uint8_t>(1 << 20));
    worlds.add("b", std::vector<uint8_t>(1 << 20));
    const Outcome run = worlds.run({"bench", "--format", "json", "--engine", "isal", "a", "b", "a"});
    EXPECT_EQ(run.status, 8);
    EXPECT_EQ(run.err, "btrfs-raid56: a: is the same device as a, named twice\n");
    EXPECT_TRUE(run.lines_of("yardstick").empty());
}

TEST(Bench, AnInterruptEndsItWithASummary) {
    Worlds worlds;
    worlds.stop = true;
    const Outcome run = worlds.run({"bench", "--format", "json"});
    EXPECT_EQ(run.status, 32);
    EXPECT_EQ(run.summary()["verdict"], "interrupted");
    EXPECT_TRUE(run.lines_of("parity").empty());
}

TEST(Bench, TextHasATableForEveryKindAndTheEngineThatIsNamed) {
    const Outcome run = Worlds().run({"bench", "--engine", "isal"});
    EXPECT_EQ(run.status, 0);
    for (const char* title :
         {"Yardsticks: GB/s", "Checksums: GB/s, by blocks a call", "Parity engine isal, columns of 4.00 KiB",
          "Parity engine isal, columns of 64.00 KiB", "Full stripes end to end, engine isal", "Nothing was modified."})
        EXPECT_TRUE(holds(run.out, title)) << title;
}

}  // namespace
}  // namespace raid56::cmd
