// SPDX-License-Identifier: GPL-2.0-or-later
// Which trees lost blocks belong to, and what files and directories lose with them.
#include "tree/lost_objects.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"
#include "tree/name_hash.h"
#include "tree/names.h"

namespace raid56::tree {
namespace {

using format::Key;
using test::ItemSpec;
using test::TreeImage;

constexpr uint64_t kRoot = 256;

ItemSpec inode(uint64_t number, uint64_t size = 0, bool directory = false) {
    return {{number, 1, 0}, test::encode_inode(size, directory ? 040755 : 0100644, 0)};
}
ItemSpec name_of(uint64_t number, uint64_t directory, uint64_t index, const std::string& name) {
    return {{number, 12, directory}, test::Encoder().u64(index).u16(name.size()).text(name).take()};
}
ItemSpec entry(uint64_t directory, uint64_t number, const std::string& name, bool is_directory = false) {
    auto data = test::encode_dir_entry({number, 1, 0}, name);
    data[29] = is_directory ? 2 : 1;
    return {{directory, 84, name_hash(name)}, data};
}
ItemSpec listing(uint64_t directory, uint64_t index, uint64_t number, const std::string& name) {
    return {{directory, 96, index}, test::encode_dir_entry({number, 1, 0}, name)};
}
ItemSpec extent(uint64_t number, uint64_t offset) {
    test::FileExtentSpec spec;
    spec.disk_bytenr = uint64_t{1} << 30;
    spec.disk_num_bytes = spec.num_bytes = 4096;
    return {{number, 108, offset}, test::encode_file_extent(spec)};
}

class LostObjectsTest : public ::testing::Test {
  protected:
    // The top-level subvolume from these leaves, of which some are ruined.
    void make(const std::vector<std::vector<ItemSpec>>& leaves, const std::vector<size_t>& ruined,
              std::vector<ItemSpec> more_roots = {}) {
        const auto files = image_.tree(5, leaves, 3);
        for (const size_t i : ruined) lost_.push_back(image_.leaves()[i]);
        std::vector<ItemSpec> roots = {{{5, 132, 0}, test::encode_root(files.block.v, files.level, 7, 1)}};
        for (auto& root : more_roots) roots.push_back(std::move(root));
        const auto root_tree = image_.tree(format::objectid::kRootTree, {roots});
        for (const uint64_t block : lost_) image_.ruin(block);
        auto super = image_.volume().super();
        super.root = root_tree.block;
        super.root_level = root_tree.level;
        volume_ = std::make_unique<volume::Volume>(super, std::vector<uint8_t>());
        for (const auto& member : image_.volume().members()) volume_->add_member(member);
        ASSERT_TRUE(volume_->add_chunk(image_.volume().chunks().front().chunk));
        reader_ = std::make_unique<BlockReader>(*volume_, parity::scalar_engine(), image_.stop());
        roots_ = Roots::read(*reader_);
        std::sort(lost_.begin(), lost_.end());
        RangeSet wanted;
        for (const uint64_t block : lost_) wanted.append({block, block + TreeImage::kNode});
        parts_ = find_lost_parts(*reader_, roots_, log_, wanted);
        found_ = find_lost_objects(*reader_, roots_, parts_.parts);
    }

    std::vector<std::string> told() const {
        static constexpr const char* kWords[] = {"all", "entries", "data", "attributes", "name", "listing"};
        std::vector<std::string> all;
        for (const auto& o : found_.objects) {
            std::string one = std::to_string(o.inode) + (o.directory ? " directory " : " ") + o.name + " " +
                              kWords[static_cast<int>(o.loss)];
            if (o.loss == Loss::data)
                one += " " + std::to_string(o.offset) + "+" + (o.length ? std::to_string(*o.length) : "");
            all.push_back(one);
        }
        return all;
    }

