// SPDX-License-Identifier: GPL-2.0-or-later
// What a log does to the names of an inode, rule by rule; that Linux does the same, tests/system/test_files.py shows.
#include "tree/logged_names.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using test::ItemSpec;

constexpr uint64_t kTree = 5, kFile = 300, kOther = 301, kFolder = 256, kElsewhere = 257;

ItemSpec ref(uint64_t inode, uint64_t directory, uint64_t index, const std::string& name) {
    return {{inode, 12, directory}, test::Encoder().u64(index).u16(name.size()).text(name).take()};
}
ItemSpec extref(uint64_t inode, uint64_t hash, uint64_t directory, uint64_t index, const std::string& name) {
    return {{inode, 13, hash}, test::Encoder().u64(directory).u64(index).u16(name.size()).text(name).take()};
}
ItemSpec entry(uint64_t directory, uint64_t index, uint64_t inode, const std::string& name) {
    return {{directory, 96, index}, test::encode_dir_entry({inode, 1, 0}, name)};
}
ItemSpec listed(uint64_t directory, uint64_t first, uint64_t last) {
    return {{directory, 72, first}, test::Encoder().u64(last).take()};
}

class LoggedNamesTest : public ::testing::Test {
  protected:
    std::vector<std::string> replay(const std::vector<ItemSpec>& log, std::vector<InodeName> names,
                                    uint64_t tree = kTree) {
        LogTrees logs;
        logs.trees.push_back(image_.tree(format::objectid::kTreeLog, {log}));
        logs.subvolumes.push_back(kTree);
        const LoggedNames logged(image_.reader(), logs);
        incomplete_ = logged.incomplete();
        std::vector<std::string> told;
        for (const auto& name : logged.replay(tree, kFile, std::move(names)))
            told.push_back(std::to_string(name.directory) + "/" + name.name);
        return told;
    }
    test::TreeImage image_;
    bool incomplete_ = false;  // of the last one
};

using Names = std::vector<std::string>;
const std::vector<InodeName> kKnown = {{kFolder, "a", 7, {12, kFolder}}, {kElsewhere, "b", 9, {12, kElsewhere}}};

TEST_F(LoggedNamesTest, WhereTheLogSaysNothingTheyStay) {
    EXPECT_EQ(replay({ref(kOther, kFolder, 2, "c")}, kKnown), (Names{"256/a", "257/b"}));
    EXPECT_EQ(replay({ref(kFile, kFolder, 2, "c")}, kKnown, 400), (Names{"256/a", "257/b"}));  // of another subvolume
}

// An inode with many names in one directory has them in several items; the log has those of leaves that changed.
TEST_F(LoggedNamesTest, ItemsOfNamesCountEachForItself) {
    const std::vector<InodeName> known = {{kFolder, "a", 7, {12, kFolder}},
                                          {kFolder, "b", 8, {12, kFolder}},
                                          {kFolder, "c", 9, {13, 1111}},
                                          {kFolder, "d", 10, {13, 2222}}};
    EXPECT_EQ(replay({extref(kFile, 1111, kFolder, 9, "c")}, known), (Names{"256/a", "256/b", "256/d", "256/c"}));
    EXPECT_EQ(replay({extref(kFile, 2222, kFolder, 11, "e")}, known), (Names{"256/a", "256/b", "256/c", "256/e"}));
    EXPECT_EQ(replay({ref(kFile, kFolder, 8, "b")}, known), (Names{"256/c", "256/d", "256/b"}));
}

TEST_F(LoggedNamesTest, AnItemThatTheLogHasTooHoldsWhatItHasThere) {
    EXPECT_EQ(replay({ref(kFile, kFolder, 2, "c")}, kKnown), (Names{"257/b", "256/c"}));
    EXPECT_EQ(replay({ref(kFile, kFolder, 7, "a")}, kKnown), (Names{"257/b", "256/a"}));
}

TEST_F(LoggedNamesTest, ANewInodeHasThoseOfTheLog) {
    EXPECT_EQ(replay({ref(kFile, kFolder, 2, "c")}, {}), Names{"256/c"});
}

