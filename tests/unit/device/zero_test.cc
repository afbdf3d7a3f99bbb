// SPDX-License-Identifier: GPL-2.0-or-later
// FileWriter::zero(), on files, loop devices, and where the kernel cannot make holes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "device/log_file.h"
#include "device/open.h"
#include "loop_device.h"
#include "mounted.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

constexpr uint64_t kSize = 1 << 20;

struct Range {
    uint64_t offset, length;
};
// Whole blocks, parts of one, parts at either end, single bytes, everything, nothing.
constexpr Range kRanges[] = {{65536, 131072}, {262144, 4096}, {270336, 512},       {300000, 1},
                             {303105, 3000},  {311295, 4098}, {400001, 100001},    {600064, 65536},
                             {700416, 10000}, {kSize - 1, 1}, {kSize - 5000, 5000}};

uint64_t sectors_of(const std::string& path) {
    struct stat st;
    EXPECT_EQ(::stat(path.c_str(), &st), 0);
    return static_cast<uint64_t>(st.st_blocks);
}

class ZeroTest : public testing::Test {
  protected:
    std::unique_ptr<WriteDevice> open(const std::string& path) {
        auto opened = open_for_writing(path);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }
    /// What must be there, kept beside what is.
    void zero(WriteDevice& device, uint64_t offset, uint64_t length) {
        EXPECT_EQ(device.zero(offset, length), 0) << offset << " + " << length;
        std::fill_n(expected_.begin() + static_cast<ptrdiff_t>(offset), length, uint8_t{0});
    }
    void write(WriteDevice& device, uint64_t offset, const std::vector<uint8_t>& bytes) {
        EXPECT_EQ(device.write(offset, bytes), 0);
        std::copy(bytes.begin(), bytes.end(), expected_.begin() + static_cast<ptrdiff_t>(offset));
    }
    void expect_as_written(WriteDevice& device) {
        std::vector<uint8_t> found(expected_.size(), 0xaa);
        EXPECT_EQ(device.read(0, found), 0);
        EXPECT_EQ(first_difference(found), expected_.size());
    }
    void expect_on_medium(WriteDevice& device) {
        std::vector<uint8_t> found(expected_.size(), 0xaa);
        EXPECT_EQ(device.sync(), 0);
        EXPECT_EQ(device.medium().read(0, found), 0);
        EXPECT_EQ(first_difference(found), expected_.size());
    }
    /// Each of kRanges, looked at both ways; `device` holds the pattern.
    void zero_all_ranges(WriteDevice& device) {
        for (const auto& range : kRanges) {
            zero(device, range.offset, range.length);
            expect_as_written(device);
            expect_on_medium(device);
        }
        EXPECT_EQ(device.size(), kSize);
        zero(device, 0, kSize);
        expect_as_written(device);
        expect_on_medium(device);
    }
    /// Cached and not on the medium yet, before zero() and after it.
    void zero_what_is_cached(WriteDevice& device) {
        write(device, 100000, std::vector<uint8_t>(200000, 0x55));
        std::vector<uint8_t> cached(200000);
        EXPECT_EQ(device.read(100000, cached), 0);
        zero(device, 150001, 100003);
        expect_as_written(device);
        write(device, 200000, std::vector<uint8_t>(1000, 0x66));
        expect_as_written(device);
        expect_on_medium(device);
    }

    size_t first_difference(const std::vector<uint8_t>& found) const {
        return static_cast<size_t>(std::mismatch(found.begin(), found.end(), expected_.begin()).first - found.begin());
    }

    TempFolder folder_;
    std::vector<uint8_t> expected_ = pattern(0, kSize);
};

TEST_F(ZeroTest, AnyRangeOfAFile) {
    const auto device = open(folder_.file("image", kSize));
    ASSERT_TRUE(device);
    EXPECT_FALSE(device->is_block());
    zero_all_ranges(*device);
}

TEST_F(ZeroTest, WhatAFileHasCached) {
    const auto device = open(folder_.file("image", kSize));
    ASSERT_TRUE(device);
    zero_what_is_cached(*device);
}

TEST_F(ZeroTest, TakesNoSpace) {
    const auto other = folder_.file("other", kSize);
    const Fd hollow(::open(other.c_str(), O_RDWR));
    if (::fallocate(hollow.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) != 0)
        GTEST_SKIP() << "no holes in the files of this folder";
    const auto path = folder_.file("image", kSize);
    const auto device = open(path);
    ASSERT_TRUE(device);
    ASSERT_EQ(device->sync(), 0);
    const uint64_t before = sectors_of(path);
    zero(*device, 262144, 524288);
    ASSERT_EQ(device->sync(), 0);
    EXPECT_LE(sectors_of(path), before - 524288 / 512 + 64);  // 64: what the file system keeps of it
    expect_as_written(*device);
}

