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
        const LogTrees log;
        Names names(reader, roots, log);
        std::vector<Paths> found;
        for (const uint64_t inode : inodes) found.push_back(names.of(5, inode));
        return found;
    }

    TreeImage image_;
};

TEST_F(NamesTest, APathIsWhatItsDirectoriesAreCalled) {
    const auto found = nested(3, 2, kTop + 3);
    ASSERT_EQ(found.paths.size(), 1u);
    EXPECT_EQ(found.paths[0], "/nn/nn/nn");
    EXPECT_FALSE(found.incomplete);
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
