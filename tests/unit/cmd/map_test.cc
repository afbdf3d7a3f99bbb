// SPDX-License-Identifier: GPL-2.0-or-later
// Map files of ddrescue: what was not copied is unreadable, whatever lies there; what a scrub says of it for the
// next run of ddrescue.
#include <gtest/gtest.h>

#include <cerrno>

#include "format/rescue_map.h"
#include "repair_world.h"
#include "session/new_maps.h"

namespace raid56::cmd {
namespace {

// Without what tells one run from another.
std::vector<Json> told(const Outcome& run) {
    auto all = run.lines();
    for (auto& line : all)
        for (const char* field : {"seconds", "bytes_read"}) line.erase(field);
    return all;
}

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

class MapTest : public ::testing::Test {
  protected:
    static constexpr uint64_t kSize = 192 << 20;

    void unpack(const char* name) {
        ASSERT_TRUE(world_.unpack(name)) << name << " cannot be unpacked here";
        before_ = world_.state();
    }
    /// The map of a device that has those holes, ascending, and everything else.
    static std::string map_of(const std::vector<Range>& holes, uint64_t size = kSize) {
        std::string text = "# a comment\n0x0 + 1\n";
        uint64_t at = 0;
        for (const Range hole : holes) {
            if (at < hole.start) text += std::to_string(at) + " " + std::to_string(hole.start - at) + " +\n";
            text += std::to_string(hole.start) + " " + std::to_string(hole.length()) + " -\n";
            at = hole.end;
        }
        if (at < size) text += std::to_string(at) + " " + std::to_string(size - at) + " +\n";
        return text;
    }
    /// As ddrescue leaves it: zeros where nothing was had, and the map.
    void lose(const std::string& path, const std::vector<Range>& holes) {
        for (const Range hole : holes) EXPECT_EQ(world_.disk(path).zero(hole.start, hole.length()), 0);
        EXPECT_EQ(world_.disk(path).sync(), 0);
        world_.add(path + ".map", bytes_of(map_of(holes)));
    }
    std::string text_of(const std::string& path) {
        std::vector<uint8_t> all(world_.disk(path).size());
        EXPECT_EQ(world_.disk(path).read(0, all), 0);
        return {all.begin(), all.end()};
    }
    /// All that a device holds of a file system of the demo, but for the first superblock.
    static std::vector<Range> most() { return {{1 << 20, kSize}}; }
    // The scrub of the image's command with more options.
    Outcome scrub(std::vector<std::string> options) {
        options.insert(options.begin(), {"scrub", "--format", "json", "--threads", "1"});
        options.insert(options.end(), world_.paths().begin(), world_.paths().end());
        return world_.run_words(options);
    }

    RepairWorld world_;
    RepairWorld::State before_;
};

TEST_F(MapTest, WhatTheMapLacksIsAsUnreadableAsASectorOfABadDisk) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    const std::vector<std::vector<Range>> all = {most(),
                                                 {{9 << 20, (9 << 20) + 512}},
                                                 {{(67 << 20) + 511, (67 << 20) + 513}, {88473600, 88477696}},
                                                 {{65536, 69632}, {64 << 20, (64 << 20) + 1}}};
    for (const auto& holes : all) {
        SCOPED_TRACE(map_of(holes));
        world_.set(before_);
        world_.hurt["d2.img"] = [&](device::FaultDevice& device) {
            for (const Range hole : holes) device.fail_range(hole.start, hole.length(), EIO);
        };
        const Outcome bad = scrub({"--files"});
        world_.hurt.clear();
        lose("d2.img", holes);
        const Outcome mapped = scrub({"--files", "--map", "d2.img=d2.img.map"});
        EXPECT_EQ(mapped.status, bad.status);
        auto lines = told(mapped);
        ASSERT_EQ(lines.back().at("maps").size(), 1u);
        EXPECT_EQ(lines.back()["maps"][0]["devid"], 2);
        lines.back().erase("maps");
        EXPECT_EQ(lines, told(bad));
    }
}

TEST_F(MapTest, SilentZerosAreNoData) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    lose("d2.img", most());
    const Outcome believed = scrub({});
    EXPECT_EQ(believed.status, 4) << "columns of zeros without checksums look like a write hole";
    EXPECT_GT(believed.summary()["ambiguous_rows"], 0);
    const Outcome mapped = scrub({"--map", "d2.img=d2.img.map"});
    EXPECT_EQ(mapped.status, 1);
    EXPECT_EQ(mapped.summary()["ambiguous_rows"], 0);
    EXPECT_EQ(mapped.summary()["unrepairable_sectors"], 0);
}

