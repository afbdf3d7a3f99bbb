// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/memory_device.h"

#include <gtest/gtest.h>

#include "temp_folder.h"

namespace raid56::device {
namespace {

TEST(MemoryDevice, Reads) {
    MemoryDevice device(pattern(0, 1000), "some name");
    EXPECT_EQ(device.size(), 1000u);
    EXPECT_EQ(device.path(), "some name");
    std::vector<uint8_t> out(100);
    EXPECT_EQ(device.read(900, out), 0);
    EXPECT_EQ(out, pattern(900, 100));
}

TEST(MemoryDevice, PastTheEndIsAnError) {
    MemoryDevice device(pattern(0, 1000));
    std::vector<uint8_t> out(100);
    EXPECT_EQ(device.read(901, out), EIO);
    EXPECT_EQ(device.read(UINT64_MAX, out), EIO);
    EXPECT_EQ(device.read(UINT64_MAX - 50, out), EIO);
    EXPECT_EQ(device.read(1000, {}), 0);
}

TEST(MemoryDevice, ShowsWhatIsWrittenToItsBytes) {
    MemoryDevice device(std::vector<uint8_t>(10));
    device.bytes()[3] = 7;
    std::vector<uint8_t> out(1);
    EXPECT_EQ(device.read(3, out), 0);
    EXPECT_EQ(out[0], 7);
}

}  // namespace
}  // namespace raid56::device
