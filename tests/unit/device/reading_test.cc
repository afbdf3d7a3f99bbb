// SPDX-License-Identifier: GPL-2.0-or-later
// The ways of reading: what each asks of the kernel, and that all give the same bytes.
#include <gtest/gtest.h>

#include "device/mount_guard.h"
#include "device/open.h"
#include "loop_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

TEST(Reading, FilesGiveTheSameBytesWhicheverWay) {
    TempFolder folder;
    const auto path = folder.file("image", 1000003);
    for (const auto reading : {Reading::automatic, Reading::direct, Reading::buffered}) {
        const auto opened = open_for_reading(path, reading);
        if (!opened && reading == Reading::direct) continue;  // not every file system has it
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_EQ(opened->device->reads_in_finish(), reading != Reading::direct);
        for (const auto& [offset, length] :
             {std::pair<uint64_t, size_t>{0, 65536}, {4096, 4096}, {999000, 1003}, {7, 11}}) {
            std::vector<uint8_t> out(length);
            EXPECT_EQ(opened->device->read(offset, out), 0);
            EXPECT_EQ(out, pattern(offset, length));
        }
    }
}

TEST(Reading, DirectIsRefusedWhereItCannotBeHad) {
    const auto opened = open_for_reading("/proc/self/status", Reading::direct);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().message, "/proc/self/status: cannot be read past the page cache");
}

class Rotational : public testing::Test {
  protected:
    Rotational() {
        kernel_.sys = folder_.folder("sys");
        folder_.folder("sys/dev/block/8:0/queue");
        folder_.folder("sys/dev/block/8:1");
    }
    TempFolder folder_;
    KernelView kernel_;
    const uint64_t disk_ = 8 << 8, partition_ = (8 << 8) + 1;
};

TEST_F(Rotational, ADiskSaysIt) {
    folder_.text("sys/dev/block/8:0/queue/rotational", "1\n");
    EXPECT_TRUE(is_rotational(kernel_, disk_));
    folder_.text("sys/dev/block/8:0/queue/rotational", "0\n");
    EXPECT_FALSE(is_rotational(kernel_, disk_));
}

TEST_F(Rotational, APartitionAsksItsDisk) {
    // In sysfs a partition's folder lies in its disk's.
    folder_.folder("sys/dev/block/queue");
    folder_.text("sys/dev/block/queue/rotational", "1\n");
    EXPECT_TRUE(is_rotational(kernel_, partition_));
}

TEST_F(Rotational, WhatDoesNotSayDoesNotTurn) { EXPECT_FALSE(is_rotational(kernel_, partition_)); }

}  // namespace
}  // namespace raid56::device