TEST_F(MapTest, ARepairPutsBackWhatTheHolesHeld) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    lose("d2.img", most());
    lose("d3.img", {{40 << 20, 100 << 20}});
    const auto holed = world_.state();
    const std::vector<std::string> maps = {"--map", "d2.img=d2.img.map", "--map", "d3.img=d3.img.map"};
    const Outcome dry = world_.repair(maps);
    EXPECT_EQ(dry.status, 1) << dry.err;
    EXPECT_TRUE(world_.devices_hold(holed));
    auto words = maps;
    words.insert(words.end(), {"--write", "--journal", "journal"});
    const Outcome done = world_.repair(words);
    EXPECT_EQ(done.summary()["verdict"], "repaired") << done.err;
    EXPECT_EQ(done.summary()["sectors_written"], dry.summary()["repairable_sectors"]);
    EXPECT_EQ(world_.scrub().status, 0) << "the map is of no use any more";
    // Each sector that was written is what it had been, silent or not.
    for (const auto& action : done.lines_of("action")) {
        const std::string path = "d" + std::to_string(action["devid"].get<int>()) + ".img";
        const uint64_t from = action["physical"], length = action["length"];
        std::vector<uint8_t> now(length), then(length);
        EXPECT_EQ(world_.disk(path).read(from, now), 0);
        auto base = world_.state();
        world_.set(before_);
        EXPECT_EQ(world_.disk(path).read(from, then), 0);
        world_.set(base);
        EXPECT_EQ(now, then) << path << " at " << from;
        if (HasFailure()) return;
    }
    // What had been no data stays as written; everything else is put back.
    const Outcome undo = world_.undo();
    EXPECT_EQ(undo.status, 0) << undo.err;
    EXPECT_TRUE(holds(undo.err, "had been unreadable before the repair and stay as they were written")) << undo.err;
    EXPECT_EQ(world_.scrub().status, 0);
}

TEST_F(MapTest, ARepairThatWasCutOffIsGoneOnWithUnderTheSameMap) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.batch_bytes = 65536;
    lose("d2.img", most());
    before_ = world_.state();
    const std::vector<std::string> words = {"--write", "--journal", "journal", "--map", "d2.img=d2.img.map"};
    world_.power.never_cut();
    EXPECT_EQ(world_.repair(words).summary()["verdict"], "repaired");
    const auto after = world_.state();
    const uint64_t operations = world_.power.used();
    for (uint64_t n = 0; n < operations; n += 1 + operations / 60) {
        SCOPED_TRACE("cut at operation " + std::to_string(n) + " of " + std::to_string(operations));
        world_.set(before_);
        world_.power.cut_at(n);
        try {
            world_.repair(words);
            ADD_FAILURE() << "was not cut";
        } catch (const test::PowerCut&) {
        }
        world_.power.never_cut();
        world_.set(world_.after_cut(test::Unsynced::torn, static_cast<uint32_t>(n)));
        // A journal that is not complete is begun anew, and that needs the map.
        const Outcome again = world_.repair(words);
        EXPECT_TRUE(again.summary()["verdict"] == "repaired" || holds(again.err, "is finished")) << again.err;
        EXPECT_TRUE(world_.devices_hold(after)) << again.err;
        if (HasFailure()) return;
    }
}

