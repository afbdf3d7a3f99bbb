// SPDX-License-Identifier: GPL-2.0-or-later
// Repair and undo in-process: plans, brakes, refusals, writes that fail.
#include <gtest/gtest.h>

#include "checksum/checksum.h"
#include "repair_world.h"

namespace raid56::cmd {
namespace {

constexpr const char* kDamaged = "100-demo-damaged";

class RepairTest : public ::testing::Test {
  protected:
    bool unpack(const char* name) {
        if (!world_.unpack(name)) return false;
        before_ = world_.state();
        return true;
    }
    /// Hits what is hit in one role of the damaged image of this file system.
    void hurt_like_the_damaged_one(const std::string& role) {
        std::ifstream lines(std::string(RAID56_IMAGES) + "/" + kDamaged + "/expected.jsonl");
        for (std::string line; std::getline(lines, line);) {
            const Json event = Json::parse(line);
            if (event["type"] != "damage" || event["role"] != role) continue;
            const std::string path = "d" + std::to_string(event["devid"].get<int>()) + ".img";
            world_.disk(path).flip(event["physical"].get<uint64_t>() + 100);
        }
    }
    /// Actions without what tells a plan from a repair.
    static std::vector<Json> places(const Outcome& run) {
        auto all = run.lines_of("action");
        for (auto& action : all) action.erase("done");
        return all;
    }
    static std::vector<bool> dones(const Outcome& run) {
        std::vector<bool> all;
        for (const auto& action : run.lines_of("action")) all.push_back(action["done"]);
        return all;
    }
    static uint64_t sectors(const Outcome& run, bool done) {
        uint64_t all = 0;
        for (const auto& action : run.lines_of("action"))
            if (action["done"] == done) all += action["length"].get<uint64_t>() / 4096;
        return all;
    }

    RepairWorld world_;
    RepairWorld::State before_;
};

TEST_F(RepairTest, ADryRunListsWhatAWriteDoesAndWritesNothing) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const Outcome dry = world_.repair({});
    EXPECT_EQ(dry.status, 1);
    EXPECT_EQ(dry.summary()["verdict"], "repairable");
    EXPECT_EQ(dry.summary()["sectors_written"], 0);
    EXPECT_EQ(sectors(dry, false), dry.summary()["repairable_sectors"].get<uint64_t>());
    EXPECT_TRUE(world_.devices_hold(before_));

    const Outcome done = world_.write();
    EXPECT_EQ(places(done), places(dry));
    EXPECT_EQ(sectors(done, true), done.summary()["sectors_written"].get<uint64_t>());
    EXPECT_EQ(done.lines_of("damage"), dry.lines_of("damage"));
    EXPECT_EQ(world_.scrub().status, 0);
}

TEST_F(RepairTest, DataComesBeforeParityAndParityBeforeSuperblocks) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const std::map<std::string, int> phase = {{"data", 0}, {"tree", 0}, {"free", 0}, {"P", 1}, {"Q", 1}, {"super", 2}};
    int last = 0;
    std::set<int> seen;
    for (const auto& action : world_.repair({}).lines_of("action")) {
        const int now = phase.at(action["role"]);
        EXPECT_GE(now, last);
        last = now;
        seen.insert(now);
    }
    EXPECT_EQ(seen.size(), 3u) << "the image has damage of each kind";
}

TEST_F(RepairTest, APlanIsAppliedLater) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const Outcome dry = world_.repair({"--save-plan", "plan"});
    EXPECT_EQ(dry.status, 1) << dry.err;
    ASSERT_TRUE(world_.exists("plan"));
    const Outcome shown = world_.repair({"--plan", "plan"});
    EXPECT_EQ(shown.status, 1) << shown.err;
    EXPECT_EQ(places(shown), places(dry));
    EXPECT_TRUE(world_.devices_hold(before_));
    const Outcome done = world_.repair({"--plan", "plan", "--write", "--journal", "journal"});
    EXPECT_EQ(done.summary()["verdict"], "repaired") << done.err;
    EXPECT_EQ(places(done), places(dry));
    EXPECT_EQ(world_.scrub().status, 0);
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(world_.devices_hold(before_));
}

