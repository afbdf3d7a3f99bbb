// SPDX-License-Identifier: GPL-2.0-or-later
// Why data has no checksum: small subvolume trees, each kind of reference, and blocks that are gone.
#include "tree/references.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using test::ItemSpec;
using test::PointerSpec;
using test::TreeImage;

constexpr uint64_t kFile = 257, kSector = 4096;
constexpr uint64_t kData = uint64_t{1} << 30;  // where extents lie; no chunk maps it, nobody reads it

ItemSpec inode(uint64_t number, uint64_t flags) { return {{number, 1, 0}, test::encode_inode(0x1000, 0100644, flags)}; }

struct Reference {
    uint64_t inode = kFile, file_sector = 0;
    uint64_t start = 0, sectors = 1;  // of the extent on disk
    uint64_t offset = 0, length = 0;  // the part referred to; 0: all of it
    uint8_t type = 1, compression = 0;
};
ItemSpec file_extent(const Reference& it) {
    test::FileExtentSpec spec;
    spec.type = it.type;
    spec.compression = it.compression;
    spec.disk_bytenr = kData + it.start * kSector;
    spec.disk_num_bytes = it.sectors * kSector;
    spec.offset = it.offset * kSector;
    spec.num_bytes = (it.length != 0 ? it.length : it.sectors - it.offset) * kSector;
    return {{it.inode, 108, it.file_sector * kSector}, test::encode_file_extent(spec)};
}

ItemSpec root_item(uint64_t id, const TreeRoot& root, uint32_t refs = 1) {
    return {{id, 132, 0}, test::encode_root(root.block.v, root.level, root.generation->v, refs)};
}

class ReferencesTest : public ::testing::Test {
  protected:
    TreeImage image_;
    LogTrees log_;
    std::vector<ItemSpec> root_items_;
    uint64_t root_tree_ = 0;

    void subvolume(uint64_t id, const TreeRoot& root, uint32_t refs = 1) {
        root_items_.push_back(root_item(id, root, refs));
    }
    void subvolume(uint64_t id, const std::vector<std::vector<ItemSpec>>& leaves) {
        subvolume(id, image_.tree(id, leaves));
    }

    /// "s2+3" should have checksums: 3 sectors at 2; "w" written, "n" never written.
    std::string explain(uint64_t from, uint64_t to) { return explain(std::vector<Range>{{from, to}}); }
    std::string explain(const std::vector<Range>& sectors) {
        finish();
        RangeSet wanted;
        for (const auto& range : sectors) wanted.append({kData + range.start * kSector, kData + range.end * kSector});
        auto& reader = *reader_;
        const auto roots = Roots::read(reader);
        std::string line;
        for (const auto& range : explain_silence(reader, roots, log_, wanted)) {
            if (!line.empty()) line += ' ';
            line += range.silence == Silence::written ? 'w' : range.silence == Silence::never_written ? 'n' : 's';
            line += std::to_string((range.logical.start - kData) / kSector) + "+" +
                    std::to_string(range.logical.length() / kSector);
        }
        return line;
    }

  private:
    // The superblock names the tree of roots: a volume of its own over the same device.
    void finish() {
        const auto root = image_.tree(format::objectid::kRootTree, {root_items_});
        root_tree_ = root.block.v;
        auto super = image_.volume().super();
        super.root = root.block;
        super.root_level = root.level;
        volume_ = std::make_unique<volume::Volume>(super, test::Bytes());
        volume_->add_member(image_.volume().members()[0]);
        EXPECT_TRUE(volume_->add_chunk(image_.volume().chunks()[0].chunk));
        reader_ = std::make_unique<BlockReader>(*volume_, parity::scalar_engine(), image_.stop());
    }

    std::unique_ptr<volume::Volume> volume_;
    std::unique_ptr<BlockReader> reader_;
};

TEST_F(ReferencesTest, AFileWithoutChecksumsHasWrittenIt) {
    subvolume(5, {{inode(kFile, 1), file_extent({.start = 0, .sectors = 4})}});
    EXPECT_EQ(explain(0, 4), "w0+4");
}

TEST_F(ReferencesTest, AFileWithChecksumsShouldHaveThem) {
    subvolume(5, {{inode(kFile, 0), file_extent({.start = 0, .sectors = 4})}});
    EXPECT_EQ(explain(0, 4), "s0+4");
}

