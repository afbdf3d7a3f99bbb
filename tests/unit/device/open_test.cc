// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/open.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/blkpg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "device/fd.h"
#include "loop_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

class OpenTest : public testing::Test {
  protected:
    std::string error_of(const std::string& path) {
        const auto opened = open_for_reading(path);
        return opened ? "" : opened.error().message;
    }
    Identity identity_of(const std::string& path) {
        const auto opened = open_for_reading(path);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? opened->identity : Identity{};
    }
    void expect_in_use(const std::string& path) {
        const auto message = error_of(path);
        EXPECT_TRUE(message.starts_with(path + ": is in use: ")) << path << " gave \"" << message << "\"";
    }

    TempFolder folder_;
};

TEST_F(OpenTest, AFile) {
    const auto path = folder_.file("image", 100000);
    const auto opened = open_for_reading(path);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->device->size(), 100000u);
    EXPECT_EQ(opened->device->path(), path);
    std::vector<uint8_t> out(5000);
    EXPECT_EQ(opened->device->read(95000, out), 0);
    EXPECT_EQ(out, pattern(95000, 5000));
}

TEST_F(OpenTest, AnEmptyFileIsADeviceOfNothing) {
    const auto opened = open_for_reading(folder_.text("image", ""));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->device->size(), 0u);
}

TEST_F(OpenTest, OpensForReadingOnly) {
    const auto path = folder_.file("image", 4096);
    const auto opened = open_for_reading(path);
    ASSERT_TRUE(opened);
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        if (std::filesystem::read_symlink(entry.path(), ignored) != path) continue;
        const int flags = ::fcntl(std::stoi(entry.path().filename()), F_GETFL);
        EXPECT_EQ(flags & O_ACCMODE, O_RDONLY);
        found++;
    }
    EXPECT_EQ(found, 1);
}

TEST_F(OpenTest, NotThere) {
    const auto path = folder_ / "none";
    EXPECT_EQ(error_of(path), path + ": cannot open: No such file or directory");
    EXPECT_EQ(error_of(""), "an empty path names no device");
}

TEST_F(OpenTest, NoPermission) {
    constexpr uid_t kNobody = 65534;
    const auto path = folder_.file("image", 10);
    ::chmod(path.c_str(), 0);
    const bool root = ::geteuid() == 0;  // who may read everything
    if (root) ASSERT_EQ(::seteuid(kNobody), 0);
    const auto message = error_of(path);
    if (root) ASSERT_EQ(::seteuid(0), 0);
    EXPECT_EQ(message, path + ": cannot open: Permission denied");
}

TEST_F(OpenTest, WhatIsNeitherFileNorBlockDevice) {
    const std::string end = ", neither an image file nor a block device";
    EXPECT_EQ(error_of(folder_.folder("d")), (folder_ / "d") + ": is a directory" + end);
    EXPECT_EQ(error_of("/dev/null"), "/dev/null: is a character device" + end);
    EXPECT_EQ(error_of("/dev/tty"), "/dev/tty: is a character device" + end);
    const auto fifo = folder_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(error_of(fifo), fifo + ": is a FIFO" + end) << "and it does not wait for a writer";
    const auto path = folder_ / "socket";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        EXPECT_EQ(error_of(path), path + ": is a socket" + end);
}

TEST_F(OpenTest, ControlCharactersOfAPathAreEscaped) {
    EXPECT_EQ(error_of("/no/\x1b[2Jsuch\n"), "/no/\\x1b[2Jsuch\\x0a: cannot open: No such file or directory");
}

TEST_F(OpenTest, OneFileByManyNames) {
    const auto path = folder_.file("image", 10);
    const auto other = folder_.file("other", 10);
    ASSERT_EQ(::symlink("image", (folder_ / "link").c_str()), 0);
    ASSERT_EQ(::link(path.c_str(), (folder_ / "hard").c_str()), 0);
    EXPECT_EQ(identity_of(folder_ / "link"), identity_of(path));
    EXPECT_EQ(identity_of(folder_ / "hard"), identity_of(path));
    EXPECT_NE(identity_of(other), identity_of(path));
}

TEST_F(OpenTest, ALoopDeviceIsRead) {
    const auto path = folder_.file("image", 1 << 20);
    const LoopDevice loop(path);
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto opened = open_for_reading(loop.path());
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->device->size(), 1u << 20);
    EXPECT_GE(opened->device->alignment(), 512u);
    std::vector<uint8_t> out(5000);
    EXPECT_EQ(opened->device->read(12345, out), 0);
    EXPECT_EQ(out, pattern(12345, 5000));
}

TEST_F(OpenTest, ALoopDeviceIsItsFile) {
    const auto path = folder_.file("image", 1 << 20);
    const LoopDevice loop(path), second(path), inner(path, "-r -o 65536");
    if (!loop || !second || !inner) GTEST_SKIP() << loop.why_not();
    EXPECT_EQ(identity_of(loop.path()), identity_of(path));
    EXPECT_EQ(identity_of(second.path()), identity_of(path));
    EXPECT_EQ(identity_of(inner.path()), identity_of(path).narrowed({65536, UINT64_MAX}));
    const LoopDevice stacked(loop.path());
    if (!stacked) GTEST_SKIP() << stacked.why_not();
    EXPECT_EQ(identity_of(stacked.path()), identity_of(path));
}

TEST_F(OpenTest, ALoopDeviceWithoutAFileHasNoSize) {
    std::string path;
    {
        const LoopDevice loop(folder_.file("image", 4096));
        if (!loop) GTEST_SKIP() << loop.why_not();
        path = loop.path();
    }
    std::string backing;
    const auto message = error_of(path);
    if (message.empty() || shell("losetup " + path, &backing) == 0)
        GTEST_SKIP() << "somebody else has taken the loop device meanwhile";
    EXPECT_EQ(message, path + ": is a block device of size 0 (no medium, or nothing attached)");
}

