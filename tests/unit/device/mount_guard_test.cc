// SPDX-License-Identifier: GPL-2.0-or-later
// On trees of sysfs and proc that are made up: a disk sda with two partitions, loop devices, LVM.
#include "device/mount_guard.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "temp_folder.h"

namespace raid56::device {
namespace {

const Identity kDisk = {true, makedev(8, 0), 0};
const Identity kPart1 = {true, makedev(8, 1), 0};
const Identity kPart2 = {true, makedev(8, 2), 0};
const Identity kLoop0 = {true, makedev(7, 0), 0};
const Identity kLoop1 = {true, makedev(7, 1), 0};
const Identity kImage = {false, makedev(253, 0), 4711};
const Identity kOther = {false, makedev(253, 0), 4712};

class MountGuardTest : public testing::Test {
  protected:
    MountGuardTest() {
        kernel_.proc = folder_.folder("proc");
        kernel_.sys = folder_.folder("sys");
        kernel_.identity = [this](const std::string& path) -> std::optional<Identity> {
            const auto it = identities_.find(path);
            return it == identities_.end() ? std::nullopt : std::optional(it->second);
        };
        kernel_.exclusive_open = [this](const std::string& path) { return held_.contains(path) ? EBUSY : 0; };
        kernel_.loop = [this](const std::string& path) -> std::optional<Loop> {
            const auto it = loops_.find(path);
            return it == loops_.end() ? std::nullopt : std::optional(it->second);
        };
        add_device("sda", "8:0");
        add_device("sda/sda1", "8:1");
        add_device("sda/sda2", "8:2");
        folder_.text("sys/devices/sda/sda1/partition", "1\n");
        folder_.text("sys/devices/sda/sda2/partition", "2\n");
        add_device("loop0", "7:0");
        add_device("loop1", "7:1");
        identities_ = {{"/dev/sda", kDisk},    {"/dev/sda1", kPart1}, {"/dev/sda2", kPart2}, {"/dev/loop0", kLoop0},
                       {"/dev/loop1", kLoop1}, {"/img/a", kImage},    {"/img/b", kOther}};
        mounts({});
    }

    void add_device(const std::string& path, const std::string& number) {
        namespace fs = std::filesystem;
        const std::string name = fs::path(path).filename();
        const fs::path real = folder_.folder("sys/devices/" + path);
        folder_.folder("sys/devices/" + path + "/holders");
        folder_.text("sys/devices/" + path + "/dev", number + "\n");
        folder_.text("sys/devices/" + path + "/uevent", "MAJOR=0\nDEVNAME=" + name + "\nDEVTYPE=disk\n");
        folder_.folder("sys/dev/block");
        folder_.folder("sys/block");
        fs::create_symlink(real, folder_ / ("sys/dev/block/" + number));
        if (path == name) fs::create_symlink(real, folder_ / ("sys/block/" + name));
    }

    /// A loop device that says of itself what it stands on, `name` in sysfs.
    void attach(const std::string& loop, const std::string& name, const Identity& backing, uint64_t offset = 0) {
        folder_.text("sys/devices/" + loop + "/loop/backing_file", name + "\n");
        loops_["/dev/" + loop] = {backing, offset, 0};
    }

    void mounts(const std::vector<std::string>& lines) {
        std::string text = "22 1 253:9 / / rw,relatime shared:1 - ext4 /dev/root rw\n";
        for (const auto& line : lines) text += line + "\n";
        folder_.text("proc/self/mountinfo", text);
    }

    std::string error_of(const std::string& path, Range part = {0, UINT64_MAX}) {
        const auto result = refuse_if_used(kernel_, path, identities_.at(path).narrowed(part));
        return result ? "" : result.error().message;
    }