TEST_F(MapTest, ASurvivorOfARebuildMayHaveAMap) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    const std::vector<Range> holes = {{40 << 20, 100 << 20}};
    world_.hurt["d2.img"] = [&](device::FaultDevice& device) {
        for (const Range hole : holes) device.fail_range(hole.start, hole.length(), EIO);
    };
    const Outcome bad = world_.rebuild({"d1.img"}, {"--onto", "1=bad"});
    world_.hurt.clear();
    lose("d2.img", holes);
    const Outcome mapped = world_.rebuild({"d1.img"}, {"--onto", "1=mapped", "--map", "d2.img=d2.img.map"});
    EXPECT_EQ(mapped.status, 1) << mapped.err;
    EXPECT_EQ(mapped.lines_of("damage"), bad.lines_of("damage"));
    EXPECT_TRUE(world_.disk("mapped").size() == kSize);
    std::vector<uint8_t> made(kSize), wanted(kSize);
    EXPECT_EQ(world_.disk("mapped").read(0, made), 0);
    EXPECT_EQ(world_.disk("bad").read(0, wanted), 0);
    EXPECT_TRUE(made == wanted);
}

TEST_F(MapTest, ARebuildThatWasCutOffNeedsTheSameMap) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    lose("d2.img", {{40 << 20, 100 << 20}});
    before_ = world_.state();
    const std::vector<std::string> plain = {"--onto", "1=new"};
    auto mapped = plain;
    mapped.insert(mapped.end(), {"--map", "d2.img=d2.img.map"});
    world_.power.never_cut();
    EXPECT_EQ(world_.rebuild({"d1.img"}, mapped).status, 1);
    const uint64_t operations = world_.power.used();
    world_.set(before_);
    world_.power.cut_at(operations / 2);
    EXPECT_THROW(world_.rebuild({"d1.img"}, mapped), test::PowerCut);
    world_.power.never_cut();
    world_.set(world_.after_cut(test::Unsynced::kept, 1));
    const Outcome without = world_.rebuild({"d1.img"}, plain);
    EXPECT_EQ(without.status, 8);
    EXPECT_TRUE(holds(without.err, "is of a rebuild from or onto other devices")) << without.err;
    world_.add("other", bytes_of(map_of({{40 << 20, 99 << 20}})));
    EXPECT_EQ(world_.rebuild({"d1.img"}, {"--onto", "1=new", "--map", "d2.img=other"}).status, 8);
    EXPECT_EQ(world_.rebuild({"d1.img"}, mapped).status, 1);
}

TEST_F(MapTest, InspectShowsWhatIsNotThere) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.add("m", bytes_of(map_of({{65536, 65537}})));
    std::vector<std::string> words = {"inspect", "--format", "json", "--map", "d3.img=m"};
    words.insert(words.end(), world_.paths().begin(), world_.paths().end());
    const Outcome run = world_.run_words(words);
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_TRUE(holds(run.out, "unreadable: Input/output error")) << run.out;
}

// ---- --write-map

