// SPDX-License-Identifier: GPL-2.0-or-later
// A rebuild that loses power, or whose target or state file can be written no more, at one operation after the
// other: the same command then ends with what an uninterrupted run has written and said.
#include <gtest/gtest.h>

#include "repair_world.h"

namespace raid56::cmd {
namespace {

using test::Unsynced;

constexpr Unsynced kUnsynced[] = {Unsynced::kept, Unsynced::dropped, Unsynced::torn};
constexpr uint64_t kEnds = 12;   // operations at the beginning and at the end that are all cut
constexpr uint64_t kMiddle = 8;  // of those between, which are much alike

struct Case {
    const char* image;
    const char* lost;
    const char* devid;
    int status;
};

// Without what may differ between a run in one go and in several.
std::vector<Json> told(const Outcome& run) {
    auto lines = run.lines();
    for (auto& line : lines)
        for (const char* field : {"seconds", "bytes_read", "engine"}) line.erase(field);
    return lines;
}

class RebuildCut : public ::testing::TestWithParam<Case> {
  protected:
    void SetUp() override {
        if (!world_.unpack(GetParam().image)) GTEST_SKIP() << GetParam().image << " cannot be unpacked here";
        before_ = world_.state();
        world_.power.never_cut();
        whole_ = rebuild();
        ASSERT_EQ(whole_.status, GetParam().status) << whole_.err;
        operations_ = world_.power.used();
        ASSERT_GT(operations_, 2 * kEnds);
        target_ = world_.disk("target").content();
        expect_rest();
        ASSERT_FALSE(HasFailure()) << whole_.out;
    }

    Outcome rebuild() {
        return world_.rebuild({GetParam().lost}, {"--onto", std::string(GetParam().devid) + "=target"});
    }
    std::vector<uint64_t> chosen(uint64_t all) const {
        std::vector<uint64_t> numbers;
        for (uint64_t n = 0; n < all; n++) {
            const uint64_t middle = all - 2 * std::min(kEnds, all / 2);
            const bool at_an_end = n < kEnds || n + kEnds >= all;
            if (at_an_end || (n - kEnds) % std::max<uint64_t>(1, middle / kMiddle) == 0) numbers.push_back(n);
        }
        return numbers;
    }
    /// No device was written to, and the state file is gone.
    void expect_rest() {
        EXPECT_TRUE(world_.devices_hold(before_));
        EXPECT_FALSE(world_.exists("target.rebuild"));
    }
    void expect_completed(const Outcome& again) {
        EXPECT_EQ(again.status, GetParam().status) << again.err;
        EXPECT_EQ(told(again), told(whole_));
        EXPECT_TRUE(world_.disk("target").holds(target_));
        expect_rest();
    }
    /// How often a file is changed or synced in one go.
    uint64_t changes_of(const std::string& path) {
        world_.break_at = {{path, UINT64_MAX}};
        world_.keep_removed = true;
        rebuild();
        world_.keep_removed = false;
        world_.break_at.clear();
        return world_.disk(path).changes();
    }
    /// Whether copy 0 of the target is a superblock.
    bool is_member() {
        if (!world_.exists("target") || world_.disk("target").size() < 0x11000) return false;
        std::vector<uint8_t> magic(8);
        EXPECT_EQ(world_.disk("target").read(0x10040, magic), 0);
        return std::string(magic.begin(), magic.end()) == "_BHRfS_M";
    }

    RepairWorld world_;
    RepairWorld::State before_;
    Outcome whole_;
    uint64_t operations_ = 0;
    test::CutDisk::Content target_;
};

TEST_P(RebuildCut, CutOffAnywhereTheSameCommandCompletesIt) {
    RecordProperty("operations", static_cast<int>(operations_));
    for (const uint64_t n : chosen(operations_)) {
        world_.set(before_);
        world_.power.cut_at(n);
        EXPECT_THROW(rebuild(), test::PowerCut);
        world_.power.never_cut();
        std::vector<RepairWorld::State> crashed;
        for (const Unsynced unsynced : kUnsynced)
            crashed.push_back(world_.after_cut(unsynced, static_cast<uint32_t>(n)));
        for (const auto& state : crashed) {
            SCOPED_TRACE("cut at operation " + std::to_string(n) + " of " + std::to_string(operations_) + ", mode " +
                         std::to_string(&state - crashed.data()));
            world_.set(state);
            if (n + 2 < operations_) EXPECT_FALSE(is_member()) << "before everything else is on stable storage";
            expect_completed(rebuild());
            if (HasFailure()) return;
        }
    }
}

// A write that fails, and all behind it: of the target or of the state file, one after the other.
TEST_P(RebuildCut, AfterAFailedWriteTheSameCommandCompletesIt) {
    for (const std::string broken : {"target", "target.rebuild"}) {
        world_.set(before_);
        const uint64_t all = changes_of(broken);
        ASSERT_GT(all, 3u);
        for (const uint64_t k : chosen(all)) {
            SCOPED_TRACE("change " + std::to_string(k) + " of " + std::to_string(all) + " of " + broken + " fails");
            world_.set(before_);
            world_.break_at = {{broken, k}};
            const Outcome failed = rebuild();
            world_.break_at.clear();
            EXPECT_EQ(failed.status, 8);
            EXPECT_EQ(failed.summary()["verdict"], "failed");
            if (k == 0) EXPECT_EQ(failed.summary()["sectors_written"], 0);
            EXPECT_EQ(failed.lines_of("action").size(), 0u);
            EXPECT_TRUE(holds(failed.err, "btrfs-raid56: " + broken + ": cannot be ")) << failed.err;
            EXPECT_FALSE(is_member() && k + 2 < all && broken == "target");
            for (const auto& [path, content] : world_.state()) world_.disk(path).mend();
            expect_completed(rebuild());
            if (HasFailure()) return;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, RebuildCut,
                         ::testing::Values(Case{"007-raid5x3-mixed-clean", "d2.img", "2", 0},
                                           Case{"112-raid6x4-lost-extent-leaf", "d1.img", "1", 4}),
                         [](const auto& info) {
                             std::string name = info.param.image;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace raid56::cmd
