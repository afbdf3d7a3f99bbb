// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/fault_device.h"

#include <gtest/gtest.h>

#include <thread>

#include "device/memory_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

class FaultDeviceTest : public testing::Test {
  protected:
    FaultDeviceTest() : device_(std::make_unique<MemoryDevice>(pattern(0, 65536), "inner")) {}

    int read(uint64_t offset, size_t length) {
        out_.assign(length, 0xaa);
        const int error = device_.read(offset, out_);
        if (error == 0) EXPECT_EQ(out_, pattern(offset, length));
        return error;
    }

    FaultDevice device_;
    std::vector<uint8_t> out_;
};

TEST_F(FaultDeviceTest, HandsOnWhatIsWell) {
    EXPECT_EQ(device_.size(), 65536u);
    EXPECT_EQ(device_.path(), "inner");
    EXPECT_EQ(read(4096, 8192), 0);
    EXPECT_EQ(read(65536, 1), EIO) << "the inner device's own error";
}

TEST_F(FaultDeviceTest, ARangeFailsWhereItIsTouched) {
    device_.fail_range(8192, 4096, ENXIO);
    EXPECT_EQ(read(4096, 4096), 0);
    EXPECT_EQ(read(12288, 4096), 0);
    EXPECT_EQ(read(8191, 1), 0);
    EXPECT_EQ(read(8191, 2), ENXIO);
    EXPECT_EQ(read(12287, 1), ENXIO);
    EXPECT_EQ(read(0, 65536), ENXIO);
    EXPECT_EQ(read(9000, 0), 0);
    device_.heal();
    EXPECT_EQ(read(8192, 4096), 0);
}

TEST_F(FaultDeviceTest, AfterAnErrorTheGoodBytesStandBeforeJunk) {
    device_.fail_range(8192, 4096, EIO);
    device_.fail_range(6144, 512, ENXIO);
    EXPECT_EQ(read(4096, 16384), ENXIO) << "the fault that comes first";
    EXPECT_EQ(std::vector<uint8_t>(out_.begin(), out_.begin() + 2048), pattern(4096, 2048));
    for (size_t i = 2048; i < out_.size(); i++) ASSERT_EQ(out_[i], 0xee);
}

TEST_F(FaultDeviceTest, TheNthCallFailsOnce) {
    EXPECT_EQ(read(0, 10), 0);
    device_.fail_call(2, EIO);
    device_.fail_call(3, EAGAIN);
    EXPECT_EQ(read(0, 10), 0);
    EXPECT_EQ(read(0, 10), 0);
    EXPECT_EQ(read(0, 10), EIO);
    EXPECT_EQ(read(0, 10), EAGAIN);
    EXPECT_EQ(read(0, 10), 0);
}

TEST_F(FaultDeviceTest, LongReadsComeBackShort) {
    device_.shorten_reads(4096);
    EXPECT_EQ(read(0, 4096), 0);
    EXPECT_EQ(read(0, 4097), EIO);
    EXPECT_EQ(std::vector<uint8_t>(out_.begin(), out_.begin() + 4096), pattern(0, 4096));
    EXPECT_EQ(out_[4096], 0xee);
}

TEST_F(FaultDeviceTest, LogsEveryAccess) {
    device_.fail_range(100, 1, EIO);
    read(0, 50);
    read(90, 20);
    const std::vector<FaultDevice::Access> expected = {{0, 50, 0}, {90, 20, EIO}};
    EXPECT_EQ(device_.log(), expected);
    device_.clear_log();
    EXPECT_TRUE(device_.log().empty());
}

TEST_F(FaultDeviceTest, OperationsOverlap) {
    std::vector<uint8_t> a(100), b(100);
    ReadOp first{0, a, 0, nullptr}, second{1000, b, 0, nullptr};
    device_.fail_call(1, EIO);
    device_.start(first);
    device_.start(second);
    device_.finish(second);
    device_.finish(first);
    EXPECT_EQ(first.error, 0);
    EXPECT_EQ(second.error, EIO);
    EXPECT_EQ(a, pattern(0, 100));
}

TEST_F(FaultDeviceTest, FromSeveralThreads) {
    device_.fail_range(0, 1, EIO);
    const auto reader = [this](uint64_t from) {
        std::vector<uint8_t> out(16);
        for (uint64_t at = from; at + 16 <= 65536; at += 64) EXPECT_EQ(device_.read(at, out), at == 0 ? EIO : 0);
    };
    std::thread other(reader, 32);
    reader(0);
    other.join();
    EXPECT_EQ(device_.log().size(), 2048u);
}

}  // namespace
}  // namespace raid56::device
