// SPDX-License-Identifier: GPL-2.0-or-later
// Repair and undo, cut off at each of their operations on devices and journal, with what was not synced kept,
// dropped or torn: the next repair completes, or undo restores, byte for byte.
#include <gtest/gtest.h>

#include "repair_world.h"

namespace raid56::cmd {
namespace {

using test::Unsynced;

constexpr uint32_t kSeeds = 3;  // of what is torn, and how
constexpr Unsynced kUnsynced[] = {Unsynced::kept, Unsynced::dropped, Unsynced::torn};

class RepairCut : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        world_.batch_bytes = 8192;  // several batches in each phase
        if (!world_.unpack(GetParam())) GTEST_SKIP() << GetParam() << " cannot be unpacked here";
        before_ = world_.state();
        world_.power.never_cut();
        whole_ = world_.write();
        ASSERT_EQ(whole_.status, 1) << whole_.err;
        ASSERT_EQ(whole_.summary()["verdict"], "repaired");
        operations_ = world_.power.used();
        after_ = world_.state();
        ASSERT_FALSE(world_.devices_hold(before_));
    }

    /// Runs until the power goes; false where it did not.
    template <class Run>
    bool cut_at(uint64_t n, Run&& run) {
        world_.power.cut_at(n);
        bool cut = false;
        try {
            run();
        } catch (const test::PowerCut&) {
            cut = true;
        }
        world_.power.never_cut();
        return cut;
    }

    void expect_undone() {
        const Outcome undo = world_.undo();
        EXPECT_EQ(undo.status, world_.exists("journal") ? 0 : 8) << undo.err;
        EXPECT_TRUE(world_.devices_hold(before_)) << undo.err;
    }
    /// Of a repair that was complete already, and had said so, only that is said.
    void expect_completed() {
        const Outcome again = world_.write();
        if (again.status == 8) {
            EXPECT_TRUE(holds(again.err, "is finished")) << again.err;
        } else {
            EXPECT_EQ(again.status, 1) << again.err;
            EXPECT_EQ(again.summary()["verdict"], "repaired") << again.err;
        }
        EXPECT_TRUE(world_.devices_hold(after_)) << again.err;
        expect_undone();
    }

    RepairWorld world_;
    RepairWorld::State before_, after_;
    Outcome whole_;
    uint64_t operations_ = 0;
};

TEST_P(RepairCut, ARepairCutOffAnywhereIsCompletedOrUndone) {
    RecordProperty("operations", static_cast<int>(operations_));
    for (uint64_t n = 0; n < operations_; n++)
        for (const Unsynced unsynced : kUnsynced) {
            SCOPED_TRACE("cut at operation " + std::to_string(n) + " of " + std::to_string(operations_) + ", mode " +
                         std::to_string(static_cast<int>(unsynced)));
            world_.set(before_);
            ASSERT_TRUE(cut_at(n, [&] { world_.write(); }));
            std::vector<RepairWorld::State> cuts;  // before any of them is looked at
            for (uint32_t seed = 0; seed < (unsynced == Unsynced::torn ? kSeeds : 1); seed++) {
                const auto crashed = world_.after_cut(unsynced, static_cast<uint32_t>(n) + 1000 * seed);
                cuts.push_back(crashed);
            }
            for (const auto& crashed : cuts) {
                world_.set(crashed);
                expect_undone();
                world_.set(crashed);
                expect_completed();
            }
            if (HasFailure()) return;
        }
}

TEST_P(RepairCut, AnUndoCutOffAnywhereIsCompletedByUndo) {
    world_.set(after_);
    world_.power.never_cut();
    const Outcome undo = world_.undo();
    ASSERT_EQ(undo.status, 0) << undo.err;
    EXPECT_EQ(undo.summary()["verdict"], "done");
    EXPECT_EQ(undo.summary()["sectors_written"], whole_.summary()["sectors_written"]);
    EXPECT_TRUE(world_.devices_hold(before_));
    const uint64_t operations = world_.power.used();
    for (uint64_t n = 0; n < operations; n++)
        for (const Unsynced unsynced : kUnsynced) {
            SCOPED_TRACE("cut at operation " + std::to_string(n) + " of " + std::to_string(operations));
            world_.set(after_);
            ASSERT_TRUE(cut_at(n, [&] { world_.undo(); }));
            world_.set(world_.after_cut(unsynced, static_cast<uint32_t>(n)));
            // What was begun to be undone is not half done again.
            const auto crashed = world_.state();
            const Outcome repair = world_.write();
            EXPECT_EQ(repair.status, 8) << repair.err;
            EXPECT_TRUE(world_.devices_hold(crashed));
            expect_undone();
            if (HasFailure()) return;
        }
}

INSTANTIATE_TEST_SUITE_P(Golden, RepairCut,
                         ::testing::Values("100-demo-damaged", "110-raid6x4-stale", "111-raid5x4-truncated",
                                           "117-raid5x3-mixed-damaged", "104-raid6x3-two-of-three"),
                         [](const auto& info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace raid56::cmd
