// SPDX-License-Identifier: GPL-2.0-or-later
// Lost devices of whole images written anew: what comes out is what was lost; what cannot be had is said; what
// speaks against it is refused before anything is written.
#include <gtest/gtest.h>

#include <cerrno>

#include "repair_world.h"

namespace raid56::cmd {
namespace {

class RebuildTest : public ::testing::Test {
  protected:
    bool unpack(const std::string& name) {
        if (!world_.unpack(name)) return false;
        before_ = world_.state();
        return true;
    }
    Outcome rebuild(const std::string& lost, std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"--onto", lost.substr(1, 1) + "=target"});
        return world_.rebuild({lost}, more);
    }
    std::vector<uint8_t> bytes(const std::string& path, uint64_t physical, uint64_t length) {
        std::vector<uint8_t> all(length);
        EXPECT_EQ(world_.disk(path).read(physical, all), 0);
        return all;
    }
    /// Of one and the other, within that part of a device: sectors that differ.
    std::vector<uint64_t> differing(const std::string& a, const std::string& b, uint64_t from, uint64_t length,
                                    uint64_t sector) {
        std::vector<uint64_t> all;
        constexpr uint64_t kPiece = 1 << 20;
        for (uint64_t at = from; at < from + length; at += kPiece) {
            const uint64_t size = std::min(kPiece, from + length - at);
            const auto left = bytes(a, at, size), right = bytes(b, at, size);
            if (left == right) continue;
            for (uint64_t i = 0; i < size; i += sector)
                if (!std::equal(left.begin() + static_cast<ptrdiff_t>(i),
                                left.begin() + static_cast<ptrdiff_t>(i + sector),
                                right.begin() + static_cast<ptrdiff_t>(i)))
                    all.push_back(at + i);
        }
        return all;
    }
    /// In all parts that the run says to have written on that device.
    std::vector<uint64_t> differing(const std::string& lost, const std::string& target, const Outcome& run) {
        std::vector<uint64_t> all;
        const uint64_t sector = run.lines_of("volume")[0]["sectorsize"], devid = std::stoul(lost.substr(1));
        for (const auto& action : run.lines_of("action")) {
            if (action["devid"] != devid) continue;
            const auto found = differing(lost, target, action["physical"], action["length"],
                                         action["role"] == "super" ? 4096 : sector);
            all.insert(all.end(), found.begin(), found.end());
        }
        return all;
    }
    void expect_untouched() {
        for (const auto& path : world_.paths()) EXPECT_TRUE(world_.disk(path).holds(before_.at(path))) << path;
    }

    RepairWorld world_;
    RepairWorld::State before_;
};

// ---- what comes out

