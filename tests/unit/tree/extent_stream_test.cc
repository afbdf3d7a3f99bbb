// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/extent_stream.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using test::data_extent;
using test::ItemSpec;
using test::tree_extent;
using test::TreeImage;

constexpr uint64_t kOwner = format::objectid::kExtentTree;
// In sectors from the start of the chunk; everything lies within it.
constexpr uint64_t at(uint64_t sector) { return TreeImage::kStart + sector * 4096; }
constexpr uint64_t kEnd = TreeImage::kStart + TreeImage::kLength;

// A stream keeps a reference to its extra extents.
const std::vector<format::Extent> kNoMore;

ItemSpec data(uint64_t sector, uint64_t sectors) { return data_extent(at(sector), sectors * 4096); }
ItemSpec block(uint64_t sector) { return tree_extent(at(sector), 0, 5); }

format::Extent extra(uint64_t sector, uint64_t sectors, bool tree = false) {
    format::Extent extent;
    extent.start = Logical(at(sector));
    extent.length = sectors * 4096;
    extent.tree = tree;
    return extent;
}

/// "d10+2" data of two sectors at 10, "t" a block, "?10+2" nothing known; sectors from the chunk's start.
std::string all(ExtentStream& stream) {
    std::string line;
    while (const auto found = stream.next()) {
        const auto& extent = found->extent;
        if (!line.empty()) line += ' ';
        line += found->unknown ? '?' : extent.tree ? 't' : 'd';
        const uint64_t start = extent.start.v;
        line += start < TreeImage::kStart ? "-" : std::to_string((start - TreeImage::kStart) / 4096);
        const uint64_t end = start + extent.length;
        line += end == kEnd ? "..end" : "+" + std::to_string(extent.length / 4096);
        if (line.size() > 10000) return line + " and on and on";
    }
    return line;
}

std::string read(TreeImage& image, const TreeRoot& root, const std::vector<format::Extent>& more = kNoMore) {
    ExtentStream stream(image.reader(), root, more, Logical(kEnd));
    return all(stream);
}

TEST(ExtentStream, GivesDataAndBlocksInOrder) {
    TreeImage image;
    const auto root = image.tree(kOwner, {{data(10, 2), block(12)}, {data(20, 100)}, {block(130)}});
    EXPECT_EQ(read(image, root), "d10+2 t12+1 d20+100 t130+1");
}

TEST(ExtentStream, ItemsOfOtherKindsAreSkipped) {
    TreeImage image;
    const ItemSpec group = {{at(0), 192, 0x400000}, test::Bytes(24)}, reference = {{at(10), 178, 5}, test::Bytes(28)};
    const auto root = image.tree(kOwner, {{group, data(10, 2), reference, block(12)}});
    EXPECT_EQ(read(image, root), "d10+2 t12+1");
}

TEST(ExtentStream, ALostLeafIsUnknownFromItsFirstKeyToTheNextKnownExtent) {
    for (size_t gone = 0; gone < 4; gone++) {
        TreeImage image;
        const auto root = image.tree(kOwner, {{data(0, 2)}, {data(10, 2), data(12, 1)}, {data(20, 2)}, {data(30, 2)}});
        image.ruin(image.leaves()[gone]);
        const char* expected[] = {"?0+10 d10+2 d12+1 d20+2 d30+2", "d0+2 ?10+10 d20+2 d30+2",
                                  "d0+2 d10+2 d12+1 ?20+10 d30+2", "d0+2 d10+2 d12+1 d20+2 ?30..end"};
        EXPECT_EQ(read(image, root), expected[gone]);
    }
}

TEST(ExtentStream, NeighbouringLostLeavesAreOneRange) {
    TreeImage image;
    const auto root = image.tree(kOwner, {{data(0, 2)}, {data(10, 2)}, {data(20, 2)}, {data(30, 2)}});
    image.ruin(image.leaves()[1]);
    image.ruin(image.leaves()[2]);
    EXPECT_EQ(read(image, root), "d0+2 ?10+20 d30+2");
}

