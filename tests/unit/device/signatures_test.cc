// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/signatures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "device/fd.h"
#include "device/open.h"
#include "loop_device.h"
#include "temp_folder.h"

namespace raid56::device {

void PrintTo(const Signature& signature, std::ostream* out) {
    *out << signature.name << " at " << signature.offset << " + " << signature.length;
}

namespace {

using Found = std::vector<Signature>;

const Signature kLuks{"crypto_LUKS", 0, 6}, kDos{"dos", 510, 2}, kSwap{"swap", 4086, 10}, kBtrfs{"btrfs", 65600, 8};

class SignaturesTest : public testing::Test {
  protected:
    std::string blank(uint64_t size) {
        const auto path = folder_.text("image", "");
        EXPECT_EQ(::truncate(path.c_str(), static_cast<off_t>(size)), 0);
        return path;
    }
    void put(const std::string& path, uint64_t offset, std::string_view bytes) {
        const Fd fd(::open(path.c_str(), O_WRONLY));
        EXPECT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(bytes.size()));
    }
    void put_luks(const std::string& path) { put(path, 0, std::string_view("LUKS\xba\xbe\0\x01", 8)); }
    void put_swap(const std::string& path) {
        put(path, 1024, std::string_view("\x01\0\0\0\x0f\0\0\0", 8));  // version, last page
        put(path, 4086, "SWAPSPACE2");
    }
    void put_btrfs(const std::string& path) { put(path, 65600, "_BHRfS_M"); }
    void put_dos(const std::string& path) { put(path, 510, "\x55\xaa"); }

    Found find(const std::string& path) {
        const auto found = find_signatures(path);
        EXPECT_TRUE(found) << found.error().message;
        return found ? *found : Found{};
    }
    std::string error_of(const std::string& path) {
        const auto found = find_signatures(path);
        return found ? "" : found.error().message;
    }
    Found sorted(Found found) {
        std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
        return found;
    }
    /// Zeros what is found, while it holds the device, until nothing is; all that was.
    Found wipe(const std::string& path) {
        Found all;
        auto device = open_for_writing(path);
        EXPECT_TRUE(device) << device.error().message;
        for (int round = 0; device && round < 10; round++) {
            const auto found = find(path);
            if (found.empty()) return all;
            for (const auto& one : found) {
                EXPECT_GT(one.length, 0u) << one.name;
                EXPECT_EQ((*device)->zero(one.offset, one.length), 0) << one.name << " at " << one.offset;
                all.push_back(one);
            }
        }
        ADD_FAILURE() << path << ": still not blank";
        return all;
    }

