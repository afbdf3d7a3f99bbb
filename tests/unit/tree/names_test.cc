// SPDX-License-Identifier: GPL-2.0-or-later
// Paths of inodes: directories nested deeper than any path is long.
#include "tree/names.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using test::ItemSpec;
using test::TreeImage;

constexpr uint64_t kTop = 256;

// Inodes 257, 258 ...: each in the one before it, with a name of that length.
class NamesTest : public ::testing::Test {
  protected:
    Paths nested(uint64_t depth, size_t name_length, uint64_t inode) {
        return nested(depth, name_length, std::vector<uint64_t>{inode}).front();
    }

    // Of several inodes, asked for in this order.
    std::vector<Paths> nested(uint64_t depth, size_t name_length, const std::vector<uint64_t>& inodes) {
        const size_t per_leaf = 3900 / (name_length + 10 + 25);
        std::vector<std::vector<ItemSpec>> leaves;
        for (uint64_t i = 0; i < depth; i++) {
            if (i % per_leaf == 0) leaves.emplace_back();
            const uint64_t number = kTop + 1 + i;
            const auto name = test::Encoder().u64(2).u16(name_length).text(std::string(name_length, 'n')).take();
            leaves.back().push_back({{number, 12, number - 1}, name});
        }
        for (auto& leaf : more_) leaves.push_back(leaf);
        const auto files = image_.tree(5, leaves, 100);
        const ItemSpec root{{5, 132, 0}, test::encode_root(files.block.v, files.level, 7, 1)};
        const auto root_tree = image_.tree(format::objectid::kRootTree, {{root}});
        auto super = image_.volume().super();
        super.root = root_tree.block;
        volume::Volume volume(super, {});
        for (const auto& member : image_.volume().members()) volume.add_member(member);
        EXPECT_TRUE(volume.add_chunk(image_.volume().chunks().front().chunk));
        BlockReader reader(volume, parity::scalar_engine(), image_.stop());
        const auto roots = Roots::read(reader);
        Names names(reader, roots, log_);
        std::vector<Paths> found;
        for (const uint64_t inode : inodes) found.push_back(names.of(5, inode));
        return found;
    }

    TreeImage image_;
    std::vector<std::vector<ItemSpec>> more_;  // leaves behind those of the directories
    LogTrees log_;
};

TEST_F(NamesTest, APathIsWhatItsDirectoriesAreCalled) {
    const auto found = nested(3, 2, kTop + 3);
    ASSERT_EQ(found.paths.size(), 1u);
    EXPECT_EQ(found.paths[0], "/nn/nn/nn");
    EXPECT_FALSE(found.incomplete);
}

// Linux removes a folder with all that is below it (tests/system/test_files.py).
TEST_F(NamesTest, BelowAFolderThatTheLogRemovesNothingHasAName) {
    const ItemSpec listed{{kTop + 1, 72, 2}, test::Encoder().u64(UINT64_MAX).take()};  // of which 258 is no more
    log_.trees.push_back(image_.tree(format::objectid::kTreeLog, {{listed}}));
    log_.subvolumes.push_back(5);
    const auto found = nested(4, 2, {kTop + 4, kTop + 2, kTop + 3, kTop + 1});
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(found[i].paths.size(), 0u) << i;
        EXPECT_FALSE(found[i].incomplete) << i;
    }
    EXPECT_EQ(found[3].paths, std::vector<std::string>{"/nn"});
}

// That it has no name may be the fault of what cannot be had.
TEST_F(NamesTest, WhereTheLogIsIncompleteEveryAnswerIs) {
    log_.incomplete = true;
    const auto found = nested(2, 2, kTop + 2);
    EXPECT_EQ(found.paths.size(), 1u);
    EXPECT_TRUE(found.incomplete);
}

TEST_F(NamesTest, TheLongestPathIsTold) {
    constexpr uint64_t kDepth = kLongestPath / 128;
    const auto found = nested(kDepth, 127, kTop + kDepth);
    ASSERT_EQ(found.paths.size(), 1u);
    EXPECT_EQ(found.paths[0].size(), kLongestPath);
    EXPECT_FALSE(found.incomplete);
}

// Each directory's path is kept for those below it: without a bound 2 MB of directories took 2 GB.
TEST_F(NamesTest, ALongerOneIsNot) {
    constexpr uint64_t kDepth = kLongestPath / 128 + 1;
    const auto found = nested(kDepth, 127, kTop + kDepth);
    EXPECT_TRUE(found.paths.empty());
    EXPECT_TRUE(found.incomplete);
}

TEST_F(NamesTest, NestedWithoutEndIsNoMatter) {
    constexpr uint64_t kDepth = 12000;
    const auto found = nested(kDepth, 1, kTop + kDepth);
    EXPECT_TRUE(found.paths.empty());
    EXPECT_TRUE(found.incomplete);
}

// 64 KiB of names far down would be 97 MB of paths.
TEST_F(NamesTest, OfVeryManyLongPathsSomeAreTold) {
    constexpr uint64_t kDepth = 120, kFile = 100000;
    constexpr size_t kNames = 300;
    for (uint64_t directory = kTop + kDepth - 2; directory <= kTop + kDepth; directory++) {
        test::Encoder names;
        for (size_t i = 0; i < kNames; i++)
            names.u64(i + 2).u16(2).text(std::string(2, static_cast<char>('a' + i % 26)));
        more_.push_back({{{kFile, 12, directory}, names.take()}});
    }
    const auto found = nested(kDepth, 127, kFile);
    EXPECT_TRUE(found.incomplete);
    size_t all = 0;
    for (const auto& path : found.paths) all += path.size();
    EXPECT_LE(all, kMostPaths);
    EXPECT_GT(all, kMostPaths / 2);
    EXPECT_LT(found.paths.size(), 3 * kNames);
}

// Several times as deep as any path: what is found to be too deep on the way stays so, the rest is asked for again.
TEST_F(NamesTest, WhateverIsAskedForFirstTheAnswersAreTheSame) {
    constexpr uint64_t kDepth = 50000;
    const std::vector<uint64_t> inodes = {kTop + 50000, kTop + 30000, kTop + 9000, kTop + 8193, kTop + 8192,
                                          kTop + 8191,  kTop + 49999, kTop + 100,  kTop + 1};
    const auto down = nested(kDepth, 1, inodes);
    for (size_t i = 0; i < inodes.size(); i++) {
        const uint64_t depth = inodes[i] - kTop;
        SCOPED_TRACE(depth);
        ASSERT_EQ(down[i].paths.size(), 2 * depth <= kLongestPath ? 1u : 0u);
        EXPECT_EQ(down[i].incomplete, 2 * depth > kLongestPath);
        if (!down[i].paths.empty()) EXPECT_EQ(down[i].paths[0].size(), 2 * depth);
    }
}

// A path that is too long says nothing of the directories above it.
TEST_F(NamesTest, AnAncestorIsKnownAfterAPathThatWasTooLong) {
    const auto found = nested(12000, 1, {kTop + 12000, kTop + 8000, kTop + 20});
    EXPECT_TRUE(found[0].incomplete);
    ASSERT_EQ(found[1].paths.size(), 1u);
    EXPECT_EQ(found[1].paths[0].size(), 16000u);
    ASSERT_EQ(found[2].paths.size(), 1u);
    EXPECT_EQ(found[2].paths[0].size(), 40u);
}

}  // namespace
}  // namespace raid56::tree