TEST_F(OpenTest, WhatIsHeldExclusivelyIsInUse) {
    const auto path = folder_.file("image", 1 << 20);
    const LoopDevice loop(path), second(path);
    if (!loop || !second) GTEST_SKIP() << loop.why_not();
    EXPECT_EQ(error_of(path), "") << "an idle loop device over it is no use";
    {
        const Fd holder(::open(loop.path().c_str(), O_RDONLY | O_EXCL));
        ASSERT_TRUE(holder);
        expect_in_use(loop.path());
        expect_in_use(path);
        expect_in_use(second.path());
    }
    EXPECT_EQ(error_of(loop.path()), "");
    EXPECT_EQ(error_of(path), "");
}

TEST_F(OpenTest, AHeldPartitionIsTheDiskInUseAndTheImage) {
    const auto path = folder_.file("image", 4 << 20);
    const LoopDevice loop(path, "-r -P");
    if (!loop) GTEST_SKIP() << loop.why_not();
    // Told to the kernel, which need not know any kind of partition table.
    blkpg_partition partition{};
    partition.start = 1 << 20;
    partition.length = 1 << 20;
    partition.pno = 1;
    blkpg_ioctl_arg argument{BLKPG_ADD_PARTITION, 0, sizeof partition, &partition};
    const Fd disk(::open(loop.path().c_str(), O_RDONLY));
    if (::ioctl(disk.get(), BLKPG, &argument) != 0) GTEST_SKIP() << "no partitions on loop devices here";
    const auto part = loop.path() + "p1";
    if (!std::filesystem::exists(part)) GTEST_SKIP() << "no " << part;
    EXPECT_EQ(error_of(part), "");
    EXPECT_EQ(error_of(loop.path()), "");
    {
        const Fd holder(::open(part.c_str(), O_RDONLY | O_EXCL));
        ASSERT_TRUE(holder);
        expect_in_use(part);
        expect_in_use(loop.path());
        expect_in_use(path);
    }
    {
        const Fd holder(::open(loop.path().c_str(), O_RDONLY | O_EXCL));
        ASSERT_TRUE(holder);
        expect_in_use(part);
    }
}

TEST_F(OpenTest, EveryMemberOfAMountedBtrfsIsInUse) {
    const auto a = folder_.text("a", ""), b = folder_.text("b", ""), where = folder_.folder("mnt");
    ASSERT_EQ(::truncate(a.c_str(), 128 << 20), 0);
    ASSERT_EQ(::truncate(b.c_str(), 128 << 20), 0);
    if (shell("command -v mkfs.btrfs") != 0) GTEST_SKIP() << "no mkfs.btrfs";
    ASSERT_EQ(shell("mkfs.btrfs -q -m raid1 -d raid1 " + a + " " + b), 0);
    const LoopDevice first(a), second(b);
    if (!first || !second) GTEST_SKIP() << first.why_not();
    std::string printed;
    const auto options = "-o ro,device=" + first.path() + ",device=" + second.path();
    if (shell("mount -t btrfs " + options + " " + first.path() + " " + where, &printed) != 0) GTEST_SKIP() << printed;
    for (const auto& path : {first.path(), second.path(), a, b}) expect_in_use(path);
    const auto message = error_of(first.path());
    EXPECT_NE(message.find("mounted at " + where), std::string::npos) << message;
    EXPECT_EQ(shell("umount " + where), 0);
    for (const auto& path : {first.path(), second.path(), a, b}) EXPECT_EQ(error_of(path), "");
    shell("btrfs device scan --forget " + first.path() + " && btrfs device scan --forget " + second.path());
}

TEST_F(OpenTest, APartitionIsFreeWhereAnotherOneIsHeld) {
    const auto path = folder_.file("image", 4 << 20);
    const LoopDevice loop(path, "-r -P");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const Fd disk(::open(loop.path().c_str(), O_RDONLY));
    for (const int number : {1, 2}) {
        blkpg_partition partition{};
        partition.start = number << 20;
        partition.length = 1 << 20;
        partition.pno = number;
        blkpg_ioctl_arg argument{BLKPG_ADD_PARTITION, 0, sizeof partition, &partition};
        if (::ioctl(disk.get(), BLKPG, &argument) != 0) GTEST_SKIP() << "no partitions on loop devices here";
        if (!std::filesystem::exists(loop.path() + "p" + std::to_string(number))) GTEST_SKIP() << "no device nodes";
    }
    const auto first = loop.path() + "p1", second = loop.path() + "p2";
    const auto place_of_first = "@1048576+1048576", place_of_second = "@2097152+1048576";
    EXPECT_EQ(identity_of(first), identity_of(path + place_of_first));
    EXPECT_EQ(identity_of(second), identity_of(loop.path() + place_of_second));
    const Fd holder(::open(first.c_str(), O_RDONLY | O_EXCL));
    ASSERT_TRUE(holder);
    EXPECT_EQ(error_of(second), "");
    expect_in_use(first);
    // The same places without the partitions.
    EXPECT_EQ(error_of(loop.path() + place_of_second), "");
    EXPECT_EQ(error_of(path + place_of_second), "");
    const auto message = error_of(path + place_of_first);
    EXPECT_TRUE(message.starts_with(path + ": is in use: " + first)) << message;
    EXPECT_NE(error_of(loop.path() + place_of_first), "");
    EXPECT_NE(error_of(loop.path() + "@2097151"), "") << "one byte of the first is in it";
}

}  // namespace
}  // namespace raid56::device