TEST_F(RepairTest, APlanIsRefusedOnceAByteItSawHasChanged) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const Outcome dry = world_.repair({"--save-plan", "plan"});
    for (const auto& action : dry.lines_of("action")) {
        if (action["role"] == "super") continue;  // the superblocks say whose device it is: another refusal
        world_.set(before_);
        world_.repair({"--save-plan", "again"});
        const uint64_t devid = action["devid"], at = action["physical"];
        world_.disk("d" + std::to_string(devid) + ".img").flip(at + 7);
        const auto changed = world_.state();
        const Outcome refused = world_.repair({"--plan", "again", "--write", "--journal", "journal"});
        EXPECT_EQ(refused.status, 8);
        EXPECT_TRUE(holds(refused.err, std::to_string(at))) << refused.err;
        EXPECT_TRUE(world_.devices_hold(changed));
        EXPECT_FALSE(world_.exists("journal")) << "nothing was written that it could undo";
    }
}

TEST_F(RepairTest, BrakesLeaveTheRestForLater) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const Outcome dry = world_.repair({});
    for (const char* kind : {"data", "tree", "parity", "super"}) {
        world_.set(before_);
        const Outcome some = world_.repair({"--only", kind, "--write", "--journal", "journal"});
        EXPECT_EQ(some.status, 1) << some.err;
        EXPECT_EQ(some.summary()["verdict"], "repairable");
        for (const auto& action : some.lines_of("action")) {
            const std::string role = action["role"];
            EXPECT_EQ(kind, role == "free" ? "data" : role == "P" || role == "Q" ? "parity" : role);
        }
        EXPECT_GT(some.summary()["sectors_written"], 0);
        EXPECT_EQ(world_.repair({"--write", "--journal", "rest"}).summary()["verdict"], "repaired");
        EXPECT_EQ(world_.scrub().status, 0);
        EXPECT_EQ(world_.undo("rest").status, 0);
        EXPECT_EQ(world_.undo().status, 0);
        EXPECT_TRUE(world_.devices_hold(before_));
    }
    for (const size_t most : {size_t{0}, size_t{1}, size_t{5}, dry.lines_of("action").size()}) {
        world_.set(before_);
        const Outcome some = world_.repair({"--max-writes", std::to_string(most), "--write", "--journal", "journal"});
        const auto planned = places(dry);
        EXPECT_EQ(places(some), std::vector<Json>(planned.begin(), planned.begin() + static_cast<ptrdiff_t>(most)));
        EXPECT_EQ(some.summary()["verdict"], most == planned.size() ? "repaired" : "repairable");
        EXPECT_EQ(world_.undo().status, 0);
        EXPECT_TRUE(world_.devices_hold(before_));
    }
}

TEST_F(RepairTest, AStaleDeviceIsCalledUpToDateOnlyWhenAllOfItIs) {
    if (!unpack("110-raid6x4-stale")) GTEST_SKIP();
    for (const std::vector<std::string>& brake :
         {std::vector<std::string>{"--only", "super"}, {"--only", "data"}, {"--max-writes", "3"}}) {
        world_.set(before_);
        auto options = brake;
        options.insert(options.end(), {"--write", "--journal", "journal"});
        const Outcome some = world_.repair(options);
        for (const auto& action : some.lines_of("action")) EXPECT_NE(action["role"], "super") << brake[1];
        EXPECT_EQ(some.summary()["verdict"], "repairable");
    }
    world_.set(before_);
    const Outcome all = world_.write();
    EXPECT_EQ(all.lines_of("action").back()["role"], "super");
    EXPECT_EQ(world_.scrub().status, 0);
}

TEST_F(RepairTest, AWriteThatFailsIsNamedAndTheRestGoesOn) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const auto planned = places(world_.repair({}));
    for (size_t k = 0; k < planned.size(); k++) {
        SCOPED_TRACE(planned[k].dump());
        world_.set(before_);
        auto& disk = world_.disk("d" + std::to_string(planned[k]["devid"].get<uint64_t>()) + ".img");
        const uint64_t at = planned[k]["physical"];
        disk.fail_writes(at, at + planned[k]["length"].get<uint64_t>());
        const Outcome run = world_.write();
        EXPECT_EQ(run.status, 8);
        EXPECT_EQ(run.summary()["verdict"], "failed");
        EXPECT_TRUE(holds(run.err, std::to_string(at))) << run.err;
        const auto done = dones(run);
        ASSERT_EQ(done.size(), planned.size());
        for (size_t i = 0; i < done.size(); i++) EXPECT_EQ(done[i], i != k) << i;
        // The same journal tries it again once the disk is well; or undo gives all of it back.
        const auto failed = world_.state();
        disk.fail_writes(0, 0);
        EXPECT_EQ(world_.write().summary()["verdict"], "repaired");
        EXPECT_EQ(world_.scrub().status, 0);
        EXPECT_EQ(world_.undo().status, 0);
        EXPECT_TRUE(world_.devices_hold(before_));
        world_.set(failed);
        EXPECT_EQ(world_.undo().status, 0);
        EXPECT_TRUE(world_.devices_hold(before_));
    }
}