TEST_F(MapTest, WhatIsNeededIsTriedAgainAndNothingElse) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    // Rows of data in which more is lost than raid6 bears, and some in which it is not.
    const Outcome two = [&] {
        lose("d1.img", most());
        lose("d2.img", {{67174400, 68 << 20}});
        lose("d3.img", {{67239936, 67371008}});
        return scrub({"--map", "d1.img=d1.img.map", "--map", "d2.img=d2.img.map", "--map", "d3.img=d3.img.map",
                      "--write-map", "d1.img=n1", "--write-map", "d3.img=n3", "--files"});
    }();
    std::map<uint64_t, RangeSet> needed, other;
    for (const auto& damage : two.lines_of("damage")) {
        const uint64_t from = damage["physical"], length = damage["length"];
        const bool unproven = damage["role"] == "data" && damage["proof"] == "none";
        auto& set = damage["repairable"] == true && !unproven ? other : needed;
        set[damage["devid"].get<uint64_t>()].append({from, from + length});
    }
    EXPECT_FALSE(needed[1].empty() || needed[3].empty() || other[1].empty());
    for (const uint64_t devid : {1, 3}) {
        const std::string name = std::to_string(devid);
        const auto map = format::parse_rescue_map(text_of("n" + name));
        ASSERT_TRUE(map) << text_of("n" + name);
        const auto given = format::parse_rescue_map(text_of("d" + name + ".img.map"));
        const RangeSet lost = format::not_rescued(*given);
        EXPECT_EQ(map->blocks.front().range.start, 0u);
        EXPECT_EQ(map->blocks.back().range.end, kSize);
        for (const auto& block : map->blocks) {
            SCOPED_TRACE(name + " at " + std::to_string(block.range.start));
            for (uint64_t at = block.range.start; at < block.range.end; at += 4096) {
                const Range sector{at, at + 1};
                const auto wanted = needed[devid].touches(sector) ? format::RescueStatus::non_tried
                                    : other[devid].touches(sector) || lost.touches(sector)
                                        ? format::RescueStatus::bad_sector
                                        : format::RescueStatus::finished;
                ASSERT_EQ(block.status, wanted) << at;
            }
        }
    }
    // What the new map calls unread is the same damage again.
    const Outcome again = scrub({"--map", "d1.img=n1", "--map", "d2.img=d2.img.map", "--map", "d3.img=n3", "--files"});
    EXPECT_EQ(told(again), told(two));
}

TEST_F(MapTest, CorruptSectorsAreInTheNewMapToo) {
    unpack("105-raid6x4-beyond-tolerance");
    if (HasFatalFailure()) return;
    const Outcome run = scrub({"--write-map", "d1.img=n1", "--write-map", "d2.img=n2", "--write-map", "d3.img=n3",
                               "--write-map", "d4.img=n4"});
    EXPECT_EQ(run.status, 4);
    std::map<uint64_t, format::RescueMap> maps;
    for (const uint64_t devid : {1, 2, 3, 4}) {
        auto map = format::parse_rescue_map(text_of("n" + std::to_string(devid)));
        ASSERT_TRUE(map);
        maps[devid] = *map;
    }
    size_t lost = 0;
    for (const auto& damage : run.lines_of("damage")) {
        if (damage["cause"] != "checksum" && damage["cause"] != "header") continue;
        const uint64_t from = damage["physical"], length = damage["length"];
        const auto wanted =
            damage["repairable"] == true ? format::RescueStatus::bad_sector : format::RescueStatus::non_tried;
        lost += damage["repairable"] == true ? 0 : 1;
        for (const auto& block : maps.at(damage["devid"].get<uint64_t>()).blocks)
            if (!intersect(block.range, {from, from + length}).empty()) EXPECT_EQ(block.status, wanted) << damage;
    }
    EXPECT_GT(lost, 0u);
}

TEST_F(MapTest, ANewMapIsNoFileThatWasThere) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.add("n", bytes_of("mine"));
    const Outcome run = scrub({"--write-map", "d1.img=new", "--write-map", "d2.img=n"});
    EXPECT_EQ(run.status, 8);
    EXPECT_EQ(text_of("n"), "mine");
    EXPECT_FALSE(world_.exists("new")) << "nothing is left of what was made before";
}

TEST_F(MapTest, OfAScrubThatDidNotEndThereIsNoMap) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.stop = true;
    EXPECT_EQ(scrub({"--write-map", "d1.img=new"}).status, 32);
    EXPECT_FALSE(world_.exists("new"));
    world_.stop = false;
    world_.break_at["new"] = 0;
    const Outcome full = scrub({"--write-map", "d1.img=new"});
    EXPECT_EQ(full.status, 8);
    EXPECT_TRUE(holds(full.err, "new: cannot be written: ")) << full.err;
    EXPECT_FALSE(world_.exists("new"));
}

// ---- refusals