TEST(ExtentStream, ALostRootIsEverythingUpToTheEnd) {
    TreeImage image;
    const auto root = image.tree(kOwner, {{data(0, 2)}});
    image.ruin(root.block.v);
    EXPECT_EQ(read(image, root), "?-..end");
    ExtentStream none(image.reader(), std::nullopt, kNoMore, Logical(kEnd));
    EXPECT_EQ(all(none), "?-..end");
}

// Where the root's item may yet be had, nothing of the extent tree is known to be lost.
TEST(ExtentStream, WithoutARootItIsAsUndecidedAsTheRootIs) {
    TreeImage image;
    for (const bool undecided : {false, true}) {
        ExtentStream stream(image.reader(), std::nullopt, kNoMore, Logical(kEnd), undecided);
        const auto found = stream.next();
        ASSERT_TRUE(found);
        EXPECT_TRUE(found->unknown);
        EXPECT_EQ(found->undecided, undecided);
    }
}

// A leaf may begin with references of an extent whose item is in the leaf before.
TEST(ExtentStream, WhatIsKnownOfAnExtentIsNotUnknownBecauseItsReferencesAreGone) {
    TreeImage image;
    const auto root =
        image.tree(kOwner, {{data(0, 2)}, {{{at(0), 178, 5}, test::Bytes(28)}, data(4, 1)}, {data(10, 2)}});
    image.ruin(image.leaves()[1]);
    EXPECT_EQ(read(image, root), "d0+2 ?2+8 d10+2");
}

TEST(ExtentStream, AnItemThatMakesNoSenseLeavesARangeUnknown) {
    TreeImage image;
    ItemSpec bad = data(10, 2);
    bad.data[16] = 3;  // data and tree block at once
    const auto root = image.tree(kOwner, {{data(0, 2), bad, data(20, 2)}});
    EXPECT_EQ(read(image, root), "d0+2 ?10+10 d20+2");
}

TEST(ExtentStream, ExtraExtentsAreMergedAndRepetitionsDropped) {
    TreeImage image;
    const auto root = image.tree(kOwner, {{data(10, 2), data(20, 2), block(30)}});
    EXPECT_EQ(read(image, root,
                   {extra(0, 1, true), extra(10, 2), extra(15, 1), extra(30, 1, true), extra(40, 1), extra(40, 1)}),
              "t0+1 d10+2 d15+1 d20+2 t30+1 d40+1");
}

TEST(ExtentStream, ExtraExtentsAreHadWithoutAnyExtentTree) {
    TreeImage image;
    const std::vector<format::Extent> more = {extra(5, 1, true)};
    ExtentStream stream(image.reader(), std::nullopt, more, Logical(kEnd));
    const auto line = all(stream);
    EXPECT_NE(line.find("t5+1"), std::string::npos) << line;
    EXPECT_NE(line.find("?-..end"), std::string::npos) << line;
}

TEST(ExtentStream, NoTwoExtentsThatOverlapAreBothBelieved) {
    for (const auto& [second, sectors] :
         std::vector<std::pair<uint64_t, uint64_t>>{{10, 3}, {11, 1}, {11, 20}, {13, 4}}) {
        TreeImage image;
        const auto root = image.tree(kOwner, {{data(10, 4), data(second, sectors), data(40, 1)}});
        if (second == 10) continue;  // not a tree: two items of one start have keys in the other order
        ExtentStream stream(image.reader(), root, kNoMore, Logical(kEnd));
        uint64_t end = 0;
        bool unknown = false;
        while (const auto found = stream.next()) {
            unknown = unknown || found->unknown;
            if (found->unknown) continue;
            EXPECT_GE(found->extent.start.v, end);
            end = found->extent.start.v + found->extent.length;
        }
        EXPECT_TRUE(unknown) << "said aloud";
        EXPECT_EQ(end, at(41)) << "what follows is believed again";
    }
}

TEST(ExtentStream, SeekStartsOverAtOrBefore) {
    TreeImage image;
    const auto root = image.tree(kOwner, {{data(0, 2)}, {data(10, 2), data(12, 1)}, {data(20, 2)}});
    ExtentStream stream(image.reader(), root, kNoMore, Logical(kEnd));
    stream.seek(Logical(at(12)));
    const auto line = all(stream);
    EXPECT_EQ(line, "d10+2 d12+1 d20+2");
}

}  // namespace
}  // namespace raid56::tree
