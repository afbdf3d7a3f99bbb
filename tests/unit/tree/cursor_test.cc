// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/cursor.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using format::Key;
using test::ItemSpec;
using test::TreeImage;

constexpr uint64_t kOwner = 7;

/// Leaf i holds the keys (10 i + j, 1, 0), j < 3.
std::vector<std::vector<ItemSpec>> leaves(uint64_t count) {
    std::vector<std::vector<ItemSpec>> all;
    for (uint64_t i = 0; i < count; i++) {
        auto& leaf = all.emplace_back();
        for (uint64_t j = 0; j < 3; j++)
            leaf.push_back({{10 * i + j, 1, 0}, {static_cast<uint8_t>(i), static_cast<uint8_t>(j)}});
    }
    return all;
}

/// The walk in one line: "k" for an item of that objectid, "[a b)" for a lost range.
std::string steps(Cursor& cursor, size_t most = 1000) {
    std::string line;
    while (const Step step = cursor.next()) {
        if (most-- == 0) return line + " and on and on";
        if (!line.empty()) line += ' ';
        if (step.item) line += std::to_string(step.item->key.objectid);
        if (!step.lost) continue;
        line += "[" + std::to_string(step.lost->first.objectid) + " ";
        line += step.lost->end == format::kLastKey ? "end)" : std::to_string(step.lost->end.objectid) + ")";
    }
    return line;
}
std::string walk(TreeImage& image, const TreeRoot& root) {
    Cursor cursor(image.reader(), root);
    return steps(cursor);
}
std::string walk_from(TreeImage& image, const TreeRoot& root, Key key) {
    Cursor cursor(image.reader(), root);
    cursor.seek(key);
    return steps(cursor);
}

TEST(Cursor, ItemsOfTreesOfEveryHeightComeInOrder) {
    for (const uint64_t count : {1, 2, 3, 4, 9, 10}) {
        TreeImage image;
        const auto root = image.tree(kOwner, leaves(count));
        EXPECT_EQ(root.level, count == 1 ? 0 : count <= 3 ? 1 : count <= 9 ? 2 : 3);
        std::string expected;
        for (uint64_t i = 0; i < count; i++)
            for (uint64_t j = 0; j < 3; j++) expected += (expected.empty() ? "" : " ") + std::to_string(10 * i + j);
        EXPECT_EQ(walk(image, root), expected);
    }
}

TEST(Cursor, ItemDataBelongsToItsKey) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(4));
    Cursor cursor(image.reader(), root);
    while (const Step step = cursor.next()) {
        ASSERT_TRUE(step.item);
        EXPECT_EQ(step.item->data[0] * 10u + step.item->data[1], step.item->key.objectid);
    }
}

TEST(Cursor, AnEmptyTreeEndsAtOnce) {
    TreeImage image;
    EXPECT_EQ(walk(image, image.tree(kOwner, {{}})), "");
}

TEST(Cursor, TheEndStaysTheEnd) {
    TreeImage image;
    Cursor cursor(image.reader(), image.tree(kOwner, leaves(2)));
    (void)steps(cursor);
    EXPECT_FALSE(cursor.next());
    EXPECT_FALSE(cursor.next());
}

// ---- what is gone

TEST(LostBlock, OfEachLeafIsItsExactRangeOfKeys) {
    for (size_t gone = 0; gone < 5; gone++) {
        TreeImage image;
        const auto root = image.tree(kOwner, leaves(5));
        image.ruin(image.leaves()[gone]);
        std::string expected;
        for (uint64_t i = 0; i < 5; i++) {
            if (i > 0) expected += ' ';
            const auto first = std::to_string(10 * i);
            if (i == gone)
                expected += "[" + first + " " + (i == 4 ? "end" : std::to_string(10 * i + 10)) + ")";
            else
                expected += first + " " + std::to_string(10 * i + 1) + " " + std::to_string(10 * i + 2);
        }
        EXPECT_EQ(walk(image, root), expected);
    }
}

TEST(LostBlock, OfANodeIsEverythingBelowIt) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(4), 2);  // a root over two nodes over two leaves each
    const auto block = image.reader().read({root.block, root.level, {}, {}, {}});
    ASSERT_TRUE(block);
    image.ruin(format::node_pointer(**block, 0).block.v);
    EXPECT_EQ(walk(image, root), "[0 20) 20 21 22 30 31 32");
}

TEST(LostBlock, OfTheRootIsEverything) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(4));
    image.ruin(root.block.v);
    EXPECT_EQ(walk(image, root), "[0 end)");
    EXPECT_EQ(walk_from(image, root, {20, 1, 0}), "[0 end)");
}

TEST(LostBlock, OutsideEveryChunk) {
    TreeImage image;
    auto inside = image.leaf(kOwner, leaves(1)[0]);
    const auto root =
        image.node(kOwner, 1, {inside, {{50, 0, 0}, uint64_t{1} << 50, 7}, {{60, 0, 0}, 0 - uint64_t{4096}, 7}});
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), kOwner}), "0 1 2 [50 60) [60 end)");
}

TEST(LostBlock, ThatCannotBeReadIsLostUntilItCan) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(2));
    image.device().fail_range(image.leaves()[1], TreeImage::kNode, EIO);
    EXPECT_EQ(walk(image, root), "0 1 2 [10 end)");
    image.device().heal();
    image.reader().forget();
    EXPECT_EQ(walk(image, root), "0 1 2 10 11 12");
}

// ---- a block that is whole but not the one that was meant

