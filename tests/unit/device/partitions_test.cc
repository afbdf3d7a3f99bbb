// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/partitions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "loop_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

class PartitionsTest : public testing::Test {
  protected:
    /// A disk of 16 MiB with what sfdisk makes of `script`; empty where it cannot.
    std::string disk(const std::string& script, const std::string& options = "") {
        const auto path = folder_.text("disk", "");
        EXPECT_EQ(::truncate(path.c_str(), 16 << 20), 0);
        std::string printed;
        const auto command = "printf '" + script + "' | sfdisk -q " + options + " '" + path + "'";
        if (shell("command -v sfdisk") != 0 || shell(command, &printed) != 0) return "";
        return path;
    }
    static PartitionTable table_of(const std::string& path) {
        const auto found = find_partitions(path);
        EXPECT_TRUE(found) << found.error().message;
        return found ? *found : PartitionTable{};
    }

    TempFolder folder_;
};

const std::vector<Range> kTwo = {{1 << 20, 3 << 20}, {4 << 20, 8 << 20}};

TEST_F(PartitionsTest, Gpt) {
    const auto path = disk("label: gpt\\nstart=2048,size=4096\\nstart=8192,size=8192\\n");
    if (path.empty()) GTEST_SKIP() << "no sfdisk";
    EXPECT_EQ(table_of(path).kind, "gpt");
    EXPECT_EQ(table_of(path).partitions, kTwo);
    EXPECT_TRUE(table_of(path + "@512").partitions.empty()) << "a part has no parts";
}

TEST_F(PartitionsTest, AGptOfWhichTheBeginningIsGone) {
    const auto path = disk("label: gpt\\nstart=2048,size=4096\\nstart=8192,size=8192\\n");
    if (path.empty()) GTEST_SKIP() << "no sfdisk";
    ASSERT_EQ(shell("dd if=/dev/zero of='" + path + "' bs=512 count=34 conv=notrunc status=none"), 0);
    EXPECT_EQ(table_of(path).partitions, kTwo);
}

TEST_F(PartitionsTest, Mbr) {
    const auto path = disk("label: dos\\nstart=2048,size=4096\\nstart=8192,size=8192\\n");
    if (path.empty()) GTEST_SKIP() << "no sfdisk";
    EXPECT_EQ(table_of(path).kind, "dos");
    EXPECT_EQ(table_of(path).partitions, kTwo);
}

TEST_F(PartitionsTest, LogicalPartitions) {
    const auto path =
        disk("label: dos\\nstart=2048,size=4096\\nstart=8192,size=16384,type=5\\nstart=10240,size=2048\\n");
    if (path.empty()) GTEST_SKIP() << "no sfdisk";
    EXPECT_EQ(table_of(path).partitions, (std::vector<Range>{{1 << 20, 3 << 20}, {5 << 20, 6 << 20}}));
}

TEST_F(PartitionsTest, NoTable) {
    EXPECT_TRUE(table_of(folder_.file("noise", 1 << 20)).partitions.empty());
    EXPECT_TRUE(table_of(folder_.text("empty", "")).partitions.empty());
    EXPECT_FALSE(find_partitions(folder_ / "none"));
}

}  // namespace
}  // namespace raid56::device