// An unfinished repair, and then a byte that neither it nor its plan left there.
TEST_F(RepairTest, StrangeBytesAreNeitherRepairedNorUndone) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    const auto planned = places(world_.repair({}));
    world_.write();
    const auto after = world_.state();
    for (const auto& action : planned) {
        if (action["role"] == "super") continue;
        world_.set(after);
        world_.disk("d" + std::to_string(action["devid"].get<uint64_t>()) + ".img")
            .flip(action["physical"].get<uint64_t>() + 100);
        const auto strange = world_.state();
        const Outcome undo = world_.undo();
        EXPECT_EQ(undo.status, 8);
        EXPECT_TRUE(holds(undo.err, "neither")) << undo.err;
        EXPECT_TRUE(world_.devices_hold(strange));
    }
}

TEST_F(RepairTest, JournalsThatAreDoneOrOfOthersAreRefused) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    ASSERT_EQ(world_.write().status, 1);
    const auto after = world_.state();
    Outcome again = world_.write();
    EXPECT_EQ(again.status, 8);
    EXPECT_TRUE(holds(again.err, "finished")) << again.err;
    EXPECT_TRUE(world_.devices_hold(after));
    // A device is no journal.
    const Outcome device = world_.repair({"--write", "--journal", world_.paths().front()});
    EXPECT_EQ(device.status, 8);
    EXPECT_TRUE(world_.devices_hold(after));
    ASSERT_EQ(world_.undo().status, 0);
    again = world_.write();
    EXPECT_EQ(again.status, 8);
    EXPECT_TRUE(holds(again.err, "undone")) << again.err;
    EXPECT_TRUE(world_.devices_hold(before_));
    const Outcome twice = world_.undo();
    EXPECT_EQ(twice.status, 0);
    EXPECT_EQ(twice.summary()["sectors_written"], 0);
}

// Each byte of a journal in turn is another one: undo gives back what was there, or refuses and touches nothing.
TEST_F(RepairTest, ADamagedJournalNeverDoesHarm) {
    if (!unpack("117-raid5x3-mixed-damaged")) GTEST_SKIP();
    ASSERT_EQ(world_.write().status, 1);
    const auto after = world_.state();
    const uint64_t size = world_.disk("journal").size();
    unsigned refused = 0;
    for (uint64_t at = 0; at < size; at += at < 1024 ? 1 : 97) {
        world_.set(after);
        world_.disk("journal").flip(at);
        const Outcome undo = world_.undo();
        if (undo.status == 0) {
            EXPECT_TRUE(world_.devices_hold(before_) || world_.devices_hold(after)) << "byte " << at;
        } else {
            EXPECT_EQ(undo.status, 8);
            EXPECT_TRUE(world_.devices_hold(after)) << "byte " << at;
            refused++;
        }
    }
    EXPECT_GT(refused, 100u);
}

TEST_F(RepairTest, UndoCutsNothingThatItsRepairDidNotLengthen) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    ASSERT_EQ(world_.write().status, 1);
    auto& disk = world_.disk("d1.img");
    const uint64_t size = disk.size();
    const std::vector<uint8_t> more(4096, 0x5a);
    disk.write(size, more);
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_EQ(disk.size(), size + more.size());
}

// A journal that wrote nothing to devid 4 knows nothing by which a file without a superblock could be devid 4.
TEST_F(RepairTest, UndoTakesNoFileForADeviceThatNothingTells) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    ASSERT_EQ(world_.repair({"--only", "super", "--write", "--journal", "journal"}).status, 1);
    world_.add("video", std::vector<uint8_t>(512 << 10, 0x77));
    const auto after = world_.state();
    const Outcome undo = world_.undo_on({"d1.img", "d2.img", "d3.img", "video"});
    EXPECT_EQ(undo.status, 8);
    EXPECT_TRUE(holds(undo.err, "video")) << undo.err;
    EXPECT_TRUE(world_.devices_hold(after));
    EXPECT_TRUE(world_.disk("video").holds(after.at("video")));
}

