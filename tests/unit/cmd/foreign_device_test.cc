// SPDX-License-Identifier: GPL-2.0-or-later
// Devices that hold no btrfs: the program says so in one sentence, and its report is still a report.
#include <gtest/gtest.h>

#include "support/super_image.h"
#include "world.h"

namespace raid56::cmd {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes noise(size_t size) {
    Bytes bytes(size);
    uint64_t state = 1;
    for (auto& byte : bytes) {
        state = state * 6364136223846793005 + 1442695040888963407;
        byte = static_cast<uint8_t>(state >> 56);
    }
    return bytes;
}

void expect_refused(Worlds& worlds, const std::string& path, const std::string& sentence) {
    for (const char* command : {"scrub", "inspect"}) {
        SCOPED_TRACE(command);
        const Outcome json = worlds.run({command, "--engine", "scalar", "--format", "json", path});
        EXPECT_EQ(json.status, 8);
        EXPECT_EQ(line_count(json.err), 1u) << json.err;
        EXPECT_TRUE(holds(json.err, "btrfs-raid56: " + path + ": ")) << json.err;
        EXPECT_TRUE(holds(json.err, sentence)) << json.err;
        EXPECT_EQ(json.lines().size(), 1u) << json.out;
        EXPECT_EQ(json.summary()["verdict"], "failed");

        const Outcome text = worlds.run({command, "--engine", "scalar", path});
        EXPECT_EQ(text.status, 8);
        EXPECT_EQ(text.err, json.err);
        EXPECT_TRUE(holds(text.out, "FAILED"));
        EXPECT_TRUE(holds(text.out, "Nothing was modified."));
    }
}

TEST(ForeignDevice, Noise) {
    Worlds worlds;
    worlds.add("junk", noise(1 << 20));
    expect_refused(worlds, "junk", "no btrfs magic");
}

TEST(ForeignDevice, Zeros) {
    Worlds worlds;
    worlds.add("zeros", Bytes(1 << 20));
    expect_refused(worlds, "zeros", "no btrfs magic");
}

TEST(ForeignDevice, EmptyAndTooShort) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{0x10000}, size_t{0x10000 + 4095}}) {
        Worlds worlds;
        worlds.add("short", Bytes(size));
        expect_refused(worlds, "short", "no valid btrfs superblock");
    }
}

TEST(ForeignDevice, ThatCannotBeRead) {
    Worlds worlds;
    worlds.add("dead", Bytes(1 << 20)).fail_range(0, 1 << 20, EIO);
    expect_refused(worlds, "dead", "unreadable");
}

TEST(ForeignDevice, ASuperblockWithoutAFileSystemBehindItIsNotFatalToTheProgram) {
    // Everything that the superblock names is gone: that is a finding, or an end in order.
    test::SuperSpec spec;
    spec.total_bytes = spec.dev_item.total_bytes = 32 << 20;
    spec.sys_chunks[0].chunk.stripes = {{1, 0x100000, spec.dev_item.uuid}};
    Bytes image(32 << 20);
    const Bytes block = test::encode_super(spec);
    std::copy(block.begin(), block.end(), image.begin() + 0x10000);
    Worlds worlds;
    worlds.add("shell", image);
    const Outcome run = worlds.run({"scrub", "--engine", "scalar", "--format", "json", "shell"});
    EXPECT_TRUE(run.status == 4 || run.status == 8) << run.status;
    EXPECT_NE(run.summary()["verdict"], "clean");
}

TEST(Output, ThatCannotBeWrittenIsAnErrorWhateverWasFound) {
    Worlds worlds;
    worlds.add("junk", noise(1 << 20));
    std::ostringstream out, err;
    out.setstate(std::ios::badbit);
    EXPECT_EQ(worlds.run_on({"scrub", "--engine", "scalar", "junk"}, out, err), 8);
    EXPECT_TRUE(holds(err.str(), "the report could not be written")) << err.str();
}

TEST(Interrupt, BeforeTheStartEndsInOrder) {
    Worlds worlds;
    test::SuperSpec spec;
    Bytes image(1 << 20);
    const Bytes block = test::encode_super(spec);
    std::copy(block.begin(), block.end(), image.begin() + 0x10000);
    worlds.add("a", image);
    worlds.stop = true;
    for (const char* command : {"scrub", "inspect"}) {
        const Outcome run = worlds.run({command, "--engine", "scalar", "--format", "json", "a"});
        EXPECT_EQ(run.status, 32);
        EXPECT_EQ(run.summary()["verdict"], "interrupted");
        EXPECT_EQ(run.summary()["interrupted"], true);
    }
}

}  // namespace
}  // namespace raid56::cmd
