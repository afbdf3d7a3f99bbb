// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/erased_device.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "device/memory_device.h"
#include "device/open.h"
#include "support/watched_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

std::shared_ptr<Erasures> erase(const std::vector<Range>& ranges) {
    auto erased = std::make_shared<Erasures>();
    for (const Range range : ranges) erased->append(range);
    return erased;
}

TEST(ErasedDeviceTest, AReadThatTouchesAnErasedByteFailsAndIsNotMade) {
    auto watched = std::make_unique<test::WatchedDevice>(std::make_unique<MemoryDevice>(pattern(0, 10000), "m"));
    auto& inner = *watched;
    ErasedDevice device(std::move(watched), erase({{1000, 1001}, {9000, UINT64_MAX}}));
    EXPECT_EQ(device.size(), 10000u);
    std::vector<uint8_t> out(1000);
    EXPECT_EQ(device.read(0, out), 0);
    EXPECT_EQ(out, pattern(0, 1000));
    EXPECT_EQ(device.read(1001, out), 0);
    EXPECT_EQ(device.read(8000, out), 0);
    const size_t made = inner.reads().size();
    EXPECT_EQ(device.read(1, out), EIO);
    EXPECT_EQ(device.read(1000, out), EIO);
    EXPECT_EQ(device.read(8001, out), EIO);
    EXPECT_EQ(device.read(UINT64_MAX - 1, out), EIO);
    EXPECT_EQ(inner.reads().size(), made);
    EXPECT_EQ(device.read(1000, ByteSpan(out).first(0)), 0) << "no byte of it";
}

TEST(ErasedDeviceTest, ASectorIsErasedWhole) {
    ErasedDevice device(std::make_unique<MemoryDevice>(pattern(0, 65536), "m"), erase({{8192 + 512, 8192 + 1024}}));
    std::vector<uint8_t> out(65536);
    std::vector<uint64_t> bad;
    read_in_pieces(device, 0, out, 4096, [&](uint64_t offset, int error) {
        EXPECT_EQ(error, EIO);
        bad.push_back(offset);
    });
    EXPECT_EQ(bad, std::vector<uint64_t>{8192});
    auto wanted = pattern(0, 65536);
    std::fill_n(wanted.begin() + 8192, 4096, uint8_t{0});
    EXPECT_EQ(out, wanted);
}

TEST(ErasedDeviceTest, AHoleOfAFileIsNoZerosWhereItIsErased) {
    const TempFolder folder;
    const auto path = folder.text("image", "");
    ASSERT_EQ(::truncate(path.c_str(), 1 << 20), 0);
    auto opened = open_for_reading(path);
    ASSERT_TRUE(opened);
    ErasedDevice device(std::move(opened->device), erase({{4096, 8192}}));
    EXPECT_TRUE(device.reads_in_finish());
    std::vector<uint8_t> out(4096, 1);
    device.hint(0, 1 << 20);
    EXPECT_EQ(device.read(4096, out), EIO);
    EXPECT_EQ(device.read(0, out), 0);
    EXPECT_EQ(out, std::vector<uint8_t>(4096));
}

TEST(ErasedWriterTest, WhatIsWrittenIsErasedNoMore) {
    const TempFolder folder;
    auto writer = open_for_writing(folder.file("image", 65536));
    ASSERT_TRUE(writer);
    const auto erased = erase({{4096, 16384}});
    ErasedWriter device(std::move(*writer), erased);
    const auto reader = device.open_reader();
    ASSERT_TRUE(reader);
    std::vector<uint8_t> out(4096);
    EXPECT_EQ(device.read(4096, out), EIO);
    EXPECT_EQ(reader->device->read(4096, out), EIO);
    EXPECT_EQ(device.medium().read(4096, out), 0) << "which reads back what was written";

    const std::vector<uint8_t> ones(4096, 1);
    EXPECT_EQ(device.write(8192, ones), 0);
    EXPECT_EQ(device.read(8192, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_EQ(reader->device->read(8192, out), 0) << "for all that share the erasures";
    EXPECT_EQ(device.read(4096, out), EIO);
    EXPECT_EQ(device.read(12288, out), EIO);
    EXPECT_EQ(device.zero(12288, 4096), 0);
    EXPECT_EQ(device.read(12288, out), 0);
    EXPECT_EQ(erased->ranges(), (std::vector<Range>{{4096, 8192}}));
}

}  // namespace
}  // namespace raid56::device