// Copy 0 contradicts the volume, copy 1 does not: one of them is wrong, not both.
TEST_F(RepairTest, AGoodSuperblockCopyIsNotHeldAgainstABadOne) {
    if (!unpack("001-demo-clean")) GTEST_SKIP();
    std::vector<uint8_t> block(4096);
    auto& disk = world_.disk("d1.img");
    ASSERT_EQ(disk.read(65536, block), 0);
    block[3130] = 0xff;  // behind everything that is decoded
    const auto digest = checksum::digest(CsumKind::crc32c, ByteView(block).subspan(32));
    std::copy_n(digest.begin(), 4, block.begin());
    ASSERT_EQ(disk.write(65536, block), 0);
    const auto hurt = world_.state();
    const Outcome repair = world_.write();
    EXPECT_EQ(repair.status, 1) << repair.err;
    ASSERT_EQ(repair.lines_of("action").size(), 1u) << repair.out;
    EXPECT_EQ(repair.lines_of("action")[0]["physical"], 65536);
    EXPECT_TRUE(world_.devices_hold(before_));
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(world_.devices_hold(hurt));
}

// Writes behind the end of an image that stays short are not made, and are not looked for.
TEST_F(RepairTest, UndoPassesOverWhatAShortImageDidNotGet) {
    if (!unpack("001-demo-clean")) GTEST_SKIP();
    unsigned written = 0;
    for (const auto& path : world_.paths()) {
        SCOPED_TRACE(path);
        world_.set(before_);
        hurt_like_the_damaged_one("Q");
        world_.disk(path).resize(5 << 20);
        const auto hurt = world_.state();
        const Outcome repair = world_.repair({"--only", "parity", "--write", "--journal", "journal"});
        written += sectors(repair, true) > 0 ? 1 : 0;
        EXPECT_GT(sectors(repair, false), 0u) << repair.err;
        const Outcome undo = world_.undo();
        EXPECT_EQ(undo.status, 0) << undo.err;
        EXPECT_TRUE(world_.devices_hold(hurt));
    }
    EXPECT_GT(written, 0u) << "the test proves nothing";
}

// A device to which nothing was written may be one that nothing tells any more; the others are put back without it.
TEST_F(RepairTest, UndoNeedsNoDeviceThatTheRepairLeftAlone) {
    if (!unpack("001-demo-clean")) GTEST_SKIP();
    unsigned left_alone = 0;
    for (const auto& path : world_.paths()) {
        SCOPED_TRACE(path);
        world_.set(before_);
        hurt_like_the_damaged_one("data");
        for (const uint64_t place : {uint64_t{65536}, uint64_t{64} << 20}) world_.disk(path).flip(place + 200);
        const auto hurt = world_.state();
        const Outcome repair = world_.repair({"--only", "data", "--write", "--journal", "journal"});
        ASSERT_GT(sectors(repair, true), 0u) << repair.err;
        auto others = world_.paths();
        std::erase(others, path);
        if (!world_.disk(path).holds(hurt.at(path))) {
            EXPECT_EQ(world_.undo_on(others).status, 8);
            continue;
        }
        left_alone++;
        const Outcome refused = world_.undo();
        EXPECT_EQ(refused.status, 8);
        EXPECT_TRUE(holds(refused.err, "leave it out")) << refused.err;
        const Outcome undo = world_.undo_on(others);
        EXPECT_EQ(undo.status, 0) << undo.err;
        EXPECT_TRUE(world_.devices_hold(hurt));
    }
    EXPECT_GT(left_alone, 0u) << "the test proves nothing";
    EXPECT_LT(left_alone, world_.paths().size());
}

TEST_F(RepairTest, AFileThatIsNoJournalIsLeftAlone) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    std::vector<uint8_t> notes(2000, 0);
    std::fill(notes.begin() + 600, notes.end(), uint8_t{'n'});
    for (const auto& bytes : {notes, std::vector<uint8_t>(100, 'x')}) {
        world_.set(before_);
        world_.add("notes", bytes);
        const auto with = world_.state();
        EXPECT_EQ(world_.write("notes").status, 8);
        EXPECT_EQ(world_.undo("notes").status, 8);
        EXPECT_TRUE(world_.devices_hold(before_));
        EXPECT_TRUE(world_.disk("notes").holds(with.at("notes")));
    }
}

// Beyond what parity can give back, free sectors that can be read stay as they are.
TEST_F(RepairTest, ReadableFreeSectorsAreNeverMadeUp) {
    for (const char* name : {"001-demo-clean", "009-raid5x4-xxhash-clean"}) {
        RepairWorld world;
        if (!world.unpack(name)) GTEST_SKIP();
        for (const auto& action : world.repair({"--distrust", "1", "--distrust", "3"}).lines_of("action"))
            EXPECT_NE(action["role"], "free") << name << action;
        for (const auto& action :
             world.repair({"--distrust", "1", "--distrust", "2", "--distrust", "3"}).lines_of("action"))
            EXPECT_NE(action["role"], "free") << name << action;
    }
}

