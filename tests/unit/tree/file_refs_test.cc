// SPDX-License-Identifier: GPL-2.0-or-later
// Which files refer to a range, in trees that no file system makes.
#include "tree/file_refs.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using test::ItemSpec;
using test::PointerSpec;
using test::TreeImage;

constexpr uint64_t kData = uint64_t{1} << 30, kSector = 4096;

ItemSpec file_extent(uint64_t inode) {
    test::FileExtentSpec spec;
    spec.disk_bytenr = kData + inode * kSector;
    spec.disk_num_bytes = spec.num_bytes = kSector;
    return {{inode, 108, 0}, test::encode_file_extent(spec)};
}

// Every node points at all nodes below it whose keys do not come before its own: there are as many ways to the last
// leaf as there are falling sequences, millions with a few more leaves. All keys and levels are in order.
TEST(FileRefs, ManyWaysToOneLeafAreOne) {
    constexpr uint64_t kLeaves = 5;
    TreeImage image;
    std::vector<PointerSpec> below;
    for (uint64_t i = 0; i < kLeaves; i++) below.push_back(image.leaf(5, {file_extent(257 + i)}));
    constexpr uint8_t kTop = 4;
    for (uint8_t level = 1; level <= kTop; level++) {
        std::vector<PointerSpec> nodes;
        for (size_t i = 0; i < below.size(); i++)
            nodes.push_back(image.node(5, level, {below.begin() + static_cast<ptrdiff_t>(i), below.end()}));
        below = std::move(nodes);
    }
    const ItemSpec root{{5, 132, 0}, test::encode_root(below.front().block, kTop, 7, 1)};
    const auto root_tree = image.tree(format::objectid::kRootTree, {{root}});
    auto super = image.volume().super();
    super.root = root_tree.block;
    super.root_level = root_tree.level;
    volume::Volume volume(super, {});
    for (const auto& member : image.volume().members()) volume.add_member(member);
    ASSERT_TRUE(volume.add_chunk(image.volume().chunks().front().chunk));
    BlockReader reader(volume, parity::scalar_engine(), image.stop());

    RangeSet wanted;
    wanted.append({kData, kData + 512 * kSector});
    const auto found = find_file_refs(reader, Roots::read(reader), {}, wanted);
    EXPECT_FALSE(found.incomplete);
    ASSERT_EQ(found.refs.size(), kLeaves);
    for (uint64_t i = 0; i < kLeaves; i++) EXPECT_EQ(found.refs[i].inode, 257 + i);
}

}  // namespace
}  // namespace raid56::tree
