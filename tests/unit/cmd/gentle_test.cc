// SPDX-License-Identifier: GPL-2.0-or-later
// --limit-rate and --idle, in a world whose clock goes on only while somebody sleeps.
#include "golden.h"

namespace raid56::cmd {
namespace {

double g_now = 0;
std::atomic<bool>* g_stop = nullptr;
double clock_of_sleepers() { return g_now; }
void sleep(double seconds) { g_now += seconds; }
void sleep_until_interrupted(double seconds) {
    g_now += seconds;
    *g_stop = true;
}

class Gentle : public GoldenTest {
  protected:
    void SetUp() override {
        GoldenTest::SetUp();
        g_now = 0;
        g_stop = &worlds_.stop;
        worlds_.clock = clock_of_sleepers;
        worlds_.sleep = sleep;
    }
    Outcome run(std::vector<std::string> words) {
        // An engine that is named is not timed: this clock would never come to an end.
        words.insert(words.end(), {"--format", "json", "--progress", "never", "--threads", "1", "--engine", "isal"});
        words.insert(words.end(), paths_.begin(), paths_.end());
        return worlds_.run(words);
    }
    uint64_t bytes_read() {
        uint64_t bytes = 0;
        for (const auto& path : paths_)
            for (const auto& access : worlds_.device(path).log()) bytes += access.length;
        return bytes;
    }
};

TEST_F(Gentle, EveryByteThatIsReadHasItsTime) {
    for (const std::string command : {"scrub", "repair"}) {
        reopen();
        g_now = 0;
        const Outcome plain = run({command});
        EXPECT_EQ(g_now, 0);
        reopen();
        const Outcome slow = run({command, "--limit-rate", "1M"});
        EXPECT_EQ(comparable(slow), comparable(plain));
        const double needed = static_cast<double>(bytes_read()) / (1 << 20);
        constexpr double kLongestRead = 8;  // nobody waits behind the last one
        EXPECT_LE(g_now, needed + 0.01);
        EXPECT_GE(g_now, needed - kLongestRead);
        EXPECT_GT(g_now, 3);
    }
}

TEST_F(Gentle, AnInterruptDoesNotWait) {
    worlds_.sleep = sleep_until_interrupted;
    const Outcome run = this->run({"scrub", "--limit-rate", "1"});
    EXPECT_EQ(run.status, 32);
    EXPECT_LE(g_now, 0.11) << "of the weeks that it would take";
}

TEST_F(Gentle, IdleIsAskedForOnceAndWhereItIsWanted) {
    int asked = 0;
    worlds_.idle = [&] {
        asked++;
        return Result<void>();
    };
    run({"scrub"});
    EXPECT_EQ(asked, 0);
    const Outcome idle = run({"scrub", "--idle"});
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(idle.status, 0);
    EXPECT_EQ(idle.err, "");
}

TEST_F(Gentle, WhereIdleIsNotToBeHadTheWorkGoesOn) {
    worlds_.idle = [] { return Result<void>(Error{"no"}); };
    const Outcome run = this->run({"scrub", "--idle"});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "--idle: no\n");
}

}  // namespace
}  // namespace raid56::cmd