TEST_F(RepairTest, AShortImageIsLengthenedOnlyWhereAllOfItsTailFollows) {
    if (!unpack("111-raid5x4-truncated")) GTEST_SKIP();
    const uint64_t size = world_.disk("d2.img").size();
    const size_t writes = places(world_.repair({})).size();
    for (const size_t most : {writes - 1, writes / 2, size_t{1}}) {
        world_.set(before_);
        const Outcome some = world_.repair({"--max-writes", std::to_string(most), "--write", "--journal", "journal"});
        EXPECT_EQ(some.summary()["verdict"], "repairable") << some.err;
        EXPECT_EQ(world_.disk("d2.img").size(), size) << most;
    }
}

// A write behind the old end would give it a length in between, which no undo takes back.
TEST_F(RepairTest, NothingIsWrittenWhereAShortImageCannotBeLengthened) {
    if (!unpack("111-raid5x4-truncated")) GTEST_SKIP();
    auto& disk = world_.disk("d2.img");
    disk.limit_length(disk.size());
    const Outcome failed = world_.write();
    EXPECT_EQ(failed.status, 8);
    EXPECT_TRUE(holds(failed.err, "File too large")) << failed.err;
    EXPECT_TRUE(world_.devices_hold(before_));

    disk.limit_length(UINT64_MAX);
    EXPECT_EQ(world_.write().status, 1);
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(world_.devices_hold(before_));
}

// Its writes behind the new end would fail one by one, after the others were made.
TEST_F(RepairTest, NothingIsDoneToADeviceThatWasCutShortSinceTheJournalWasMade) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    constexpr auto kCut = "d4.img";
    const auto cut = [&](const RepairWorld::State& whole) {
        auto state = whole;
        state.at(kCut).size -= 4096;
        world_.set(state);
        return state;
    };
    const auto is_refused = [&](const Outcome& refused, const RepairWorld::State& before) {
        EXPECT_EQ(refused.status, 8);
        EXPECT_TRUE(holds(refused.err, "cut short")) << refused.err;
        EXPECT_TRUE(world_.devices_hold(before));
    };
    world_.disk(kCut).break_at(0);
    ASSERT_EQ(world_.write().status, 8);
    world_.disk(kCut).mend();
    const auto unfinished = world_.state();
    const auto shorter = cut(unfinished);
    is_refused(world_.undo(), shorter);
    is_refused(world_.write(), shorter);

    world_.set(unfinished);
    EXPECT_EQ(world_.write().status, 1);
    const auto done = world_.state();
    const auto short_one = cut(done);
    is_refused(world_.undo(), short_one);

    // Told by what the journal wrote.
    cut(done);
    for (const uint64_t place : {uint64_t{65536}, uint64_t{64} << 20}) world_.disk(kCut).flip(place + 200);
    const auto nameless = world_.state();
    is_refused(world_.undo(), nameless);

    world_.set(done);
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(world_.devices_hold(before_));
}

// As on a loop device over it, which ends with a whole sector, or a disk that it was put back to.
TEST_F(RepairTest, WhatAnImageHadBehindItsFileSystemIsNotMissed) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    auto& disk = world_.disk("d4.img");
    auto longer = before_;
    const uint64_t size = longer.at("d4.img").size;
    longer.at("d4.img").size = size + 100;
    world_.set(longer);
    ASSERT_EQ(world_.write().status, 1);
    auto repaired = world_.state();
    repaired.at("d4.img").size = size;
    world_.set(repaired);
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(disk.holds(before_.at("d4.img")));
}

TEST_F(RepairTest, UsageIsChecked) {
    if (!unpack(kDamaged)) GTEST_SKIP();
    for (const std::vector<std::string>& options : {std::vector<std::string>{"--write"},
                                                    {"--journal", "j"},
                                                    {"--write", "--journal", "j", "--save-plan", "p"},
                                                    {"--plan", "p", "--save-plan", "q"},
                                                    {"--plan", "p", "--no-checksum", "trust-data"},
                                                    {"--only", "everything"},
                                                    {"--max-writes", "-1"},
                                                    {"--no-checksum", "guess"}}) {
        EXPECT_EQ(world_.repair(options).status, 16) << options.front();
        EXPECT_TRUE(world_.devices_hold(before_));
    }
}

}  // namespace
}  // namespace raid56::cmd
