// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/tree_block.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::format {
namespace {

using test::Bytes;

TEST(TreeBlock, HeaderFieldsComeFromTheirPlaces) {
    const Bytes block = test::encode_leaf({test::uuid_of(3), 0x123000, 77, 258}, {}, 16384);
    const auto header = decode_header(block);
    EXPECT_EQ(header.fsid, test::uuid_of(3));
    EXPECT_EQ(header.bytenr.v, 0x123000u);
    EXPECT_EQ(header.generation.v, 77u);
    EXPECT_EQ(header.owner, 258u);
    EXPECT_EQ(header.nritems, 0u);
    EXPECT_EQ(header.level, 0);
    EXPECT_TRUE(check_structure(block, 4096)) << "an empty leaf is an empty tree";
}

TEST(TreeBlock, LeafItemsAreFoundInOrder) {
    const Bytes block = test::encode_leaf({}, {{{1, 2, 3}, {10, 11}}, {{1, 2, 4}, {}}, {{2, 0, 0}, {12}}}, 4096);
    ASSERT_TRUE(check_structure(block, 4096));
    EXPECT_EQ(leaf_item(block, 0).key, (Key{1, 2, 3}));
    EXPECT_EQ(leaf_item(block, 0).data[1], 11);
    EXPECT_EQ(leaf_item(block, 1).data.size(), 0u);
    EXPECT_EQ(leaf_item(block, 2).data[0], 12);
    EXPECT_EQ(leaf_item(block, 0).data.data() + 2, block.data() + block.size());
    EXPECT_EQ(block_key(block, 0, 2), (Key{2, 0, 0}));
}

TEST(TreeBlock, NodePointersAreFoundInOrder) {
    const Bytes block = test::encode_node({}, 7, {{{1, 2, 3}, 0x5000, 9}, {{4, 5, 6}, 0x7000, 10}}, 4096);
    ASSERT_TRUE(check_structure(block, 4096));
    EXPECT_EQ(node_pointer(block, 1).block.v, 0x7000u);
    EXPECT_EQ(node_pointer(block, 1).generation.v, 10u);
    EXPECT_EQ(block_key(block, 7, 1), (Key{4, 5, 6}));
}

TEST(TreeBlock, FullBlocksAreTaken) {
    std::vector<test::ItemSpec> items;
    for (uint64_t i = 0; i < (4096 - 101) / 25; i++) items.push_back({{i, 0, 0}, {}});
    EXPECT_TRUE(check_structure(test::encode_leaf({}, items, 4096), 4096));
    std::vector<test::PointerSpec> pointers;
    for (uint64_t i = 0; i < (4096 - 101) / 33; i++) pointers.push_back({{i, 0, 0}, 0x1000, 7});
    EXPECT_TRUE(check_structure(test::encode_node({}, 1, pointers, 4096), 4096));
}

// Every byte of a block turned over: the checks may accept it, but nothing may be read outside it.
TEST(TreeBlock, WhateverIsAcceptedCanBeRead) {
    std::vector<test::ItemSpec> items;
    for (uint8_t i = 0; i < 6; i++) items.push_back({{i, i, i}, Bytes(i * 7u, i)});
    const Bytes leaf = test::encode_leaf({}, items, 4096);
    const Bytes node = test::encode_node({}, 2, {{{1, 2, 3}, 0x5000, 9}, {{4, 5, 6}, 0x7000, 10}}, 4096);
    for (const Bytes& good : {leaf, node})
        for (size_t at = 96; at < 101 + 6 * 33; at++)
            for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
                Bytes block = good;
                block[at] = static_cast<uint8_t>(block[at] ^ flip);
                if (!check_structure(block, 4096)) continue;
                const auto header = decode_header(block);
                for (uint32_t i = 0; i < header.nritems; i++) {
                    if (header.level > 0) {
                        EXPECT_NE(node_pointer(block, i).block.v, 0u);
                        continue;
                    }
                    const auto item = leaf_item(block, i);
                    ASSERT_LE(item.data.data() + item.data.size(), block.data() + block.size());
                    ASSERT_GE(item.data.data(), block.data() + 101 + header.nritems * 25);
                }
            }
}

TEST(Key, TheNextOneIsTheSmallestAbove) {
    EXPECT_EQ(next_key({1, 2, 3}), (Key{1, 2, 4}));
    EXPECT_EQ(next_key({1, 2, kMaxU64}), (Key{1, 3, 0}));
    EXPECT_EQ(next_key({1, 0xff, kMaxU64}), (Key{2, 0, 0}));
    EXPECT_EQ(next_key(kLastKey), kLastKey);
}

TEST(Key, SubvolumesAreTheTopLevelOneAndTheFreeIds) {
    EXPECT_TRUE(is_subvolume(objectid::kFsTree));
    EXPECT_TRUE(is_subvolume(256));
    EXPECT_TRUE(is_subvolume(objectid::kLastFree));
    for (const uint64_t id :
         {uint64_t{1}, uint64_t{2}, uint64_t{7}, uint64_t{255}, objectid::kDataRelocTree, objectid::kTreeLog})
        EXPECT_FALSE(is_subvolume(id)) << id;
}

}  // namespace
}  // namespace raid56::format
