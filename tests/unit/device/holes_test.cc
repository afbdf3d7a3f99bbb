// SPDX-License-Identifier: GPL-2.0-or-later
// Sparse image files: a hole is zeros, whatever lies around it, and no hole where the file was cut short.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "device/file_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kSize = 4 * kMiB;

// A byte at the end of the first MiB, one in the middle of the third; holes elsewhere.
class Holes : public testing::Test {
  protected:
    Holes() : path_(folder_.file("sparse", 0)), writer_(::open(path_.c_str(), O_RDWR)) {
        EXPECT_EQ(::ftruncate(writer_.get(), kSize), 0);
        put(kMiB - 1);
        put(2 * kMiB + 500000);
    }
    void put(uint64_t offset) { EXPECT_EQ(::pwrite(writer_.get(), "x", 1, static_cast<off_t>(offset)), 1); }

    FileDevice open() { return FileDevice(Fd(::open(path_.c_str(), O_RDONLY)), path_, kSize); }

    TempFolder folder_;
    std::string path_;
    Fd writer_;
};

TEST_F(Holes, EveryByteIsReadWhateverTheRange) {
    FileDevice device = open();
    for (const uint64_t length : {uint64_t{4096}, uint64_t{65536}, kMiB, kSize}) {
        for (uint64_t offset = 0; offset + length <= kSize; offset += length) {
            std::vector<uint8_t> out(length, 0xaa);
            ASSERT_EQ(device.read(offset, out), 0);
            for (uint64_t i = 0; i < length; i++) {
                const uint64_t at = offset + i;
                ASSERT_EQ(out[i], at == kMiB - 1 || at == 2 * kMiB + 500000 ? 'x' : 0) << at;
            }
        }
    }
}

TEST_F(Holes, WhatIsWrittenIntoOneAfterTheOpenIsRead) {
    FileDevice device = open();
    std::vector<uint8_t> out(65536, 0xaa);
    ASSERT_EQ(device.read(3 * kMiB, out), 0);
    put(3 * kMiB + 100);
    ASSERT_EQ(device.read(3 * kMiB, out), 0);
    EXPECT_EQ(out[100], 'x');
}

// Once known to be data a place is not asked about again.
TEST_F(Holes, WhatIsMadeAHoleAfterItWasReadIsZeros) {
    FileDevice device = open();
    const std::vector<uint8_t> full(kMiB, 'x');
    ASSERT_EQ(::pwrite(writer_.get(), full.data(), kMiB, kMiB), static_cast<ssize_t>(kMiB));
    std::vector<uint8_t> out(65536);
    ASSERT_EQ(device.read(kMiB, out), 0);
    ASSERT_EQ(::fallocate(writer_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kMiB + 131072, 131072), 0);
    for (const uint64_t offset : {kMiB + 65536, kMiB + 131072, kMiB + 196608, kMiB + 262144}) {
        ASSERT_EQ(device.read(offset, out), 0);
        const uint8_t expected = offset >= kMiB + 131072 && offset < kMiB + 262144 ? 0 : 'x';
        EXPECT_TRUE(std::all_of(out.begin(), out.end(), [&](uint8_t byte) { return byte == expected; })) << offset;
    }
    ASSERT_EQ(::ftruncate(writer_.get(), kMiB + 262144), 0);
    EXPECT_EQ(device.read(kMiB + 262144, out), EIO);
}

TEST_F(Holes, WhereTheFileWasCutShortIsNone) {
    FileDevice device = open();
    ASSERT_EQ(::ftruncate(writer_.get(), 3 * kMiB + 4096), 0);
    std::vector<uint8_t> out(65536);
    EXPECT_EQ(device.read(3 * kMiB, out), EIO);
    EXPECT_EQ(device.read(3 * kMiB + 65536, out), EIO);
    std::vector<uint8_t> sector(4096, 0xaa);
    EXPECT_EQ(device.read(3 * kMiB, sector), 0);
    EXPECT_TRUE(std::all_of(sector.begin(), sector.end(), [](uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace raid56::device