class RebuildOf : public RebuildTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(RebuildOf, ACleanImageGivesBackEachDeviceAsItWas) {
    if (!unpack(GetParam())) GTEST_SKIP() << GetParam() << " cannot be unpacked here";
    const Outcome scrub = world_.scrub();
    ASSERT_EQ(scrub.status, 0);
    for (const auto& lost : {world_.paths().front(), world_.paths().back()}) {
        SCOPED_TRACE(lost);
        world_.set(before_);
        const Outcome run = rebuild(lost);
        ASSERT_EQ(run.status, 0) << run.err;
        EXPECT_EQ(run.lines_of("damage").size(), 0u);
        const Json summary = run.summary();
        EXPECT_EQ(summary["verdict"], "done");
        EXPECT_EQ(differing(lost, "target", run), std::vector<uint64_t>());
        expect_untouched();
        EXPECT_FALSE(world_.exists("target.rebuild"));

        uint64_t sectors = 0;
        const uint64_t sector = run.lines_of("volume")[0]["sectorsize"];
        for (const auto& action : run.lines_of("action")) {
            EXPECT_EQ(action["done"], true);
            EXPECT_FALSE(action.contains("proof"));
            sectors += action["role"] == "super" ? 1 : action["length"].get<uint64_t>() / sector;
        }
        EXPECT_EQ(summary["sectors_written"], sectors);
        EXPECT_GT(sectors, 1000u);

        const Outcome after = world_.scrub_with(lost, "target");
        EXPECT_EQ(after.status, 0) << after.out;
        for (const char* counter : {"data_bytes_verified", "no_checksum_bytes", "tree_bytes_verified", "rows_checked"})
            EXPECT_EQ(after.summary()[counter], scrub.summary()[counter]) << counter;
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, RebuildOf,
                         ::testing::Values("002-raid5x2-sha256-clean", "004-raid6x5-bgt-clean",
                                           "006-raid6x4-sector16k-clean", "007-raid5x3-mixed-clean",
                                           "008-raid6x4-log-clean"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST_F(RebuildTest, TwoDevicesAtOnceAreBothAsTheyWere) {
    if (!unpack("005-raid6x3-blake2b-clean")) GTEST_SKIP() << "cannot be unpacked here";
    const Outcome run = world_.rebuild({"d1.img", "d3.img"}, {"--onto", "3=three", "--onto", "1=one"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(differing("d1.img", "one", run), std::vector<uint64_t>());
    EXPECT_EQ(differing("d3.img", "three", run), std::vector<uint64_t>());
    const auto actions = run.lines_of("action");
    ASSERT_GT(actions.size(), 2u);
    EXPECT_EQ(actions.front()["devid"], 3) << "in the order of --onto";
    EXPECT_EQ(actions.back()["devid"], 1);
    EXPECT_FALSE(world_.exists("three.rebuild"));
}

TEST_F(RebuildTest, OneOfTwoLeavesTheOtherMissing) {
    if (!unpack("005-raid6x3-blake2b-clean")) GTEST_SKIP() << "cannot be unpacked here";
    const Outcome run = world_.rebuild({"d1.img", "d3.img"}, {"--onto", "1=one"});
    EXPECT_EQ(run.status, 1) << run.err;
    EXPECT_EQ(run.summary()["verdict"], "repairable");
    EXPECT_EQ(differing("d1.img", "one", run), std::vector<uint64_t>());
    for (const auto& damage : run.lines_of("damage")) EXPECT_EQ(damage["devid"], 3) << damage;
}

TEST_F(RebuildTest, SurvivorsAreHeldAndNothingElse) {
    if (!unpack("007-raid5x3-mixed-clean")) GTEST_SKIP() << "cannot be unpacked here";
    ASSERT_EQ(rebuild("d2.img").status, 0);
    EXPECT_EQ(world_.held, (std::vector<std::string>{"d1.img", "d3.img"}));
}

// Damage on the others is told and stays; the new device is as the lost one was, where that was right.
// Image files can be mounted through loop devices, whoever has them open.
TEST_F(RebuildTest, SurvivorsThatSomebodyBeginsToUseGetNoNewMember) {
    if (!unpack("007-raid5x3-mixed-clean")) GTEST_SKIP() << "cannot be unpacked here";
    unsigned asked = 0;
    world_.still_free = [&]() -> Result<void> {
        return ++asked > 2 ? Result<void>(Error{"d1.img: is in use: somebody mounted it"}) : Result<void>();
    };
    const Outcome run = rebuild("d2.img");
    EXPECT_EQ(run.status, 8);
    EXPECT_TRUE(holds(run.err, "somebody mounted it")) << run.err;
    EXPECT_GT(asked, 2u) << "once at the beginning, once at the end";
    EXPECT_NE(bytes("target", 0x10000, 4096), bytes("d2.img", 0x10000, 4096));
    EXPECT_EQ(bytes("target", 0x4000000, 4096), std::vector<uint8_t>(4096)) << "nor any other copy";
}

TEST_F(RebuildTest, SurvivorsWithAnotherSuperblockGetNoNewMember) {
    if (!unpack("007-raid5x3-mixed-clean")) GTEST_SKIP() << "cannot be unpacked here";
    unsigned asked = 0;
    world_.still_free = [&]() -> Result<void> {
        if (++asked == 3) world_.disk("d1.img").flip(0x10000 + 72);  // its generation, as if it had been written to
        return {};
    };
    const Outcome run = rebuild("d2.img");
    EXPECT_EQ(run.status, 8);
    EXPECT_TRUE(holds(run.err, "d1.img: was changed by somebody else")) << run.err;
    EXPECT_NE(bytes("target", 0x10000, 4096), bytes("d2.img", 0x10000, 4096));
}

TEST_F(RebuildTest, DamageOnTheOthersIsTold) {
    if (!unpack("001-demo-clean")) GTEST_SKIP() << "cannot be unpacked here";
    const Outcome clean = rebuild("d2.img");
    ASSERT_EQ(clean.status, 0);
    world_.set(before_);
    constexpr uint64_t hurt = 67174400;  // data with a checksum: the place that 100-demo-damaged names
    world_.disk("d3.img").flip(hurt + 100);
    const auto damaged = world_.state();
    const Outcome scrub = world_.scrub();
    ASSERT_EQ(scrub.status, 1);
    const Outcome run = rebuild("d2.img");
    EXPECT_EQ(run.status, 1) << run.err;
    EXPECT_EQ(run.summary()["verdict"], "repairable");
    ASSERT_EQ(run.lines_of("damage").size(), 1u);
    EXPECT_EQ(run.lines_of("damage")[0]["devid"], 3);
    EXPECT_EQ(run.lines_of("damage")[0]["physical"], hurt);
    EXPECT_EQ(differing("d2.img", "target", run), std::vector<uint64_t>());
    EXPECT_TRUE(world_.disk("d3.img").holds(damaged.at("d3.img"))) << "only read";
}

// ---- reads that fail

/// What a scrub of all devices, now healthy, finds on the new one lies where the rebuild said that it lacks something.
void expect_told(const Outcome& run, const Outcome& scrub, uint64_t devid) {
    std::vector<std::pair<uint64_t, uint64_t>> said;
    for (const auto& damage : run.lines_of("damage"))
        if (damage["devid"] == devid && damage["repairable"] != true)
            said.push_back({damage["physical"], damage["physical"].get<uint64_t>() + damage["length"].get<uint64_t>()});
    for (const auto& damage : scrub.lines_of("damage")) {
        const uint64_t from = damage["physical"], to = from + damage["length"].get<uint64_t>();
        const bool covered = damage["devid"] == devid && std::any_of(said.begin(), said.end(), [&](const auto& range) {
                                 return range.first < to && from < range.second;
                             });
        EXPECT_TRUE(covered || damage["role"] == "P" || damage["role"] == "Q") << damage;
    }
}

TEST_F(RebuildTest, ReadsThatFailOnceEachInTurn) {
    if (!unpack("007-raid5x3-mixed-clean")) GTEST_SKIP() << "cannot be unpacked here";
    for (const auto& path : {"d1.img", "d3.img"}) world_.hurt[path] = [](device::FaultDevice&) {};
    const Outcome whole = rebuild("d2.img");
    ASSERT_EQ(whole.status, 0) << whole.err;
    const auto target = world_.disk("target").content();
    std::map<std::string, size_t> reads;
    for (const auto& [path, device] : world_.hurt_devices) reads[path] = device->log().size();
    for (const auto& [path, all] : reads) {
        ASSERT_GT(all, 20u);
        for (size_t i = 0; i < 24; i++) {
            const size_t k = i < 12 ? i : i * all / 24;
            SCOPED_TRACE("read " + std::to_string(k) + " of " + path + " fails");
            world_.set(before_);
            world_.hurt = {{path, [&](device::FaultDevice& device) { device.fail_call(k, EIO); }}};
            const Outcome run = rebuild("d2.img");
            EXPECT_TRUE(run.status == 0 || run.status == 1 || run.status == 4 || run.status == 8) << run.status;
            run.summary();
            world_.hurt.clear();
            if (run.status == 8) {
                EXPECT_TRUE(holds(run.err, "btrfs-raid56: ")) << run.err;
                EXPECT_EQ(run.summary()["sectors_written"], 0);
                continue;
            }
            if (run.status == 0) EXPECT_TRUE(world_.disk("target").holds(target)) << "all is well, it says";
            expect_told(run, world_.scrub_with("d2.img", "target"), 2);
            if (HasFailure()) return;
        }
    }
}

// For good: sectors all over one survivor. With one parity they are lost on the new device, with two nothing is.
TEST_F(RebuildTest, SectorsThatCannotBeReadOnRaid5) {
    if (!unpack("002-raid5x2-sha256-clean")) GTEST_SKIP() << "cannot be unpacked here";
    const Outcome clean = rebuild("d2.img");
    ASSERT_EQ(clean.status, 0);
    world_.set(before_);
    // Both devices have the parts of a chunk at the same places. Trees stay whole: all that is lost can be named.
    world_.hurt = {{"d1.img", [&](device::FaultDevice& device) {
                        for (const auto& part : clean.lines_of("action"))
                            for (uint64_t at = 0; part["role"] == "data" && at < part["length"]; at += 7 * 4096)
                                device.fail_range(part["physical"].get<uint64_t>() + at, 4096, EIO);
                    }}};
    const Outcome run = rebuild("d2.img");
    EXPECT_EQ(run.lines_of("unknown").size(), 0u);
    EXPECT_EQ(run.status, 4) << run.err;
    EXPECT_EQ(run.summary()["verdict"], "unrepairable");
    EXPECT_GT(run.summary()["unrepairable_sectors"], 0);
    EXPECT_GT(run.lines_of("action").size(), 0u) << "complete but for that";
    world_.hurt.clear();
    const Outcome scrub = world_.scrub_with("d2.img", "target");
    EXPECT_NE(scrub.status, 0) << "nobody invents what was lost";
    expect_told(run, scrub, 2);
}

TEST_F(RebuildTest, SectorsThatCannotBeReadOnRaid6) {
    if (!unpack("001-demo-clean")) GTEST_SKIP() << "cannot be unpacked here";
    world_.hurt = {{"d3.img", [](device::FaultDevice& device) {
                        for (uint64_t at = uint64_t{1} << 20; at < uint64_t{150} << 20; at += 7 * 4096)
                            device.fail_range(at, 4096, EIO);
                    }}};
    const Outcome run = rebuild("d2.img");
    EXPECT_EQ(run.status, 1) << run.err;
    EXPECT_EQ(run.summary()["unrepairable_sectors"], 0);
    EXPECT_GT(run.summary()["unreadable_sectors"], 0);
    for (const auto& damage : run.lines_of("damage")) EXPECT_EQ(damage["devid"], 3) << damage;
    EXPECT_EQ(differing("d2.img", "target", run), std::vector<uint64_t>()) << "both parities are used";
}

// ---- refused

class RebuildRefused : public RebuildTest {
  protected:
    void SetUp() override {
        if (!unpack("007-raid5x3-mixed-clean")) GTEST_SKIP() << "cannot be unpacked here";
    }
    void expect_refused(const Outcome& run, const std::string& why, const std::vector<std::string>& left = {}) {
        EXPECT_EQ(run.status, 8);
        EXPECT_TRUE(holds(run.err, why)) << run.err;
        EXPECT_EQ(run.summary()["verdict"], "failed");
        expect_untouched();
        for (const auto& [path, content] : world_.state()) {
            const bool known = before_.contains(path) || std::find(left.begin(), left.end(), path) != left.end();
            EXPECT_TRUE(known) << path << " is left behind";
        }
    }
    static std::vector<uint8_t> noise(size_t size) {
        std::vector<uint8_t> bytes(size);
        for (size_t i = 0; i < size; i++) bytes[i] = static_cast<uint8_t>(i * 31 + i / 256);
        return bytes;
    }
};

TEST_F(RebuildRefused, WhatIsNotMissing) {
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "1=target"}), "that device is there (d1.img)");
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "7=target"}), "no such device (missing: 2)");
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=a", "--onto", "2=b"}), "is given twice");
    expect_refused(world_.rebuild({}, {"--onto", "2=target"}), "that device is there");
}

