// SPDX-License-Identifier: GPL-2.0-or-later
// What is told of tree blocks that cannot be had, as text and as JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "events.h"
#include "report/json.h"
#include "report/text.h"

namespace raid56::report {
namespace {

scrub::Damage lost_block() {
    scrub::Damage damage = some_damage();
    damage.role = scrub::Role::tree;
    damage.repairable = scrub::Repairable::no;
    damage.proof = scrub::Proof::none;
    return damage;
}

HurtFiles some_files() {
    HurtFiles files;
    files.trees = {{TreeKind::subvolume, 257, "/home", 1, 300, 350}, {TreeKind::checksum_tree, 7, "", 0, {}, {}}};
    files.objects = {{Loss::all, "/home/folder", 257, 300, true, {}, {}},
                     {Loss::data, "/home/file", 257, 301, false, 4096, 8192},
                     {Loss::name, "", 257, 302, false, {}, {}}};
    return files;
}

Json json_of(const HurtFiles& files) {
    std::ostringstream out;
    JsonWriter(out).damage(lost_block(), &files);
    return Json::parse(out.str());
}

std::string text_of(const HurtFiles& files) {
    std::ostringstream out;
    TextWriter(out).damage(lost_block(), &files);
    return out.str();
}

TEST(HurtTrees, AsJson) {
    const Json line = json_of(some_files());
    EXPECT_EQ(line["paths"].dump(), R"(["/home/folder","/home/file"])");
    EXPECT_EQ(line["trees"].dump(),
              R"([{"name":"subvolume","tree":257,"path":"/home","level":1,"first_inode":300,"last_inode":350},)"
              R"({"name":"checksum-tree","tree":7,"level":0}])");
    EXPECT_EQ(line["objects"].dump(),
              R"([{"loses":"all","path":"/home/folder","subvolume":257,"inode":300,"directory":true},)"
              R"({"loses":"data","path":"/home/file","subvolume":257,"inode":301,"offset":4096,"length":8192},)"
              R"({"loses":"name","path":null,"subvolume":257,"inode":302}])");
    EXPECT_FALSE(line.contains("files"));
    EXPECT_FALSE(line.contains("paths_escaped"));
}

TEST(HurtTrees, PathsOfOneLineAreEscapedAllOrNone) {
    HurtFiles files = some_files();
    files.trees[0].path = "/ho\xffme";
    files.objects[0].path = "/back\\slash";
    const Json line = json_of(files);
    EXPECT_EQ(line["paths_escaped"], true);
    EXPECT_EQ(line["trees"][0]["path"], "/ho\\xffme");
    EXPECT_EQ(line["paths"][0], "/back\\\\slash");
}

TEST(HurtTrees, InWords) {
    const auto text = text_of(some_files());
    for (const char* part :
         {"    of subvolume 257 \"/home\", level 1, inodes from 300 to 350\n", "    of the checksum tree, level 0\n",
          "    /home/folder: lost, and what is below it\n", "    /home/file, bytes 4096 to 12287: lost\n",
          "    a file whose path cannot be had (inode 302 of subvolume 257): is not found by this name\n"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
    EXPECT_NE(text_of({}).find("of no tree that can be read"), std::string::npos);
}

TEST(HurtTrees, NoControlCharactersInWords) {
    HurtFiles files = some_files();
    files.trees[0].path = files.objects[0].path = "/\x1b[31m";
    EXPECT_EQ(text_of(files).find('\x1b'), std::string::npos);
}

TEST(HurtTrees, LongListsAreCutAndSaySo) {
    HurtFiles files = some_files();
    files.objects.resize(5000, files.objects[0]);
    const auto text = text_of(files);
    EXPECT_NE(text.find("and more"), std::string::npos);
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 1100);
    EXPECT_EQ(json_of(files)["objects"].size(), 5000u);
}

TEST(HurtTrees, EveryTreeHasItsKind) {
    const std::vector<std::pair<uint64_t, const char*>> kinds = {{1, "root-tree"},
                                                                 {2, "extent-tree"},
                                                                 {3, "chunk-tree"},
                                                                 {4, "device-tree"},
                                                                 {5, "subvolume"},
                                                                 {7, "checksum-tree"},
                                                                 {8, "quota-tree"},
                                                                 {9, "uuid-tree"},
                                                                 {10, "free-space-tree"},
                                                                 {11, "block-group-tree"},
                                                                 {12, "other"},
                                                                 {256, "subvolume"},
                                                                 {uint64_t(-6), "log-tree"},
                                                                 {uint64_t(-8), "relocation-tree"},
                                                                 {uint64_t(-9), "data-relocation-tree"}};
    for (const auto& [id, name] : kinds) EXPECT_STREQ(tree_kind_name(tree_kind(id)), name) << id;
}

}  // namespace
}  // namespace raid56::report
