// SPDX-License-Identifier: GPL-2.0-or-later
// A whole image, and one read of the run that fails: each in turn. Whatever is lost by that is said,
// and nothing else changes.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "golden.h"

namespace raid56::cmd {
namespace {

constexpr size_t kMost = 400;

struct Access {
    std::string path;
    uint64_t number = 0;  // of the read on that device
};

class EveryReadFails : public GoldenTest {
  protected:
    /// Reads of a run without faults; at most kMost of them, evenly chosen.
    std::vector<Access> accesses() {
        std::vector<Access> all;
        for (const auto& path : paths_) {
            const size_t count = worlds_.device(path).log().size();
            for (uint64_t i = 0; i < count; i++) all.push_back({path, i});
        }
        if (all.size() <= kMost) return all;
        std::vector<Access> chosen;
        for (size_t i = 0; i < kMost; i++) chosen.push_back(all[i * all.size() / kMost]);
        return chosen;
    }
};

void expect_in_order(const Outcome& run, const Outcome& whole) {
    const Json summary = run.summary();
    EXPECT_TRUE(run.status == 0 || run.status == 1 || run.status == 4 || run.status == 8) << run.status;
    if (run.status == 0) {
        EXPECT_EQ(comparable(run), comparable(whole)) << "all is well, and the counts are others";
        return;
    }
    if (run.status == 8) {
        EXPECT_FALSE(run.err.empty());
        return;
    }
    // What is wrong is told, not only counted.
    EXPECT_GT(run.lines_of("damage").size() + run.lines_of("unknown").size(), 0u) << run.out;
}

TEST_F(EveryReadFails, OnceEachInTurn) {
    const Outcome whole = run();
    ASSERT_EQ(whole.status, 0) << name_ << " is not clean: " << whole.err;
    const auto all = accesses();
    ASSERT_GT(all.size(), 10u);
    RecordProperty("runs", static_cast<int>(all.size()));
    for (const auto& access : all) {
        SCOPED_TRACE(name_ + ": EIO at read " + std::to_string(access.number) + " of " + access.path);
        auto& device = worlds_.device(access.path);
        device.heal();
        device.fail_call(access.number, EIO);
        const Outcome hurt = run();
        device.heal();
        expect_in_order(hurt, whole);
        if (HasFailure()) break;  // one report of this is enough
    }
    EXPECT_EQ(comparable(run()), comparable(whole)) << "healed, all is as before";
}

// From some read on nothing of one device can be read any more: it died during the run.
TEST_F(EveryReadFails, ADeviceThatDiesDuringTheRun) {
    const Outcome whole = run();
    ASSERT_EQ(whole.status, 0) << name_ << " is not clean: " << whole.err;
    std::map<std::string, size_t> reads_of;
    for (const auto& path : paths_) reads_of[path] = worlds_.device(path).log().size();
    for (const auto& [path, reads] : reads_of) {
        for (size_t i = 0; i < 12; i++) {
            const uint64_t from = i * reads / 12;
            SCOPED_TRACE(name_ + ": " + path + " dies at read " + std::to_string(from));
            auto& device = worlds_.device(path);
            for (uint64_t n = from; n < 20 * reads + 5000; n++) device.fail_call(n, EIO);
            const Outcome hurt = run();
            device.heal();
            expect_in_order(hurt, whole);
            EXPECT_NE(hurt.status, 0);
            if (HasFailure()) return;
        }
    }
}

}  // namespace
}  // namespace raid56::cmd