    TreeImage image_;
    std::vector<uint64_t> lost_;
    std::unique_ptr<volume::Volume> volume_;
    std::unique_ptr<BlockReader> reader_;
    Roots roots_;
    LogTrees log_;
    LostParts parts_;
    LostObjects found_;
};

TEST_F(LostObjectsTest, ALeafIsToldWithTheKeysBetweenItsSlots) {
    make({{inode(kRoot, 0, true)}, {inode(300)}, {inode(400)}, {inode(500)}}, {1});
    ASSERT_EQ(parts_.parts.size(), 1u);
    const auto& part = parts_.parts[0];
    EXPECT_EQ(part.tree, 5u);
    EXPECT_EQ(part.level, 0);
    EXPECT_EQ(part.first, (Key{300, 1, 0}));
    EXPECT_EQ(part.end, (Key{400, 1, 0}));
    EXPECT_FALSE(parts_.incomplete);
}

// The bound of the last leaf below a node is the next key of the node above.
TEST_F(LostObjectsTest, TheLastSlotOfANodeEndsWhereTheNextNodeBegins) {
    make({{inode(kRoot)}, {inode(300)}, {inode(400)}, {inode(500)}, {inode(600)}}, {2, 4});
    ASSERT_EQ(parts_.parts.size(), 2u);
    EXPECT_EQ(parts_.parts[0].end, (Key{500, 1, 0}));
    EXPECT_EQ(parts_.parts[1].end, format::kLastKey);
}

TEST_F(LostObjectsTest, WhatCanBeHadIsNoLostPart) {
    make({{inode(kRoot)}, {inode(300)}}, {});
    RangeSet everything;
    everything.append({TreeImage::kStart, UINT64_MAX});
    EXPECT_TRUE(find_lost_parts(*reader_, roots_, log_, everything).parts.empty());
}

TEST_F(LostObjectsTest, AnInodeIsNamedByTheEntryThatIsLeft) {
    make({{inode(kRoot, 0, true), entry(kRoot, 300, "file"), listing(kRoot, 2, 300, "file"),
           listing(kRoot, 3, 301, "listed")},
          {inode(300, 4096), name_of(300, kRoot, 2, "file"), extent(300, 0), inode(301)},
          {inode(400), name_of(400, kRoot, 4, "whole")}},
         {1});
    EXPECT_EQ(told(), (std::vector<std::string>{"300 file all", "301 listed all"}));
}

TEST_F(LostObjectsTest, OfAFileThatReachesOverLeavesOnlyTheseBytesAreLost) {
    make({{inode(kRoot, 0, true), entry(kRoot, 300, "file"), inode(300, 20000), extent(300, 0)},
          {extent(300, 4096), extent(300, 8192)},
          {extent(300, 12288)},
          {inode(400)}},
         {1, 2});
    EXPECT_EQ(told(), (std::vector<std::string>{"300 file data 4096+8192", "300 file data 12288+7712"}));
}

// Nobody knows how long it is.
TEST_F(LostObjectsTest, BytesToTheEndOfAFileWhoseInodeIsLostToo) {
    make({{inode(kRoot, 0, true), entry(kRoot, 300, "file")},
          {inode(300, 20000), extent(300, 0)},
          {extent(300, 4096)},
          {inode(400)}},
         {1, 2});
    EXPECT_EQ(told(), (std::vector<std::string>{"300 file all", "300 file data 4096+"}));
}

TEST_F(LostObjectsTest, EntriesThatAreLostAreToldByTheInodesThatHadThem) {
    const std::string found = name_hash("a") < name_hash("b") ? "a" : "b", gone = found == "a" ? "b" : "a";
    make({{inode(kRoot, 0, true), entry(kRoot, 300, found)},
          {entry(kRoot, 301, gone)},
          {listing(kRoot, 2, 300, found)},
          {listing(kRoot, 3, 301, gone)},
          {inode(300, 0, true), name_of(300, kRoot, 2, found), inode(301), name_of(301, kRoot, 3, gone)}},
         {1, 2});
    EXPECT_EQ(told(), (std::vector<std::string>{"256 directory  entries", "301 " + gone + " name",
                                                "256 directory  entries", "300 directory " + found + " listing"}));
}

TEST_F(LostObjectsTest, ExtendedAttributesAloneAreToldAsSuch) {
    make({{inode(kRoot, 0, true), entry(kRoot, 300, "empty"), inode(300)},
          {{{300, 24, 7}, test::encode_dir_entry({0, 0, 0}, "user.note", "text")}},
          {inode(400)}},
         {1});
    EXPECT_EQ(told(), std::vector<std::string>{"300 empty attributes"});
}

TEST_F(LostObjectsTest, ALostDirectoryIsOneAndLearnedNamesLeadThroughIt) {
    make({{inode(kRoot, 0, true), entry(kRoot, 300, "folder", true)},
          {inode(300, 0, true), name_of(300, kRoot, 2, "folder"), entry(300, 400, "file")},
          {inode(400), name_of(400, 300, 2, "file")}},
         {1});
    EXPECT_EQ(told(), (std::vector<std::string>{"300 directory folder all", "400 file name"}));
    Names names(*reader_, roots_, log_);
    EXPECT_TRUE(names.of(5, 400).paths.empty());
    Names taught(*reader_, roots_, log_);
    for (const auto& o : found_.objects) taught.learn(o.tree, o.inode, o.in_directory, o.name);
    EXPECT_EQ(taught.of(5, 400).paths, std::vector<std::string>{"/folder/file"});
    EXPECT_EQ(taught.path_in(5, 300, "file"), "/folder/file");
    EXPECT_EQ(taught.path_of_subvolume(5), "/");
    EXPECT_EQ(taught.path_of_subvolume(999), std::nullopt);
}

TEST_F(LostObjectsTest, ASnapshotThatSharesALeafHasItsOwnPart) {
    const auto shared = image_.leaf(5, {inode(300), name_of(300, kRoot, 2, "file")});
    const auto leaf = [&](uint64_t owner) {
        return image_.leaf(owner, {inode(kRoot, 0, true), entry(kRoot, 300, "file")});
    };
    const auto last = image_.leaf(5, {inode(900)});
    const auto snapshot = image_.node(500, 1, {leaf(500), shared, last});
    const auto top = image_.node(5, 1, {leaf(5), shared, last});
    lost_.push_back(shared.block);
    make({{inode(kRoot)}}, {},
         {{{5, 132, 1}, test::encode_root(top.block, 1, 7, 1)},
          {{500, 132, 0}, test::encode_root(snapshot.block, 1, 7, 1)}});
    ASSERT_EQ(parts_.parts.size(), 2u);
    EXPECT_EQ(parts_.parts[0].tree, 5u);
    EXPECT_EQ(parts_.parts[1].tree, 500u);
    ASSERT_EQ(found_.objects.size(), 2u);
    EXPECT_EQ(found_.objects[0].tree, 5u);
    EXPECT_EQ(found_.objects[1].tree, 500u);
}

TEST_F(LostObjectsTest, OfASubvolumeWhoseLastLeafIsLostTheRootDirectoryIsTold) {
    make({{inode(kRoot, 0, true), entry(kRoot, 300, "file")}, {inode(300)}}, {1});
    EXPECT_EQ(told(), (std::vector<std::string>{"256 directory  all", "300 file all"}));
}

// Its key would lie between those of two entries.
TEST_F(LostObjectsTest, TheRootDirectoryHasNoEntryOfItself) {
    make({{inode(kRoot, 0, true), name_of(kRoot, kRoot, 0, ".."), {{kRoot, 84, 0}, entry(kRoot, 300, "a").data}},
          {{{kRoot, 84, 1}, entry(kRoot, 301, "b").data}},
          {inode(300), inode(301)}},
         {1});
    EXPECT_EQ(told(), std::vector<std::string>{"256 directory  entries"});
}

// As with files: each block is read once, whatever points at it.
TEST_F(LostObjectsTest, ManyWaysToALostLeafAreOne) {
    std::vector<test::PointerSpec> below;
    for (uint64_t i = 0; i < 5; i++) below.push_back(image_.leaf(5, {inode(300 + i)}));
    lost_.push_back(below.back().block);
    for (uint8_t level = 1; level <= 4; level++) {
        std::vector<test::PointerSpec> nodes;
        for (size_t i = 0; i < below.size(); i++)
            nodes.push_back(image_.node(5, level, {below.begin() + static_cast<ptrdiff_t>(i), below.end()}));
        below = std::move(nodes);
    }
    make({{inode(kRoot)}}, {}, {{{5, 132, 1}, test::encode_root(below.front().block, 4, 7, 1)}});
    EXPECT_EQ(parts_.parts.size(), 1u);
}

TEST_F(LostObjectsTest, ATreeOfNoFilesTellsNothingButItself) {
    const auto csums = image_.tree(7, {{test::csum_item(1 << 20, 3, 1)}, {test::csum_item(1 << 21, 3, 1)}});
    lost_.push_back(image_.leaves()[1]);
    make({{inode(kRoot)}}, {}, {{{7, 132, 0}, test::encode_root(csums.block.v, csums.level, 7, 1)}});
    ASSERT_EQ(parts_.parts.size(), 1u);
    EXPECT_EQ(parts_.parts[0].tree, 7u);
    EXPECT_TRUE(found_.objects.empty());
}

}  // namespace
}  // namespace raid56::tree