TEST_F(ReferencesTest, PreallocatedIsNeverWritten) {
    subvolume(5, {{inode(kFile, 0), file_extent({.start = 0, .sectors = 4, .type = 2})}});
    EXPECT_EQ(explain(0, 4), "n0+4");
}

TEST_F(ReferencesTest, WhatNobodyRefersToIsNeverWritten) {
    subvolume(5, {{inode(kFile, 0), file_extent({.start = 0, .sectors = 2})}});
    EXPECT_EQ(explain(2, 8), "n2+6");
}

TEST_F(ReferencesTest, AnswersAreCutWhereTheyChange) {
    subvolume(5, {{inode(kFile, 1), file_extent({.file_sector = 0, .start = 0, .sectors = 8, .length = 2}),
                   file_extent({.file_sector = 2, .start = 0, .sectors = 8, .offset = 2, .length = 3, .type = 2})},
                  {inode(kFile + 1, 0), file_extent({.inode = kFile + 1, .start = 6, .sectors = 1})}});
    EXPECT_EQ(explain(0, 8), "w0+2 n2+3 n5+1 s6+1 n7+1");
}

TEST_F(ReferencesTest, OnlyTheRangesAskedForAreAnswered) {
    subvolume(5, {{inode(kFile, 1), file_extent({.start = 0, .sectors = 100})}});
    EXPECT_EQ(explain({{3, 5}, {50, 51}, {99, 110}}), "w3+2 w50+1 w99+1 n100+10");
    EXPECT_EQ(explain(std::vector<Range>{}), "");
}

TEST_F(ReferencesTest, TheStrongestOfSeveralReferencesCounts) {
    // Reflinked: preallocated in one file, written without checksums in another, with them in a third.
    subvolume(5, {{inode(kFile, 1), file_extent({.start = 0, .sectors = 6, .length = 6, .type = 2})},
                  {inode(kFile + 1, 1), file_extent({.inode = kFile + 1, .start = 0, .sectors = 6, .length = 4})},
                  {inode(kFile + 2, 0), file_extent({.inode = kFile + 2, .start = 0, .sectors = 6, .length = 2})}});
    EXPECT_EQ(explain(0, 6), "s0+2 w2+2 n4+2");
}

TEST_F(ReferencesTest, ACompressedExtentIsMeantAsAWhole) {
    subvolume(
        5, {{inode(kFile, 0), file_extent({.start = 0, .sectors = 2, .offset = 9, .length = 20, .compression = 1})}});
    EXPECT_EQ(explain(0, 3), "s0+2 n2+1");
}

TEST_F(ReferencesTest, HolesAndInlineDataAreNowhere) {
    ItemSpec hole = file_extent({.start = 0, .sectors = 4});
    test::put(hole.data, 21, 0, 8);
    const ItemSpec inlined = {{kFile, 108, 0x10000}, test::encode_inline_extent("text")};
    subvolume(5, {{inode(kFile, 0), hole, inlined}});
    EXPECT_EQ(explain(0, 4), "n0+4");
}

TEST_F(ReferencesTest, TheInodesItemMayLieInALeafBefore) {
    subvolume(5, {{inode(kFile, 1)}, {file_extent({.start = 0})}, {file_extent({.file_sector = 1, .start = 1})}});
    EXPECT_EQ(explain(0, 2), "w0+2");
}

// A snapshot shares the leaf that holds the extents, but has the inode's item in a leaf of its own.
TEST_F(ReferencesTest, ASharedLeafIsReadOnceAndItsInodeIsFoundInTheTreeThatReadIt) {
    const auto shared = image_.leaf(5, {file_extent({.start = 0, .sectors = 3})});
    const auto first = image_.leaf(5, {inode(kFile, 1)}), second = image_.leaf(256, {inode(kFile, 1)});
    const auto top = image_.node(5, 1, {first, shared}), snapshot = image_.node(256, 1, {second, shared});
    subvolume(5, {Logical(top.block), 1, Generation(7), std::nullopt});
    subvolume(256, {Logical(snapshot.block), 1, Generation(7), std::nullopt});
    EXPECT_EQ(explain(0, 3), "w0+3");
}