    TempFolder folder_;
};

TEST_F(SignaturesTest, WhereNothingIsKnown) {
    EXPECT_EQ(find(blank(0)), Found{});
    EXPECT_EQ(find(blank(1)), Found{});
    EXPECT_EQ(find(blank(4 << 20)), Found{});
    EXPECT_EQ(find(folder_.file("pattern", 4 << 20)), Found{});
}

TEST_F(SignaturesTest, EachWithThePlaceOfItsMagic) {
    const auto luks = blank(4 << 20);
    put_luks(luks);
    EXPECT_EQ(find(luks), Found{kLuks});
    const auto swap = blank(4 << 20);
    put_swap(swap);
    EXPECT_EQ(find(swap), Found{kSwap});
    const auto btrfs = blank(4 << 20);
    put_btrfs(btrfs);
    EXPECT_EQ(find(btrfs), Found{kBtrfs});
    const auto dos = blank(4 << 20);
    put_dos(dos);
    EXPECT_EQ(find(dos), Found{kDos});
}

TEST_F(SignaturesTest, AllAtOnce) {
    const auto path = blank(4 << 20);
    put_luks(path);
    put_swap(path);
    put_btrfs(path);
    put_dos(path);
    EXPECT_EQ(sorted(find(path)), (Found{kLuks, kDos, kSwap, kBtrfs}));
}

TEST_F(SignaturesTest, WhatIsZeroedIsFoundNoMore) {
    const auto path = blank(4 << 20);
    put_luks(path);
    put_swap(path);
    put_btrfs(path);
    put(path, 4086 - 1, "x");
    put(path, 4086 + 10, "y");
    {
        const auto device = open_for_writing(path);
        ASSERT_TRUE(device) << device.error().message;
        ASSERT_EQ((*device)->zero(kSwap.offset, kSwap.length), 0);
    }
    EXPECT_EQ(sorted(find(path)), (Found{kLuks, kBtrfs}));
    EXPECT_EQ(sorted(wipe(path)), (Found{kLuks, kBtrfs}));
    EXPECT_EQ(find(path), Found{});
}

TEST_F(SignaturesTest, ABlockDeviceThatIsHeld) {
    const auto path = blank(4 << 20);
    put_swap(path);
    put_btrfs(path);
    const LoopDevice loop(path, "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    EXPECT_EQ(sorted(find(loop.path())), (Found{kSwap, kBtrfs}));
    EXPECT_EQ(sorted(wipe(loop.path())), (Found{kSwap, kBtrfs}));
}

TEST_F(SignaturesTest, WhatHasLostItsChecksum) {
    const auto path = blank(4 << 20);
    // A label of LVM: its sector, a checksum, where its content begins.
    put(path, 512, std::string_view("LABELONE\x01\0\0\0\0\0\0\0\xba\xd0\xba\xd0\x20\0\0\0LVM2 001", 32));
    EXPECT_EQ(wipe(path), (Found{{"LVM2_member", 536, 8}}));
}

TEST_F(SignaturesTest, WhatMkfsExt4Makes) {
    if (shell("command -v mkfs.ext4") != 0) GTEST_SKIP() << "no mkfs.ext4";
    const auto path = blank(16 << 20);
    ASSERT_EQ(shell("mkfs.ext4 -q " + path), 0);
    EXPECT_EQ(wipe(path), (Found{{"ext4", 1080, 2}}));
}

TEST_F(SignaturesTest, WhatMkfsBtrfsMakes) {
    if (shell("command -v mkfs.btrfs") != 0) GTEST_SKIP() << "no mkfs.btrfs";
    const auto path = blank(128 << 20);
    ASSERT_EQ(shell("mkfs.btrfs -q " + path), 0);
    EXPECT_EQ(wipe(path), Found{kBtrfs});
}

TEST_F(SignaturesTest, WhatMkswapMakes) {
    if (shell("command -v mkswap") != 0) GTEST_SKIP() << "no mkswap";
    const auto path = blank(4 << 20);
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    ASSERT_EQ(shell("mkswap " + path), 0);
    EXPECT_EQ(wipe(path), Found{kSwap});
}

class GptTest : public SignaturesTest {
  protected:
    static constexpr uint64_t kSize = 8 << 20;
    const Signature first_{"gpt", 512, 8}, second_{"gpt", kSize - 512, 8};

    void SetUp() override {
        if (shell("command -v sfdisk") != 0) GTEST_SKIP() << "no sfdisk";
        path_ = blank(kSize);
        ASSERT_EQ(shell("printf 'label: gpt\\nsize=1MiB\\n' | sfdisk -q " + path_), 0);
    }

    std::string path_;
};

TEST_F(GptTest, BothHeadersAndTheMbr) { EXPECT_EQ(sorted(wipe(path_)), (Found{{"PMBR", 510, 2}, first_, second_})); }

TEST_F(GptTest, IsFoundWithoutItsMbr) {
    put(path_, 510, std::string_view("\0\0", 2));
    EXPECT_EQ(find(path_), Found{first_});
    EXPECT_EQ(sorted(wipe(path_)), (Found{first_, second_}));
}

TEST_F(SignaturesTest, WhatCannotBeOpened) {
    const auto none = folder_ / "none";
    EXPECT_EQ(error_of(none), none + ": cannot open: No such file or directory");
    EXPECT_EQ(error_of(""), "an empty path names no device");
    const std::string end = ", neither an image file nor a block device";
    EXPECT_EQ(error_of(folder_.folder("d")), (folder_ / "d") + ": is a directory" + end);
    const auto fifo = folder_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(error_of(fifo), fifo + ": is a FIFO" + end) << "and it does not wait for a writer";
}

TEST_F(SignaturesTest, WhatCannotBeRead) {
    const auto path = blank(4 << 20);
    const LoopDevice loop(path, "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    ASSERT_EQ(::truncate(path.c_str(), 0), 0);
    ASSERT_EQ(shell("blockdev --flushbufs " + loop.path()), 0);
    EXPECT_EQ(error_of(loop.path()),
              loop.path() + ": cannot look for file systems and partition tables: Input/output error");
}

}  // namespace
}  // namespace raid56::device