TEST_F(ZeroTest, PastTheEndOfAFileIsAnErrorAndNothingGrows) {
    const auto path = folder_.file("image", kSize);
    const auto device = open(path);
    ASSERT_TRUE(device);
    for (const Range range : {Range{kSize - 1, 2}, {kSize, 1}, {kSize + 1, 0}, {UINT64_MAX, 1}, {1, UINT64_MAX}})
        EXPECT_EQ(device->zero(range.offset, range.length), EINVAL) << range.offset << " + " << range.length;
    EXPECT_EQ(device->zero(kSize, 0), 0);
    EXPECT_EQ(device->zero(0, 0), 0);
    EXPECT_EQ(device->size(), kSize);
    EXPECT_EQ(std::filesystem::file_size(path), kSize);
    expect_as_written(*device);
}

TEST_F(ZeroTest, AnErrorOfTheKernelIsHandedOn) {
    const auto read_only = read_log(folder_.file("image", kSize));
    ASSERT_TRUE(read_only) << read_only.error().message;
    EXPECT_EQ((*read_only)->zero(0, 4096), EBADF);
    expect_as_written(**read_only);
}

TEST_F(ZeroTest, AFileThatCannotHaveHoles) {
    const Mounted mounted("ramfs", "rw", folder_.folder("ram"));
    if (!mounted) GTEST_SKIP() << mounted.why_not();
    const auto path = folder_.file("ram/image", kSize);
    const Fd hollow(::open(path.c_str(), O_RDWR));
    ASSERT_NE(::fallocate(hollow.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0) << "this one can";
    const auto device = open(path);
    ASSERT_TRUE(device);
    zero_all_ranges(*device);
}

TEST_F(ZeroTest, MoreThanIsWrittenAtOnceWhereHolesCannotBeHad) {
    const Mounted mounted("ramfs", "rw", folder_.folder("ram"));
    if (!mounted) GTEST_SKIP() << mounted.why_not();
    const auto device = open(folder_.file("ram/image", 5 * kSize));
    ASSERT_TRUE(device);
    expected_ = pattern(0, 5 * kSize);
    zero(*device, 4097, 4 * kSize - 1000);
    expect_as_written(*device);
}

TEST_F(ZeroTest, AnyRangeOfALoopDevice) {
    const LoopDevice loop(folder_.file("image", kSize), "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto device = open(loop.path());
    ASSERT_TRUE(device);
    EXPECT_TRUE(device->is_block());
    EXPECT_FALSE(device->identity().block) << "which is the file's";
    zero_all_ranges(*device);
}

TEST_F(ZeroTest, WhatALoopDeviceHasCached) {
    const LoopDevice loop(folder_.file("image", kSize), "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto device = open(loop.path());
    ASSERT_TRUE(device);
    zero_what_is_cached(*device);
}

TEST_F(ZeroTest, ALoopDeviceOfAnOddNumberOfBlocks) {
    const LoopDevice loop(folder_.file("image", kSize + 1536), "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto device = open(loop.path());
    ASSERT_TRUE(device);
    expected_ = pattern(0, kSize + 1536);
    zero(*device, 512, kSize + 1024);
    expect_as_written(*device);
    expect_on_medium(*device);
}

TEST_F(ZeroTest, ALoopDeviceOverAFileThatCannotHaveHoles) {
    const Mounted mounted("ramfs", "rw", folder_.folder("ram"));
    if (!mounted) GTEST_SKIP() << mounted.why_not();
    const LoopDevice loop(folder_.file("ram/image", kSize), "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto device = open(loop.path());
    ASSERT_TRUE(device);
    zero_all_ranges(*device);
}

TEST_F(ZeroTest, PastTheEndOfALoopDeviceThereIsNoSpace) {
    const LoopDevice loop(folder_.file("image", kSize), "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto device = open(loop.path());
    ASSERT_TRUE(device);
    for (const Range range : {Range{kSize - 4096, 8192}, {kSize, 1}, {UINT64_MAX - 4095, 4096}, {4096, UINT64_MAX}})
        EXPECT_EQ(device->zero(range.offset, range.length), ENOSPC) << range.offset << " + " << range.length;
    EXPECT_EQ(device->zero(kSize, 0), 0);
    expect_as_written(*device);
}

}  // namespace
}  // namespace raid56::device