TEST(WrongBlock, OfAnotherGenerationIsLost) {
    TreeImage image;
    const auto first = image.leaf(kOwner, leaves(2)[0], 7);
    const auto stale = image.leaf(kOwner, leaves(2)[1], 6);
    const auto root = image.node(kOwner, 1, {first, {stale.key, stale.block, 7}});
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), kOwner}), "0 1 2 [10 end)");
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(8), kOwner}), "[0 end)");
}

TEST(WrongBlock, OfAnotherOwnerIsLostUnlessTheTreeMayShare) {
    TreeImage image;
    const auto mine = image.leaf(kOwner, leaves(2)[0]);
    const auto other = image.leaf(256, leaves(2)[1]);
    const auto root = image.node(kOwner, 1, {mine, other});
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), kOwner}), "0 1 2 [10 end)");
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), std::nullopt}), "0 1 2 10 11 12");
}

TEST(WrongBlock, WhoseFirstKeyIsNotTheParentsIsLost) {
    TreeImage image;
    auto first = image.leaf(kOwner, leaves(2)[0]), second = image.leaf(kOwner, leaves(2)[1]);
    second.key.objectid = 9;
    const auto root = image.node(kOwner, 1, {first, second});
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), kOwner}), "0 1 2 [9 end)");
}

TEST(WrongBlock, WhoseKeysReachPastTheNextSiblingIsLost) {
    TreeImage image;
    const auto wide = image.leaf(kOwner, {{{0, 1, 0}, {}}, {{15, 1, 0}, {}}});
    const auto next = image.leaf(kOwner, leaves(2)[1]);
    const auto root = image.node(kOwner, 1, {wide, next});
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), kOwner}), "[0 10) 10 11 12");
}

TEST(WrongBlock, OfAnotherLevelIsLost) {
    TreeImage image;
    const auto leaf = image.leaf(kOwner, leaves(1)[0]);
    EXPECT_EQ(walk(image, {Logical(leaf.block), 1, Generation(7), kOwner}), "[0 end)");
}

// ---- loops

TEST(Loop, ANodeThatPointsAtItselfEnds) {
    TreeImage image;
    const uint64_t at = image.allocate();
    const Key key{0, 0, 0};
    image.write(at, test::encode_node({test::uuid_of(0xf5), at, 7, kOwner}, 3, {{key, at, 7}}, TreeImage::kNode));
    EXPECT_EQ(walk(image, {Logical(at), 3, Generation(7), kOwner}), "[0 end)");
}

TEST(Loop, TwoNodesThatPointAtEachOtherEnd) {
    TreeImage image;
    const uint64_t a = image.allocate(), b = image.allocate();
    image.write(a, test::encode_node({test::uuid_of(0xf5), a, 7, kOwner}, 2, {{{0, 0, 0}, b, 7}, {{5, 0, 0}, b, 7}},
                                     TreeImage::kNode));
    image.write(b, test::encode_node({test::uuid_of(0xf5), b, 7, kOwner}, 1, {{{0, 0, 0}, a, 7}, {{1, 0, 0}, a, 7}},
                                     TreeImage::kNode));
    EXPECT_EQ(walk(image, {Logical(a), 2, Generation(7), kOwner}), "[0 1) [1 5) [5 end)");
}

TEST(Loop, APointerBackToALeafSeenBeforeIsLost) {
    TreeImage image;
    const auto leaf = image.leaf(kOwner, leaves(1)[0]);
    const auto root = image.node(kOwner, 1, {leaf, {{20, 0, 0}, leaf.block, 7}});
    EXPECT_EQ(walk(image, {Logical(root.block), 1, Generation(7), kOwner}), "0 1 2 [20 end)");
}

// ---- seek

TEST(Seek, StandsAtTheLastItemAtOrBelowTheKey) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(3), 2);
    EXPECT_EQ(walk_from(image, root, {11, 1, 0}), "11 12 20 21 22");
    EXPECT_EQ(walk_from(image, root, {11, 0, 0}), "10 11 12 20 21 22");
    EXPECT_EQ(walk_from(image, root, {15, 0, 0}), "12 20 21 22") << "between two leaves";
    EXPECT_EQ(walk_from(image, root, {20, 0, 0}), "12 20 21 22");
    EXPECT_EQ(walk_from(image, root, {0, 0, 0}), "0 1 2 10 11 12 20 21 22") << "below the first";
    EXPECT_EQ(walk_from(image, root, format::kLastKey), "22");
}

TEST(Seek, ALostBlockOnTheWayIsTheNextStep) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(3), 2);
    image.ruin(image.leaves()[1]);
    EXPECT_EQ(walk_from(image, root, {11, 1, 0}), "[10 20) 20 21 22");
    EXPECT_EQ(walk_from(image, root, {21, 1, 0}), "21 22");
}

TEST(Seek, MayGoBackAndForth) {
    TreeImage image;
    Cursor cursor(image.reader(), image.tree(kOwner, leaves(3), 2));
    cursor.seek({21, 1, 0});
    EXPECT_EQ(cursor.next().item->key.objectid, 21u);
    cursor.seek({1, 1, 0});
    EXPECT_EQ(cursor.next().item->key.objectid, 1u);
    EXPECT_EQ(cursor.next().item->key.objectid, 2u);
}

TEST(Seek, InAnEmptyTreeIsTheEnd) {
    TreeImage image;
    EXPECT_EQ(walk_from(image, image.tree(kOwner, {{}}), {1, 1, 1}), "");
}

// ---- an interrupt

TEST(Interrupt, EndsTheWalk) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(5));
    image.stop() = true;
    EXPECT_EQ(walk(image, root), "[0 end)");
}

}  // namespace
}  // namespace raid56::tree
