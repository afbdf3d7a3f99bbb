// SPDX-License-Identifier: GPL-2.0-or-later
// Repair where something that speaks for the whole file system is in doubt: superblocks that contradict each other,
// a log tree that cannot be had.
#include <gtest/gtest.h>

#include "format/superblock.h"
#include "repair_world.h"
#include "support/super_image.h"

namespace raid56::cmd {
namespace {

constexpr uint64_t kSector = 4096;

std::string image_of(uint64_t devid) { return "d" + std::to_string(devid) + ".img"; }

// ---- superblocks, half against half

class HalfAgainstHalf : public ::testing::Test {
  protected:
    /// Devices 3 and 4 say another label than 1 and 2, in every copy, sealed; and some data is damaged.
    void SetUp() override {
        if (!world_.unpack("001-demo-clean")) GTEST_SKIP();
        whole_ = world_.state();
        for (const uint64_t devid : {3, 4}) relabel(devid);
        world_.disk("d3.img").flip(kData + 100);
        damaged_ = world_.state();
    }
    void relabel(uint64_t devid) {
        auto& disk = world_.disk(image_of(devid));
        for (const uint64_t offset : format::kSuperOffsets) {
            if (offset + format::kSuperSize > disk.size()) continue;
            test::Bytes block(format::kSuperSize);
            ASSERT_EQ(disk.read(offset, block), 0);
            block[test::super_at::kLabel] ^= 1;
            test::sign(block);
            ASSERT_EQ(disk.write(offset, block), 0);
            ASSERT_EQ(disk.sync(), 0);
        }
    }

    static constexpr uint64_t kData = 67174400;  // of devid 3: a sector with a checksum
    RepairWorld world_;
    RepairWorld::State whole_, damaged_;
};

TEST_F(HalfAgainstHalf, NothingIsWrittenAndTheReasonSaid) {
    for (const auto& run : {world_.repair({}), world_.write()}) {
        EXPECT_EQ(run.status, 4);
        EXPECT_EQ(run.summary()["verdict"], "undecided");
        EXPECT_EQ(run.summary()["sectors_written"], 0);
        EXPECT_TRUE(run.lines_of("action").empty());
        EXPECT_TRUE(holds(run.err, "contradict")) << run.err;
        EXPECT_TRUE(holds(run.err, "--distrust")) << run.err;
        EXPECT_TRUE(world_.devices_hold(damaged_));
        // Each copy of each device may be the wrong one.
        bool any_data = false;
        for (const auto& damage : run.lines_of("damage")) {
            any_data = any_data || damage["role"] == "data";
            if (damage["role"] == "super") EXPECT_TRUE(damage["repairable"].is_null()) << damage;
        }
        EXPECT_TRUE(any_data) << "there is something that a repair would have written";
    }
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(world_.devices_hold(damaged_));
}

TEST_F(HalfAgainstHalf, TheUsersWordDecidesEitherWay) {
    Outcome run = world_.repair({"--distrust", "3", "--distrust", "4", "--write", "--journal", "journal"});
    EXPECT_EQ(run.summary()["verdict"], "repaired") << run.err;
    EXPECT_TRUE(world_.devices_hold(whole_));
    EXPECT_EQ(world_.scrub().status, 0);
    EXPECT_EQ(world_.undo().status, 0);
    EXPECT_TRUE(world_.devices_hold(damaged_));

    world_.set(whole_);
    for (const uint64_t devid : {1, 2, 3, 4}) relabel(devid);
    const auto relabelled = world_.state();
    world_.set(damaged_);
    run = world_.repair({"--distrust", "1", "--distrust", "2", "--write", "--journal", "journal"});
    EXPECT_EQ(run.summary()["verdict"], "repaired") << run.err;
    EXPECT_TRUE(world_.devices_hold(relabelled));
    EXPECT_EQ(world_.scrub().status, 0);
}

// ---- a log tree that cannot be had

// The same file system with its log, and with a block of that log lost.
constexpr const char* kWithLog = "008-raid6x4-log-clean";
constexpr const char* kWithoutLog = "116-raid6x4-log-lost";

class LogLost : public ::testing::TestWithParam<uint64_t> {
  protected:
    using Places = std::map<uint64_t, std::string>;  // role of a sector, by where it lies

    void SetUp() override {
        if (!whole_.unpack(kWithLog) || !lost_.unpack(kWithoutLog)) GTEST_SKIP();
    }
    std::string image() const { return image_of(GetParam()); }

