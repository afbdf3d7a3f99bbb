// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/file_device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "temp_folder.h"

namespace raid56::device {
namespace {

constexpr uint64_t kSize = 1000003;  // not a multiple of anything

class FileDeviceTest : public testing::Test {
  protected:
    FileDeviceTest()
        : path_(folder_.file("image", kSize)), fd_(::open(path_.c_str(), O_RDONLY)), device_(Fd(fd_), path_, kSize) {}

    /// Reads and compares; the errno.
    int read(uint64_t offset, size_t length) {
        std::vector<uint8_t> out(length, 0xaa);
        const int error = device_.read(offset, out);
        if (error == 0) EXPECT_EQ(out, pattern(offset, length)) << offset << " + " << length;
        return error;
    }

    TempFolder folder_;
    std::string path_;
    int fd_;  // the device's
    FileDevice device_;
};

TEST_F(FileDeviceTest, SaysWhatItIs) {
    EXPECT_EQ(device_.size(), kSize);
    EXPECT_EQ(device_.path(), path_);
    EXPECT_EQ(device_.alignment(), 1u);
}

TEST_F(FileDeviceTest, ReadsAnyRange) {
    EXPECT_EQ(read(0, kSize), 0);
    EXPECT_EQ(read(0, 1), 0);
    EXPECT_EQ(read(4095, 2), 0);
    EXPECT_EQ(read(65537, 300001), 0);
    EXPECT_EQ(read(kSize - 1, 1), 0);
    EXPECT_EQ(read(kSize - 5000, 5000), 0);
}

TEST_F(FileDeviceTest, AnEmptyReadIsNoError) {
    EXPECT_EQ(read(0, 0), 0);
    EXPECT_EQ(read(kSize, 0), 0);
}

TEST_F(FileDeviceTest, PastTheEndIsAnError) {
    EXPECT_EQ(read(kSize - 1, 2), EIO);
    EXPECT_EQ(read(kSize, 1), EIO);
    EXPECT_EQ(read(kSize + 1, 0), EIO);
    EXPECT_EQ(read(UINT64_MAX, 1), EIO);
    EXPECT_EQ(read(UINT64_MAX - 4095, 4096), EIO);
}

TEST_F(FileDeviceTest, WhatWasCutOffIsAnErrorAndTheRestIsThere) {
    ASSERT_EQ(::truncate(path_.c_str(), 500000), 0);
    EXPECT_EQ(device_.size(), kSize);
    EXPECT_EQ(read(0, 500000), 0);
    EXPECT_EQ(read(499999, 2), EIO);
    EXPECT_EQ(read(500000, 1), EIO);
    EXPECT_EQ(read(900000, 1000), EIO);
}

TEST_F(FileDeviceTest, CutOffBetweenStartAndFinish) {
    std::vector<uint8_t> out(4096);
    ReadOp op{600000, out, 0, nullptr};
    device_.start(op);
    ASSERT_EQ(::truncate(path_.c_str(), 0), 0);
    device_.finish(op);
    EXPECT_EQ(op.error, EIO);
}

TEST_F(FileDeviceTest, ManyAheadFromManyThreads) {
    const auto reader = [this](size_t step) {
        std::vector<std::vector<uint8_t>> out;
        std::vector<ReadOp> ops;
        for (uint64_t at = 0; at + step <= kSize; at += step) out.emplace_back(step);
        for (size_t i = 0; i < out.size(); i++) ops.push_back({i * step, out[i], 0, nullptr});
        for (auto& op : ops) device_.start(op);
        for (auto& op : ops) device_.finish(op);
        for (size_t i = 0; i < out.size(); i++) {
            EXPECT_EQ(ops[i].error, 0);
            EXPECT_EQ(out[i], pattern(i * step, step));
        }
    };
    std::thread other(reader, 4096);
    reader(65536);
    other.join();
}

TEST_F(FileDeviceTest, ReadsInFinish) {
    EXPECT_TRUE(device_.reads_in_finish());
    std::vector<uint8_t> out(4096, 0xaa);
    ReadOp op{8192, out, 0, nullptr};
    device_.start(op);
    EXPECT_EQ(out, std::vector<uint8_t>(4096, 0xaa));
    device_.finish(op);
    EXPECT_EQ(op.error, 0);
    EXPECT_EQ(out, pattern(8192, 4096));
}

TEST_F(FileDeviceTest, AHintOfAnyRangeDoesNoHarm) {
    for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, uint64_t{4095}, uint64_t{131072}, kSize - 1, kSize,
                                  kSize + 1, uint64_t{1} << 63, UINT64_MAX - 131072, UINT64_MAX})
        for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{131072}, uint64_t{131073}, kSize, kSize + 1,
                                      uint64_t{1} << 63, UINT64_MAX - 1, UINT64_MAX})
            device_.hint(offset, length);
    EXPECT_EQ(read(0, kSize), 0);
}

TEST_F(FileDeviceTest, ReadsAfterAHintAreRight) {
    for (const uint64_t offset : {uint64_t{0}, uint64_t{4095}, uint64_t{300001}, kSize - 5000}) {
        ASSERT_EQ(::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED), 0);
        device_.hint(offset, 400000);
        EXPECT_EQ(read(offset, std::min<uint64_t>(400000, kSize - offset)), 0);
        EXPECT_EQ(read(0, kSize), 0);
    }
}

TEST_F(FileDeviceTest, AHintAtWhatWasCutOffDoesNoHarm) {
    ASSERT_EQ(::truncate(path_.c_str(), 5000), 0);
    device_.hint(0, kSize);
    device_.hint(500000, 4096);
    EXPECT_EQ(read(0, 5000), 0);
    EXPECT_EQ(read(4096, 1000), EIO);
}

TEST(FileDevice, AHintOnABadDescriptorDoesNoHarm) {
    FileDevice device(Fd(), "nothing", 1 << 20);
    device.hint(0, 1 << 20);
    std::vector<uint8_t> out(10);
    EXPECT_EQ(device.read(0, out), EBADF);
}

TEST(ReadFully, ABadDescriptorIsItsErrno) {
    std::vector<uint8_t> out(10);
    EXPECT_EQ(read_fully(-1, 0, out), EBADF);
}

TEST(ReadFully, AnErrnoOfTheKernelIsHandedOn) {
    TempFolder folder;
    const Fd fd(::open((folder / "").c_str(), O_RDONLY | O_DIRECTORY));
    std::vector<uint8_t> out(10);
    EXPECT_EQ(read_fully(fd.get(), 0, out), EISDIR);
}

}  // namespace
}  // namespace raid56::device