TEST_F(MapTest, MapsThatAreNone) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.add("gap", bytes_of("0 +\n0 512 +\n1024 512 -\n"));
    const Outcome run = scrub({"--map", "d1.img=gap"});
    EXPECT_EQ(run.status, 8);
    EXPECT_EQ(run.err,
              "btrfs-raid56: gap: is no map file of ddrescue: line 3 has a block that does not begin where the one "
              "before it ends\n");
    EXPECT_EQ(run.summary()["verdict"], "failed");
    EXPECT_EQ(scrub({"--map", "d1.img=none"}).status, 8);
    world_.add("long", std::vector<uint8_t>((64 << 20) + 1, '#'));
    EXPECT_TRUE(holds(scrub({"--map", "d1.img=long"}).err, "is too long for a map file"));
    for (const char* command : {"inspect", "repair", "rebuild"}) {
        std::vector<std::string> words = {command, "--map", "d1.img=gap", "d1.img"};
        if (std::string(command) == "rebuild") words.insert(words.end(), {"--onto", "4=t"});
        const Outcome other = world_.run_words(words);
        EXPECT_EQ(other.status, 8) << command;
        EXPECT_TRUE(holds(other.err, "gap: is no map file")) << other.err;
    }
}

TEST_F(MapTest, WhichDeviceIsMeant) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.add("m", bytes_of(map_of({})));
    for (const char* word : {"d5.img=m", "d1.img", "d1.img=", "=m", "m", "d1.im=m", "d1.img@0=m"}) {
        const Outcome run = scrub({"--map", word});
        EXPECT_EQ(run.status, 16) << word;
        EXPECT_TRUE(holds(run.err, std::string("not DEVICE=FILE, or no device of this command: ") + word)) << run.err;
        EXPECT_EQ(scrub({"--write-map", word}).status, 16) << word;
    }
    const Outcome twice = scrub({"--map", "d1.img=m", "--map", "d1.img=m"});
    EXPECT_EQ(twice.status, 8);
    EXPECT_TRUE(holds(twice.err, "d1.img: has two maps; give one")) << twice.err;
    EXPECT_EQ(scrub({"--map", "d1.img=m", "--map", "d2.img=m"}).status, 0);
    world_.add("a=b", bytes_of(map_of({})));
    EXPECT_EQ(scrub({"--map", "d1.img=a=b"}).status, 0) << "an = in the map's name";
}

TEST(MapOptionTest, NamesWithEqualSigns) {
    const auto device_of = [](const std::string& word, const std::vector<std::string>& devices) {
        const auto option = session::split_map_option(word, devices);
        return option ? option->device + " " + option->file : "";
    };
    EXPECT_EQ(device_of("a=b=c", {"a"}), "a b=c");
    EXPECT_EQ(device_of("a=b=c", {"a=b"}), "a=b c");
    EXPECT_EQ(device_of("a=b=c", {"a", "a=b"}), "a=b c") << "the longest";
    EXPECT_EQ(device_of("a=b=c", {"a=b=c"}), "");
    EXPECT_EQ(device_of("a=", {"a"}), "");
    EXPECT_EQ(device_of("=", {""}), "");
}

TEST(NewMapTest, NeededGoesBeforeOther) {
    session::BadPlaces bad;
    bad.needed = {{8192, 12288}, {0, 512}, {2048, 4096}};
    bad.other = {{1024, 9000}, {0, 512}, {20000, UINT64_MAX}};
    bad.end = 32768;
    std::string text;
    for (const auto& block : session::map_of(bad).blocks)
        text += std::to_string(block.range.start) + static_cast<char>(block.status);
    EXPECT_EQ(text, "0?512+1024-2048?4096-8192?12288+20000-");
    EXPECT_EQ(session::map_of({{}, {}, 512}).blocks.size(), 1u);
    EXPECT_EQ(session::map_of({}).blocks.size(), 0u);
}

}  // namespace
}  // namespace raid56::cmd
