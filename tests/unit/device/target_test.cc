// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/target.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "device/fd.h"
#include "loop_device.h"
#include "mounted.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

constexpr uint64_t kSize = (1 << 20) + 4096;

class TargetTest : public testing::Test {
  protected:
    std::string error_of(const std::string& path, uint64_t size = kSize) {
        const auto opened = open_target(path, size);
        return opened ? "" : opened.error().message;
    }
    std::unique_ptr<WriteDevice> open(const std::string& path, uint64_t size = kSize) {
        auto opened = open_target(path, size);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }
    void expect_blank(const std::string& path) {
        const auto device = open(path);
        ASSERT_TRUE(device);
        EXPECT_EQ(device->size(), kSize);
        EXPECT_EQ(device->path(), path);
        EXPECT_FALSE(device->is_block());
        struct stat st;
        ASSERT_EQ(::stat(path.c_str(), &st), 0);
        EXPECT_EQ(static_cast<uint64_t>(st.st_size), kSize);
        EXPECT_LE(st.st_blocks, 64) << "it takes no space";
        std::vector<uint8_t> found(kSize, 0xaa);
        EXPECT_EQ(device->read(0, found), 0);
        EXPECT_EQ(std::count(found.begin(), found.end(), 0), static_cast<ptrdiff_t>(kSize));
        const auto last = pattern(0, 4096);
        EXPECT_EQ(device->write(kSize - 4096, last), 0);
        EXPECT_EQ(device->sync(), 0);
        EXPECT_EQ(device->medium().read(kSize - 4096, ByteSpan(found).first(4096)), 0);
        EXPECT_TRUE(std::equal(last.begin(), last.end(), found.begin()));
        EXPECT_EQ(error_of(path), path + ": is being written by another program") << "it is locked";
    }

    TempFolder folder_;
};

TEST_F(TargetTest, AnImageIsMade) {
    const auto path = folder_ / "new";
    expect_blank(path);
    struct stat st;
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode, S_IFREG | 0600u);
}

TEST_F(TargetTest, AnEmptyFileIsUsed) {
    const auto path = folder_.text("image", "");
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    expect_blank(path);
    struct stat st;
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode, S_IFREG | 0640u) << "its mode is its owner's matter";
}

TEST_F(TargetTest, AnEmptyFileThroughALink) {
    folder_.text("image", "");
    ASSERT_EQ(::symlink("image", (folder_ / "link").c_str()), 0);
    expect_blank(folder_ / "link");
    EXPECT_EQ(std::filesystem::file_size(folder_ / "image"), kSize);
}

TEST_F(TargetTest, WhatIsThereKeepsItsLengthAndContent) {
    for (const uint64_t more : {0, 1, 5000}) {
        const auto path = folder_.file("image", kSize + more);
        {
            const auto device = open(path);
            ASSERT_TRUE(device);
            EXPECT_EQ(device->size(), kSize + more);
            std::vector<uint8_t> found(kSize + more);
            EXPECT_EQ(device->read(0, found), 0);
            EXPECT_EQ(found, pattern(0, kSize + more));
        }
        EXPECT_EQ(std::filesystem::file_size(path), kSize + more);
    }
}

TEST_F(TargetTest, WhatIsShorterIsRefused) {
    for (const uint64_t have : {uint64_t{1}, kSize - 1}) {
        const auto path = folder_.file("image", have);
        EXPECT_EQ(error_of(path), path + ": has " + std::to_string(have) + " bytes, 1052672 are needed");
        EXPECT_EQ(std::filesystem::file_size(path), have);
    }
}

TEST_F(TargetTest, ALinkThatLeadsNowhere) {
    const auto link = folder_ / "link";
    ASSERT_EQ(::symlink("nowhere", link.c_str()), 0);
    EXPECT_EQ(error_of(link), link + ": is a link to something that is not there");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "nowhere"));
}

TEST_F(TargetTest, WhatIsNeitherFileNorBlockDevice) {
    const std::string end = ", neither an image file nor a block device";
    EXPECT_EQ(error_of(folder_.folder("d")), (folder_ / "d") + ": is a directory" + end);
    EXPECT_EQ(error_of("/dev/null"), "/dev/null: is a character device" + end);
    const auto fifo = folder_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(error_of(fifo), fifo + ": is a FIFO" + end);
}

TEST_F(TargetTest, NamesThatCannotBe) {
    EXPECT_EQ(error_of(""), "an empty path names no device");
    const auto lost = folder_ / "none/new";
    EXPECT_EQ(error_of(lost), lost + ": cannot create: No such file or directory");
    const auto below = folder_.text("file", "") + "/new";
    EXPECT_EQ(error_of(below), below + ": cannot open: Not a directory");
}

TEST_F(TargetTest, AnImageThatCannotBeSoLongIsNotLeft) {
    const auto path = folder_ / "new";
    const auto message = path + ": cannot be given 18446744073709551615 bytes: File too large";
    EXPECT_EQ(error_of(path, UINT64_MAX), message);
    EXPECT_FALSE(std::filesystem::exists(path));
    folder_.text("new", "");
    EXPECT_EQ(error_of(path, UINT64_MAX), message);
    ASSERT_TRUE(std::filesystem::exists(path)) << "one that was there stays";
    EXPECT_EQ(std::filesystem::file_size(path), 0u);
}

TEST_F(TargetTest, AFileSystemWithoutRoomForAnotherFile) {
    const Mounted mounted("tmpfs", "nr_inodes=2", folder_.folder("full"));
    if (!mounted) GTEST_SKIP() << mounted.why_not();
    folder_.text("full/first", "");
    const auto path = folder_ / "full/new";
    EXPECT_EQ(error_of(path), path + ": cannot create: No space left on device");
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(TargetTest, ABlockDevice) {
    const auto image = folder_.file("image", kSize);
    const LoopDevice loop(image, "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    EXPECT_EQ(error_of(loop.path(), kSize + 1), loop.path() + ": has 1052672 bytes, 1052673 are needed");
    const auto device = open(loop.path());
    ASSERT_TRUE(device);
    EXPECT_TRUE(device->is_block());
    EXPECT_EQ(device->size(), kSize);
    std::vector<uint8_t> found(kSize);
    EXPECT_EQ(device->read(0, found), 0);
    EXPECT_EQ(found, pattern(0, kSize));
    EXPECT_EQ(error_of(loop.path()), loop.path() + ": cannot claim: Device or resource busy");
    EXPECT_NE(error_of(image).find(": is in use: "), std::string::npos) << error_of(image);
}

TEST_F(TargetTest, AWriteProtectedBlockDevice) {
    const LoopDevice loop(folder_.file("image", kSize));
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto message = error_of(loop.path());
    // Newer kernels refuse the open itself.
    EXPECT_TRUE(message == loop.path() + ": is write-protected" ||
                message == loop.path() + ": cannot open for writing: Permission denied")
        << message;
}

}  // namespace
}  // namespace raid56::device
