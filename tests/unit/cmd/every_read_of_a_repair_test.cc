// SPDX-License-Identifier: GPL-2.0-or-later
// One read of a repair or of a rebuild fails, of a device, of the target or of the journal, each in turn: nothing is
// lost by it, what could not be done is told, and the next run does it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "repair_world.h"

namespace raid56::cmd {
namespace {

constexpr size_t kMost = 60;  // runs, evenly chosen of all reads, where not all are wanted (RAID56_EVERY_READ)

struct Read {
    std::string path;
    uint64_t number = 0;  // on that device or file
};

class EveryRead : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!world_.unpack(GetParam())) GTEST_SKIP() << GetParam() << " cannot be unpacked here";
        before_ = world_.state();
    }
    /// Reads of what is there and of what the run makes, while none of them fails.
    template <class Run>
    std::vector<Read> reads_of(Run&& run) {
        expect_no_more_failures();
        world_.set(before_);
        world_.keep_removed = true;
        run();
        world_.keep_removed = false;
        std::vector<Read> all;
        for (const auto& [path, content] : world_.state())
            for (uint64_t n = 0; n < world_.disk(path).reads(); n++) all.push_back({path, n});
        RecordProperty("reads", static_cast<int>(all.size()));
        if (all.size() <= kMost || std::getenv("RAID56_EVERY_READ") != nullptr) return all;
        std::vector<Read> chosen;
        for (size_t i = 0; i < kMost; i++) chosen.push_back(all[i * all.size() / kMost]);
        return chosen;
    }
    void fail(const Read& read) {
        expect_no_more_failures();
        world_.set(before_);
        if (world_.exists(read.path))
            world_.disk(read.path).fail_read(read.number);
        else
            world_.fail_read = {{read.path, read.number}};
    }
    void expect_no_more_failures() {
        world_.fail_read.clear();
        for (const auto& [path, content] : world_.state()) world_.disk(path).fail_read(UINT64_MAX);
    }

    RepairWorld world_;
    RepairWorld::State before_;
};

bool tells(const Outcome& run) {
    if (run.status == 8) return !run.err.empty();
    return !run.lines_of("damage").empty() || !run.lines_of("unknown").empty();
}

using RepairReads = EveryRead;

TEST_P(RepairReads, OneThatFailsLosesNothing) {
    const Outcome whole = world_.write();
    ASSERT_EQ(whole.status, 1) << whole.err;
    const auto after = world_.state();
    std::map<int, int> statuses;
    for (const auto& read : reads_of([&] { world_.write(); })) {
        SCOPED_TRACE("EIO at read " + std::to_string(read.number) + " of " + read.path);
        fail(read);
        const Outcome hurt = world_.write();
        expect_no_more_failures();
        statuses[hurt.status]++;
        ASSERT_TRUE(hurt.status == 1 || hurt.status == 4 || hurt.status == 8) << hurt.status;
        EXPECT_TRUE(tells(hurt)) << hurt.out;
        if (hurt.status == 1)
            EXPECT_TRUE(world_.devices_hold(after))
                << hurt.err
                << (hurt.status == 8 && hurt.err.empty()
                        ? hurt.out.substr(hurt.out.size() > 1500 ? hurt.out.size() - 1500 : 0)
                        : "")
                << "\n";
        // What is left is done by the same command, or, where that one has ended, by another.
        const Outcome again = world_.write();
        if (again.status == 8) EXPECT_TRUE(holds(again.err, "is finished")) << again.err;
        if (!world_.devices_hold(after)) {
            const Outcome another = world_.write("another");
            EXPECT_EQ(another.status, 1) << another.err;
        }
        EXPECT_TRUE(world_.devices_hold(after)) << again.err;
        for (const std::string journal : {"another", "journal"})
            if (world_.exists(journal)) EXPECT_EQ(world_.undo(journal).status, 0);
        EXPECT_TRUE(world_.devices_hold(before_));
        if (HasFailure()) return;
    }
    for (const auto& [status, runs] : statuses) std::cout << runs << " runs ended with " << status << "\n";
}

using UndoReads = EveryRead;

TEST_P(UndoReads, OneThatFailsLosesNothing) {
    ASSERT_EQ(world_.write().status, 1);
    const auto clean = before_;
    before_ = world_.state();  // of the undo
    std::map<int, int> statuses;
    for (const auto& read : reads_of([&] { world_.undo(); })) {
        SCOPED_TRACE("EIO at read " + std::to_string(read.number) + " of " + read.path);
        fail(read);
        const Outcome hurt = world_.undo();
        expect_no_more_failures();
        statuses[hurt.status]++;
        EXPECT_TRUE(hurt.status == 0 || tells(hurt)) << hurt.out;
        if (hurt.status == 0) EXPECT_TRUE(world_.devices_hold(clean));
        const Outcome again = world_.undo();
        EXPECT_EQ(again.status, 0) << again.err;
        EXPECT_TRUE(world_.devices_hold(clean));
        if (HasFailure()) return;
    }
    for (const auto& [status, runs] : statuses) std::cout << runs << " runs ended with " << status << "\n";
}

using RebuildReads = EveryRead;

// The first device is lost.
TEST_P(RebuildReads, OneThatFailsLosesNothing) {
    const std::string lost = world_.paths().front();
    const auto rebuild = [&](std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"--onto", "1=target"});
        return world_.rebuild({lost}, more);
    };
    const Outcome whole = rebuild();
    ASSERT_EQ(whole.status, 0) << whole.err;
    const auto target = world_.disk("target").content();
    std::map<int, int> statuses;
    for (const auto& read : reads_of([&] { rebuild(); })) {
        if (read.path == lost) continue;
        SCOPED_TRACE("EIO at read " + std::to_string(read.number) + " of " + read.path);
        fail(read);
        const Outcome hurt = rebuild();
        expect_no_more_failures();
        statuses[hurt.status]++;
        ASSERT_TRUE(hurt.status == 0 || hurt.status == 1 || hurt.status == 4 || hurt.status == 8) << hurt.status;
        EXPECT_TRUE(hurt.status == 0 || tells(hurt)) << hurt.out;
        if (hurt.status <= 1)
            EXPECT_TRUE(world_.disk("target").holds(target))
                << hurt.err
                << (hurt.status == 8 && hurt.err.empty()
                        ? hurt.out.substr(hurt.out.size() > 1500 ? hurt.out.size() - 1500 : 0)
                        : "")
                << "\n";
        EXPECT_TRUE(world_.devices_hold(before_));
        if (hurt.status == 8) {
            const Outcome again = rebuild();
            EXPECT_EQ(again.status, 0) << again.err;
        } else if (hurt.status == 4) {  // it is a member now: what is not as it should be, a repair puts right
            const Outcome again = rebuild({"--restart", "--force"});
            EXPECT_EQ(again.status, 0) << again.err;
        }
        EXPECT_TRUE(world_.disk("target").holds(target));
        if (HasFailure()) return;
    }
    for (const auto& [status, runs] : statuses) std::cout << runs << " runs ended with " << status << "\n";
}

std::string name_of(const ::testing::TestParamInfo<const char*>& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, RepairReads,
                         ::testing::Values("100-demo-damaged", "101-raid5x2-damaged", "110-raid6x4-stale",
                                           "117-raid5x3-mixed-damaged"),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Golden, UndoReads, ::testing::Values("100-demo-damaged", "117-raid5x3-mixed-damaged"),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Golden, RebuildReads,
                         ::testing::Values("001-demo-clean", "007-raid5x3-mixed-clean", "004-raid6x5-bgt-clean"),
                         name_of);

}  // namespace
}  // namespace raid56::cmd