TEST_F(RebuildRefused, MoreThanTheChunksBear) {
    expect_refused(world_.rebuild({"d2.img", "d3.img"}, {"--onto", "2=target"}), "");
}

TEST_F(RebuildRefused, ATargetThatIsReadOrTooShort) {
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=d1.img"}),
                   "d1.img: is, or shares storage with, d1.img, which is read");
    world_.add("short", noise(4096));
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=short"}), "short: ", {"short"});
}

TEST_F(RebuildRefused, ATargetThatHoldsSomethingUnlessForced) {
    // The lost device itself, and another's copy.
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=d2.img"}), "is devid 2 of this file system already");
    std::vector<uint8_t> other = bytes("d1.img", 0, 0x11000);
    other.resize(world_.disk("d1.img").size());
    world_.add("other", other);
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=other"}), "other: holds a btrfs; --force", {"other"});
    world_.signatures["other"] = {"ext4", 1080, 2};
    world_.disk("other").zero(0x10000, 4096);
    world_.disk("other").write(1080, noise(2));
    world_.disk("other").sync();
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=other"}), "other: holds something (ext4); --force",
                   {"other"});
    const Outcome run = world_.rebuild({"d2.img"}, {"--onto", "2=other", "--force"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(differing("d2.img", "other", run), std::vector<uint64_t>());
    EXPECT_EQ(bytes("other", 0, 0x10000), std::vector<uint8_t>(0x10000)) << "what it held is gone";
}

// ---- state files

TEST_F(RebuildRefused, AStateFileOfSomethingElse) {
    world_.add("target.rebuild", noise(700));
    expect_refused(rebuild("d2.img"), "target.rebuild: does not say how far a run came", {"target.rebuild"});
    expect_refused(rebuild("d2.img", {"--restart"}), "target.rebuild: does not say", {"target.rebuild"});
    EXPECT_EQ(bytes("target.rebuild", 0, 700), noise(700)) << "it stays";
}

TEST_F(RebuildRefused, ARunThatIsBoundToOthersUntilItIsRestarted) {
    // Cut off after a while.
    world_.power.cut_at(40);
    EXPECT_THROW(rebuild("d2.img"), test::PowerCut);
    world_.power.never_cut();
    const std::vector<std::string> left = {"target", "target.rebuild"};
    const auto begun = world_.state();
    expect_refused(rebuild("d2.img", {"--distrust", "1"}), "target.rebuild: is of a rebuild from or onto other", left);
    expect_refused(world_.rebuild({"d1.img"}, {"--onto", "1=target"}), "target.rebuild: is of a rebuild from or onto",
                   left);
    expect_refused(world_.rebuild({"d2.img"}, {"--onto", "2=elsewhere", "--state", "target.rebuild"}),
                   "elsewhere: is not there, and was begun", left);
    // Another target in its place does not carry the mark.
    world_.disk("target").write(0x10000, std::vector<uint8_t>(4096));
    expect_refused(rebuild("d2.img"), "target: is not what target.rebuild says was begun", left);
    const Outcome anew = rebuild("d2.img", {"--restart"});
    EXPECT_EQ(anew.status, 0) << anew.err;
    EXPECT_EQ(differing("d2.img", "target", anew), std::vector<uint64_t>());
    // And as it was left the same command goes on.
    world_.set(begun);
    const Outcome on = rebuild("d2.img");
    EXPECT_EQ(on.status, 0) << on.err;
    EXPECT_TRUE(holds(on.err, "a rebuild that was begun is gone on with")) << on.err;
    EXPECT_EQ(differing("d2.img", "target", on), std::vector<uint64_t>());
}

}  // namespace
}  // namespace raid56::cmd