    /// Sectors of the device that a repair writes.
    Places places(const Outcome& run) const {
        Places all;
        for (const auto& action : run.lines_of("action"))
            for (uint64_t at = 0; action["devid"] == GetParam() && at < action["length"]; at += kSector)
                all[action["physical"].get<uint64_t>() + at] = action["role"];
        return all;
    }
    static Places free_ones(Places places) {
        std::erase_if(places, [](const auto& place) { return place.second != "free"; });
        return places;
    }
    /// All of the device but its superblocks cannot be read.
    void lose(RepairWorld& world) const {
        for (const Range part : {Range{1 << 20, 64 << 20}, Range{65 << 20, world.disk(image()).size()}})
            world.disk(image()).lose(part.start, part.end);
    }
    /// Sectors of a disk that were written between two states.
    static std::set<uint64_t> written(const test::CutDisk::Content& before, const test::CutDisk::Content& after) {
        std::set<uint64_t> all;
        for (const auto& [number, unit] : after.units) {
            const auto then = before.units.find(number);
            if (then == before.units.end() || then->second != unit) all.insert(number * 512 / kSector * kSector);
        }
        return all;
    }
    /// Sectors of the device that are named as damage and not as repairable.
    std::set<uint64_t> given_up(const Outcome& run) const {
        std::set<uint64_t> all;
        for (const auto& damage : run.lines_of("damage"))
            for (uint64_t at = 0; damage["devid"] == GetParam() && damage["length"] < 1 << 20 && at < damage["length"];
                 at += kSector)
                if (damage["repairable"] != true) all.insert(damage["physical"].get<uint64_t>() + at);
        return all;
    }

    /// `wanted`: what a repair writes that has the log. Repairs without it; returns that run.
    Outcome check(const Places& wanted, const std::vector<std::string>& options) {
        EXPECT_GT(free_ones(wanted).size(), 3u) << "with the log free sectors are written: the test proves something";
        const auto before = lost_.state();
        auto words = options;
        words.insert(words.end(), {"--write", "--journal", "journal"});
        const Outcome run = lost_.repair(words);
        const auto unknown = run.lines_of("unknown");
        EXPECT_EQ(std::count_if(unknown.begin(), unknown.end(), [](const Json& u) { return u["cause"] == "log-tree"; }),
                  1);
        EXPECT_EQ(run.status, 4);
        EXPECT_NE(run.summary()["verdict"], "repaired");

        const auto done = places(run);
        const auto after = lost_.state();
        EXPECT_GT(done.size(), 50u);
        for (const auto& action : run.lines_of("action")) EXPECT_TRUE(action["done"]) << action;
        std::set<uint64_t> planned;
        for (const auto& [at, role] : done) planned.insert(at);
        for (const auto& path : lost_.paths())
            EXPECT_EQ(written(before.at(path), after.at(path)), path == image() ? planned : std::set<uint64_t>{});
        for (const auto& [at, role] : done) EXPECT_NE(role, "free") << at;
        for (const auto& [at, role] : free_ones(wanted)) EXPECT_FALSE(planned.contains(at)) << at;
        size_t put_right = 0;
        for (const auto& [at, role] : wanted)
            put_right += planned.contains(at) && (role == "data" || role == "tree") ? 1 : 0;
        EXPECT_GT(put_right, 50u);
        EXPECT_EQ(lost_.undo().status, 0);
        return run;
    }

    RepairWorld whole_, lost_;
};

TEST_P(LogLost, UnreadableFreeSectorsAreNotWrittenAndWhatIsProvenIs) {
    lose(whole_);
    lose(lost_);
    const auto wanted = places(whole_.repair({}));
    const Outcome run = check(wanted, {});
    // What cannot be read is written or said to be lost or undecided, none of it forgotten.
    const auto written = places(run);
    const auto named = given_up(run);
    for (const auto& [at, role] : wanted)
        if (role != "P" && role != "Q") EXPECT_TRUE(written.contains(at) || named.contains(at)) << role << " " << at;
}

TEST_P(LogLost, FreeSectorsOfADistrustedDeviceAreNotWrittenAndWhatIsProvenIs) {
    lose(whole_);
    const auto all = places(whole_.repair({}));
    RepairWorld whole;
    ASSERT_TRUE(whole.unpack(kWithLog));
    for (auto* world : {&whole, &lost_})
        for (const auto& [at, role] : all) world->disk(image()).flip(at + 5);
    const auto before = lost_.state();
    const std::vector<std::string> distrust = {"--distrust", std::to_string(GetParam())};
    check(places(whole.repair(distrust)), distrust);
    EXPECT_TRUE(lost_.devices_hold(before)) << "undone";
}

INSTANTIATE_TEST_SUITE_P(Devices, LogLost, ::testing::Values(2, 3));

}  // namespace
}  // namespace raid56::cmd