    TempFolder folder_;
    KernelView kernel_;
    std::map<std::string, Identity> identities_;
    std::set<std::string> held_;
    std::map<std::string, Loop> loops_;
};

TEST_F(MountGuardTest, WhatNobodyUsesIsFree) {
    for (const auto& [path, identity] : identities_) EXPECT_EQ(error_of(path), "") << path;
}

TEST_F(MountGuardTest, WithoutSysAndProcNothingIsKnown) {
    kernel_.proc = kernel_.sys = folder_ / "nowhere";
    for (const auto& [path, identity] : identities_) EXPECT_EQ(error_of(path), "") << path;
    held_ = {"/dev/sda"};
    EXPECT_NE(error_of("/dev/sda"), "") << "but the exclusive open still tells";
}

TEST_F(MountGuardTest, MountedByItsNumber) {
    mounts({"90 22 8:1 / /mnt/my\\040disk\\012 rw,noatime shared:7 master:2 - ext4 /dev/other rw"});
    EXPECT_EQ(error_of("/dev/sda1"), "/dev/sda1: is in use: mounted at /mnt/my disk\\x0a");
    EXPECT_EQ(error_of("/dev/sda"), "/dev/sda: is in use: /dev/sda1, mounted at /mnt/my disk\\x0a");
    EXPECT_EQ(error_of("/dev/sda2"), "") << "a neighbour is not concerned";
}

TEST_F(MountGuardTest, MountedBtrfsByItsSource) {
    mounts({"90 22 0:43 /sub /mnt rw - btrfs /dev/sda2 rw,subvolid=256"});
    EXPECT_EQ(error_of("/dev/sda2"), "/dev/sda2: is in use: mounted at /mnt");
    EXPECT_EQ(error_of("/dev/sda"), "/dev/sda: is in use: /dev/sda2, mounted at /mnt");
    EXPECT_EQ(error_of("/dev/sda1"), "");
}

TEST_F(MountGuardTest, TheOtherMembersOfAMountedBtrfs) {
    const auto members = folder_.folder("sys/fs/btrfs/ab-cd/devices");
    folder_.folder("sys/fs/btrfs/features");
    std::filesystem::create_symlink(folder_ / "sys/devices/sda/sda1", members + "/sda1");
    EXPECT_EQ(error_of("/dev/sda1"), "/dev/sda1: is in use: member of the mounted btrfs ab-cd");
    EXPECT_NE(error_of("/dev/sda"), "");
    EXPECT_EQ(error_of("/dev/sda2"), "");
}

TEST_F(MountGuardTest, ADiskIsInUseWithItsPartitionsAndTheyWithIt) {
    mounts({"90 22 8:0 / /mnt rw - ext4 /dev/sda rw"});
    EXPECT_EQ(error_of("/dev/sda1"), "/dev/sda1: is in use: /dev/sda, mounted at /mnt");
    mounts({});
    held_ = {"/dev/sda2"};
    EXPECT_EQ(error_of("/dev/sda"),
              "/dev/sda: is in use: /dev/sda2, the kernel or another program holds it exclusively");
    EXPECT_EQ(error_of("/dev/sda1"), "");
}

TEST_F(MountGuardTest, Holders) {
    folder_.folder("sys/devices/sda/sda1/holders/dm-0");
    EXPECT_EQ(error_of("/dev/sda1"), "/dev/sda1: is in use: held by /dev/dm-0");
    EXPECT_EQ(error_of("/dev/sda"), "/dev/sda: is in use: /dev/sda1, held by /dev/dm-0");
}

TEST_F(MountGuardTest, ANameOfItsOwnForADevice) {
    identities_["/dev/disk/by-id/x"] = kPart1;
    mounts({"90 22 8:1 / /mnt rw - ext4 /dev/sda1 rw"});
    EXPECT_EQ(error_of("/dev/disk/by-id/x"), "/dev/disk/by-id/x: is in use: mounted at /mnt");
}

TEST_F(MountGuardTest, AnImageUnderAMountedLoopDevice) {
    attach("loop1", "/somewhere/else (deleted)", kImage, 65536);
    EXPECT_EQ(error_of("/img/a"), "") << "attached only";
    mounts({"90 22 0:50 / /mnt rw - btrfs /dev/loop1 rw"});
    EXPECT_EQ(error_of("/img/a"), "/img/a: is in use: /dev/loop1, mounted at /mnt");
    EXPECT_EQ(error_of("/img/b"), "");
}

TEST_F(MountGuardTest, TheNameInSysfsCountsOnlyWhereTheLoopDeviceMayNotBeAsked) {
    attach("loop1", "/img/b", kImage);  // the name leads to another file by now
    held_ = {"/dev/loop1"};
    EXPECT_EQ(error_of("/img/b"), "");
    EXPECT_NE(error_of("/img/a"), "");
    loops_.clear();
    EXPECT_NE(error_of("/img/b"), "");
    EXPECT_EQ(error_of("/img/a"), "");
}

TEST_F(MountGuardTest, AnImageUnderALoopDeviceWithAMountedPartition) {
    attach("loop1", "/img/a", kImage);
    add_device("loop1/loop1p1", "259:0");
    folder_.text("sys/devices/loop1/loop1p1/partition", "1\n");
    mounts({"90 22 259:0 / /mnt rw - ext4 /dev/loop1p1 rw"});
    EXPECT_EQ(error_of("/img/a"), "/img/a: is in use: /dev/loop1p1, mounted at /mnt");
    EXPECT_EQ(error_of("/dev/loop1"), "/dev/loop1: is in use: /dev/loop1p1, mounted at /mnt");
}

TEST_F(MountGuardTest, TwoLoopDevicesOverOneImage) {
    attach("loop0", "/img/a", kImage);
    attach("loop1", "/img/a", kImage);
    EXPECT_EQ(error_of("/dev/loop0"), "");
    held_ = {"/dev/loop1"};
    EXPECT_EQ(error_of("/dev/loop0"),
              "/dev/loop0: is in use: /dev/loop1, the kernel or another program holds it exclusively");
}

TEST_F(MountGuardTest, ALoopDeviceOverABlockDevice) {
    attach("loop0", "/dev/sda1", kPart1);
    mounts({"90 22 7:0 / /mnt rw - ext4 /dev/loop0 rw"});
    EXPECT_EQ(error_of("/dev/sda1"), "/dev/sda1: is in use: /dev/loop0, mounted at /mnt");
    mounts({});
    held_ = {"/dev/sda1"};
    EXPECT_EQ(error_of("/dev/loop0"),
              "/dev/loop0: is in use: /dev/sda1, the kernel or another program holds it exclusively");
}

TEST_F(MountGuardTest, LoopDevicesInACircleEnd) {
    attach("loop0", "/dev/loop1", kLoop1);
    attach("loop1", "/dev/loop0", kLoop0);
    EXPECT_EQ(error_of("/dev/loop0"), "");
    EXPECT_EQ(shared_identity(kernel_, "/dev/loop0", kLoop0).block, true);
}

TEST_F(MountGuardTest, LinesThatAreNoMountsAreSkipped) {
    mounts({"", "x", "1 2 3", "1 2 8:1", "90 22 0:43 / /mnt rw shared:1", "90 22 0:43 / /mnt rw -",
            "90 22 8:x / /mnt rw - ext4 /dev/zzz rw", "91 22 8:2 / /last rw - ext4 /dev/zzz rw"});
    EXPECT_EQ(error_of("/dev/sda1"), "");
    EXPECT_EQ(error_of("/dev/sda2"), "/dev/sda2: is in use: mounted at /last");
}

TEST_F(MountGuardTest, ALoopDeviceSharesTheIdentityOfItsFile) {
    attach("loop0", "/img/a", kImage);
    attach("loop1", "/img/a", kImage, 4096);
    EXPECT_EQ(shared_identity(kernel_, "/dev/loop0", kLoop0), kImage);
    EXPECT_EQ(shared_identity(kernel_, "/dev/loop1", kLoop1), kImage.narrowed({4096, UINT64_MAX}));
    EXPECT_EQ(shared_identity(kernel_, "/dev/sda", kDisk), kDisk);
    EXPECT_EQ(shared_identity(kernel_, "/img/a", kImage), kImage);
}

TEST_F(MountGuardTest, ALoopDeviceOverALoopDeviceOverAFile) {
    attach("loop0", "/img/a", kImage);
    attach("loop1", "/dev/loop0", kLoop0);
    EXPECT_EQ(shared_identity(kernel_, "/dev/loop1", kLoop1), kImage);
}

// In units of 512 bytes, as sysfs has it: sda1 is [1 MiB, 2 MiB), sda2 [2 MiB, 4 MiB).
class PartGuardTest : public MountGuardTest {
  protected:
    PartGuardTest() {
        place("sda/sda1", 2048, 2048);
        place("sda/sda2", 4096, 4096);
    }
    void place(const std::string& partition, uint64_t start, uint64_t size) {
        folder_.text("sys/devices/" + partition + "/start", std::to_string(start) + "\n");
        folder_.text("sys/devices/" + partition + "/size", std::to_string(size) + "\n");
    }
    static constexpr Range kFirst{1 << 20, 2 << 20}, kSecond{2 << 20, 4 << 20}, kBehind{4 << 20, UINT64_MAX};
};

TEST_F(PartGuardTest, WhatLiesBesideAPartIsNoneOfItsBusiness) {
    mounts({"90 22 8:1 / /mnt rw - ext4 /dev/sda1 rw"});
    held_ = {"/dev/sda", "/dev/sda1"};  // who holds a partition makes the disk busy
    EXPECT_EQ(error_of("/dev/sda", kFirst), "/dev/sda: is in use: /dev/sda1, mounted at /mnt");
    EXPECT_EQ(error_of("/dev/sda", {kFirst.end - 1, UINT64_MAX}), "/dev/sda: is in use: /dev/sda1, mounted at /mnt");
    EXPECT_EQ(error_of("/dev/sda", kSecond), "");
    EXPECT_EQ(error_of("/dev/sda", kBehind), "");
    EXPECT_EQ(error_of("/dev/sda2"), "");
    EXPECT_NE(error_of("/dev/sda"), "");
}

TEST_F(PartGuardTest, AWholeDiskThatIsHeldIsHeldInEachPart) {
    held_ = {"/dev/sda"};
    EXPECT_NE(error_of("/dev/sda", kSecond), "");
    EXPECT_NE(error_of("/dev/sda", kBehind), "");
    held_ = {};
    folder_.folder("sys/devices/sda/holders/dm-0");
    EXPECT_EQ(error_of("/dev/sda", kBehind), "/dev/sda: is in use: held by /dev/dm-0");
    EXPECT_EQ(error_of("/dev/sda2"), "/dev/sda2: is in use: /dev/sda, held by /dev/dm-0");
}

TEST_F(PartGuardTest, LoopDevicesOverAPart) {
    attach("loop0", "/img/a", kImage, 1 << 20);
    loops_["/dev/loop0"].size_limit = 1 << 20;
    held_ = {"/dev/loop0"};
    EXPECT_NE(error_of("/img/a"), "");
    EXPECT_NE(error_of("/img/a", kFirst), "");
    EXPECT_EQ(error_of("/img/a", kSecond), "");
    EXPECT_EQ(error_of("/img/a", {0, 1 << 20}), "");
    EXPECT_NE(error_of("/img/a", {0, (1 << 20) + 1}), "");
}

TEST_F(PartGuardTest, APartOfALoopDeviceIsLookedForInItsFile) {
    attach("loop0", "/img/a", kImage, 1 << 20);
    attach("loop1", "/img/a", kImage, 2 << 20);  // begins 1 MiB behind loop0
    held_ = {"/dev/loop1"};
    EXPECT_EQ(error_of("/dev/loop0", {0, 1 << 20}), "");
    EXPECT_NE(error_of("/dev/loop0", {0, (1 << 20) + 1}), "");
}

TEST_F(PartGuardTest, PartitionsOfALoopDeviceOverAnImage) {
    attach("loop1", "/img/a", kImage);
    add_device("loop1/loop1p1", "259:0");
    folder_.text("sys/devices/loop1/loop1p1/partition", "1\n");
    place("loop1/loop1p1", 2048, 2048);
    identities_["/dev/loop1p1"] = {true, makedev(259, 0), 0};
    mounts({"90 22 259:0 / /mnt rw - ext4 /dev/loop1p1 rw"});
    held_ = {"/dev/loop1", "/dev/loop1p1"};
    EXPECT_EQ(error_of("/img/a", kFirst), "/img/a: is in use: /dev/loop1p1, mounted at /mnt");
    EXPECT_EQ(error_of("/img/a", kSecond), "");
    EXPECT_EQ(shared_identity(kernel_, "/dev/loop1p1", identities_["/dev/loop1p1"]), kImage.narrowed(kFirst));
}

TEST_F(PartGuardTest, PartitionsArePartsOfTheirDisk) {
    EXPECT_EQ(shared_identity(kernel_, "/dev/sda1", kPart1), kDisk.narrowed(kFirst));
    EXPECT_EQ(shared_identity(kernel_, "/dev/sda", kDisk.narrowed(kFirst)), kDisk.narrowed(kFirst));
    EXPECT_TRUE(overlap(shared_identity(kernel_, "/dev/sda1", kPart1), kDisk));
    EXPECT_FALSE(overlap(shared_identity(kernel_, "/dev/sda1", kPart1), shared_identity(kernel_, "/dev/sda2", kPart2)));
    place("sda/sda1", UINT64_MAX, 1);  // no place that a disk has
    EXPECT_EQ(shared_identity(kernel_, "/dev/sda1", kPart1), kPart1);
}

TEST(IdentityTest, PartsWithinParts) {
    const Identity outer = kImage.narrowed({100, 200});
    EXPECT_EQ(outer.part, (Range{100, 200}));
    EXPECT_EQ(outer.narrowed({10, 20}).part, (Range{110, 120}));
    EXPECT_EQ(outer.narrowed({10, UINT64_MAX}).part, (Range{110, 200}));
    EXPECT_TRUE(outer.narrowed({100, 200}).part.empty());
    EXPECT_FALSE(overlap(kImage.narrowed({0, 100}), outer));
    EXPECT_TRUE(overlap(kImage.narrowed({0, 101}), outer));
    EXPECT_FALSE(overlap(kOther, outer));
    EXPECT_EQ(outer.whole(), kImage);
}

}  // namespace
}  // namespace raid56::device