TEST_F(ReferencesTest, AnInodeInASharedLeafIsKnownToTheSnapshotsOwnLeaves) {
    // The other way round: the inode's leaf is shared and skipped, the extents are the snapshot's own.
    const auto shared = image_.leaf(5, {inode(kFile, 1)});
    const auto mine = image_.leaf(5, {file_extent({.start = 0})}),
               other = image_.leaf(256, {file_extent({.start = 8})});
    const auto top = image_.node(5, 1, {shared, mine}), snapshot = image_.node(256, 1, {shared, other});
    subvolume(5, {Logical(top.block), 1, Generation(7), std::nullopt});
    subvolume(256, {Logical(snapshot.block), 1, Generation(7), std::nullopt});
    EXPECT_EQ(explain({{0, 1}, {8, 9}}), "w0+1 w8+1");
}

TEST_F(ReferencesTest, InodesOfOneNumberInTwoSubvolumesAreTwo) {
    subvolume(5, {{inode(kFile, 1), file_extent({.start = 0})}});
    subvolume(256, {{inode(kFile, 0), file_extent({.start = 8})}});
    EXPECT_EQ(explain({{0, 1}, {8, 9}}), "w0+1 s8+1");
}

TEST_F(ReferencesTest, TheSpaceCacheOfTheTreeOfRootsIsWrittenWithoutChecksums) {
    root_items_.push_back(inode(kFile, 0));
    root_items_.push_back(file_extent({.start = 0, .sectors = 2}));
    EXPECT_EQ(explain(0, 2), "w0+2");
}

TEST_F(ReferencesTest, ASubvolumeThatIsBeingDeletedIsNotWalked) {
    subvolume(256, image_.tree(256, {{inode(kFile, 0), file_extent({.start = 0})}}), 0);
    EXPECT_EQ(explain(0, 1), "n0+1");
}

// ---- what is gone

TEST_F(ReferencesTest, WhereABlockIsGoneWhatNobodyElseExplainsShouldHaveChecksums) {
    const auto root =
        image_.tree(5, {{inode(kFile, 1), file_extent({.start = 0})}, {file_extent({.file_sector = 1, .start = 1})}});
    image_.ruin(image_.leaves()[1]);
    subvolume(5, root);
    EXPECT_EQ(explain(0, 3), "w0+1 s1+2");
}

TEST_F(ReferencesTest, AnInodeWhoseItemIsGoneIsTakenToHaveChecksums) {
    const auto root = image_.tree(5, {{inode(kFile, 1)}, {file_extent({.start = 0})}});
    image_.ruin(image_.leaves()[0]);
    subvolume(5, root);
    EXPECT_EQ(explain(0, 1), "s0+1");
}

TEST_F(ReferencesTest, AnExtentItemThatMakesNoSenseLeavesTheRestInDoubt) {
    ItemSpec bad = file_extent({.start = 0});
    bad.data[20] = 9;
    subvolume(5, {{inode(kFile, 1), bad, file_extent({.file_sector = 1, .start = 1})}});
    EXPECT_EQ(explain(0, 2), "s0+1 w1+1");
}

TEST_F(ReferencesTest, AnIncompleteLogLeavesTheRestInDoubt) {
    log_.incomplete = true;
    subvolume(5, {{inode(kFile, 1), file_extent({.start = 0})}});
    EXPECT_EQ(explain(0, 2), "w0+1 s1+1");
}

TEST_F(ReferencesTest, ManyReferencesOfOnePlaceAreOneAnswer) {
    // More than the list of marks holds before it is compacted.
    std::vector<std::vector<ItemSpec>> leaves;
    uint64_t file_sector = 0;
    for (int i = 0; i < 700; i++) {
        auto& leaf = leaves.emplace_back();
        if (i == 0) leaf.push_back(inode(kFile, 1));
        for (int j = 0; j < 40; j++)
            leaf.push_back(
                file_extent({.file_sector = file_sector++, .start = static_cast<uint64_t>(j % 3) * 2, .sectors = 1}));
    }
    subvolume(5, image_.tree(5, leaves, 60));
    EXPECT_EQ(explain(0, 6), "w0+1 n1+1 w2+1 n3+1 w4+1 n5+1");
}

}  // namespace
}  // namespace raid56::tree