TEST_F(LoggedNamesTest, ANameThatAnotherInodeTookIsGone) {
    EXPECT_EQ(replay({ref(kOther, kFolder, 11, "a")}, kKnown), Names{"257/b"});
    EXPECT_EQ(replay({entry(kElsewhere, 11, kOther, "b")}, kKnown), Names{"256/a"});
}

TEST_F(LoggedNamesTest, WhatALoggedRangeOfADirectoryDoesNotListIsGone) {
    EXPECT_EQ(replay({listed(kFolder, 2, 7)}, kKnown), Names{"257/b"});
    EXPECT_EQ(replay({listed(kFolder, 7, format::kMaxU64)}, kKnown), Names{"257/b"});
    EXPECT_EQ(replay({listed(kFolder, 8, 20)}, kKnown), (Names{"256/a", "257/b"}));
    EXPECT_EQ(replay({listed(kFolder, 2, 6)}, kKnown), (Names{"256/a", "257/b"}));
    EXPECT_EQ(replay({listed(kFolder, 2, 20), entry(kFolder, 7, kFile, "a")}, kKnown), (Names{"256/a", "257/b"}));
}

TEST_F(LoggedNamesTest, AnEntryAloneIsAName) {
    EXPECT_EQ(replay({listed(kFolder, 2, 20), entry(kFolder, 12, kFile, "c")}, kKnown), (Names{"257/b", "256/c"}));
}

TEST_F(LoggedNamesTest, ASubvolumesEntryIsNoInodes) {
    EXPECT_EQ(replay({{{kFolder, 96, 12}, test::encode_dir_entry({kFile, 132, 0}, "c")}}, {}), Names{});
}

TEST_F(LoggedNamesTest, OfWhatCannotBeReadNothingIsKnown) {
    replay({ref(kFile, kFolder, 2, "c")}, kKnown);
    EXPECT_FALSE(incomplete_);
    for (const ItemSpec& item : {ItemSpec{{kFolder, 72, 2}, {1, 2, 3}}, ItemSpec{{kFile, 12, kFolder}, {1, 2, 3}},
                                 ItemSpec{{kFile, 13, kFolder}, {1, 2, 3}}, ItemSpec{{kFolder, 96, 2}, {1, 2, 3}}}) {
        EXPECT_EQ(replay({item}, kKnown), (Names{"256/a", "257/b"}));
        EXPECT_TRUE(incomplete_);
    }
}

TEST_F(LoggedNamesTest, ALogThatIsIncompleteHasNamesThatNobodyKnows) {
    LogTrees logs;
    logs.incomplete = true;
    EXPECT_TRUE(LoggedNames(image_.reader(), logs).incomplete());
    logs.incomplete = false;
    EXPECT_FALSE(LoggedNames(image_.reader(), logs).incomplete());
    logs.trees.push_back(image_.tree(format::objectid::kTreeLog, {{ref(kFile, kFolder, 2, "c")}}));
    logs.subvolumes.push_back(kTree);
    image_.ruin(logs.trees[0].block.v);
    EXPECT_TRUE(LoggedNames(image_.reader(), logs).incomplete());
}

// Ten thousand roots that name one tree: it is read for the first of them alone.
TEST_F(LoggedNamesTest, ATreeCountsOnceHoweverManyRootsNameIt) {
    LogTrees logs;
    const auto tree = image_.tree(format::objectid::kTreeLog, {{ref(kFile, kFolder, 2, "c")}});
    for (uint64_t subvolume = kTree; subvolume < 10000; subvolume++) {
        logs.trees.push_back(tree);
        logs.subvolumes.push_back(subvolume);
    }
    const LoggedNames logged(image_.reader(), logs);
    EXPECT_EQ(logged.replay(kTree, kFile, {}).size(), 1u);
    EXPECT_EQ(logged.replay(kTree + 1, kFile, {}).size(), 0u);
}

}  // namespace
}  // namespace raid56::tree
