// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/next_steps.h"

#include <gtest/gtest.h>

namespace raid56::session {
namespace {

using report::Verdict;

struct Case {
    const char* what;
    report::Verdict verdict;
    scrub::Counters counters;
    Circumstances circumstances;
    std::vector<std::string> words;  // one of each step, in order
    bool mapped = false;             // --map
};

scrub::Counters counts(uint64_t repairable, uint64_t unreadable = 0, uint64_t ambiguous = 0, uint64_t free = 0) {
    scrub::Counters counters;
    counters.repairable_sectors = repairable;
    counters.unreadable_sectors = unreadable;
    counters.ambiguous_rows = ambiguous;
    counters.free_rows_unreadable = free;
    return counters;
}

TEST(NextSteps, OneForEachThingFound) {
    const Case cases[] = {
        {"all is well", Verdict::clean, counts(0), {}, {}},
        {"a disk begins to fail", Verdict::clean, counts(0, 0, 0, 1), {}, {"replace the disk"}},
        {"damage", Verdict::repairable, counts(3), {}, {"btrfs-raid56 repair"}},
        {"a truncated image",
         Verdict::unrepairable,
         counts(3, 1),
         {false, true},
         {"copy it again", "--files", "btrfs-raid56 repair", "from a backup"}},
        {"copies of ddrescue", Verdict::repairable, counts(3, 1), {}, {"btrfs-raid56 repair"}, true},
        {"a lost device", Verdict::repairable, counts(0), {true, false}, {"rebuild --onto"}},
        {"lost data", Verdict::unrepairable, counts(0), {}, {"with --files", "from a backup"}},
        {"lost beside a lost device",
         Verdict::unrepairable,
         counts(5),
         {true, false},
         {"look for the missing", "with --files", "btrfs-raid56 repair", "from a backup"}},
        {"a dying disk", Verdict::unrepairable, counts(1, 1), {}, {"ddrescue", "--files", "repair", "from a backup"}},
        {"a write hole", Verdict::undecided, counts(0, 0, 1), {}, {"--no-checksum"}},
        {"cut off", Verdict::interrupted, counts(1, 1, 1), {true, false}, {}},
        {"nothing done", Verdict::failed, counts(1), {}, {}},
    };
    for (const auto& [what, verdict, counters, circumstances, words, mapped] : cases) {
        report::Summary summary;
        summary.verdict = verdict;
        summary.counters = counters;
        if (mapped) summary.maps[1] = 0;
        const auto steps = steps_after_scrub(summary, circumstances);
        ASSERT_EQ(steps.size(), words.size()) << what;
        for (size_t i = 0; i < steps.size(); i++)
            EXPECT_NE(steps[i].find(words[i]), std::string::npos) << what << ": " << steps[i];
    }
}

TEST(NextSteps, FilesThatAreNamedNeedNotBeAskedFor) {
    report::Summary summary;
    summary.verdict = Verdict::unrepairable;
    summary.files_named = true;
    const auto steps = steps_after_scrub(summary, {});
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0], "get what is lost from a backup");
}

}  // namespace
}  // namespace raid56::session
