// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/new_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "temp_folder.h"

namespace raid56::device {
namespace {

class NewFileTest : public testing::Test {
  protected:
    std::string error_of(const std::string& path) {
        const auto made = make_file(path);
        return made ? "" : made.error().message;
    }

    TempFolder folder_;
};

TEST_F(NewFileTest, IsEmptyPrivateAndLocked) {
    const auto path = folder_ / "new";
    const auto made = make_file(path);
    ASSERT_TRUE(made) << made.error().message;
    struct stat st;
    ASSERT_EQ(::fstat(made->get(), &st), 0);
    EXPECT_EQ(st.st_mode, S_IFREG | 0600u);
    EXPECT_EQ(st.st_size, 0);
    EXPECT_EQ(::write(made->get(), "x", 1), 1);
    const Fd other(::open(path.c_str(), O_RDONLY));
    EXPECT_NE(::flock(other.get(), LOCK_SH | LOCK_NB), 0);
}

TEST_F(NewFileTest, WhatIsThereIsLeftAlone) {
    const auto path = folder_.file("there", 10);
    EXPECT_EQ(error_of(path), path + ": cannot create: File exists");
    EXPECT_EQ(std::filesystem::file_size(path), 10u);
    const auto link = folder_ / "link";
    ASSERT_EQ(::symlink("nowhere", link.c_str()), 0);
    EXPECT_EQ(error_of(link), link + ": cannot create: File exists");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "nowhere"));
}

TEST_F(NewFileTest, NoFolder) {
    const auto path = folder_ / "none/new";
    EXPECT_EQ(error_of(path), path + ": cannot create: No such file or directory");
}

TEST_F(NewFileTest, IsGoneAgainWhereItsNameCannotBeSynced) {
    // Whoever may write a folder, but not read it, cannot open it to sync it.
    constexpr uid_t kNobody = 65534;
    const auto blind = folder_.folder("blind");
    const bool root = ::geteuid() == 0;  // who may read everything
    ASSERT_EQ(::chmod((folder_ / "").c_str(), 0711), 0);
    if (root) ASSERT_EQ(::chown(blind.c_str(), kNobody, static_cast<gid_t>(-1)), 0);
    ASSERT_EQ(::chmod(blind.c_str(), 0300), 0);
    if (root) ASSERT_EQ(::seteuid(kNobody), 0);
    const auto message = error_of(blind + "/new");
    if (root) ASSERT_EQ(::seteuid(0), 0);
    ASSERT_EQ(::chmod(blind.c_str(), 0700), 0);
    EXPECT_EQ(message, blind + "/new: cannot put the name on stable storage: Permission denied");
    EXPECT_TRUE(std::filesystem::is_empty(blind));
}

TEST_F(NewFileTest, IsRemoved) {
    const auto path = folder_ / "new";
    ASSERT_EQ(error_of(path), "");
    ASSERT_TRUE(std::filesystem::exists(path));
    remove_file(path);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(error_of(path), "") << "and the name is free";
}

}  // namespace
}  // namespace raid56::device
