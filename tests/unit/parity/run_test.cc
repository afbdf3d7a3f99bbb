// SPDX-License-Identifier: GPL-2.0-or-later
// run() over an engine that does not do job k of n, for every k and each way of not doing it.
#include <gtest/gtest.h>

#include <set>

#include "parity/engine.h"
#include "row.h"

namespace raid56::parity {
namespace {

using test::Bytes;
using test::Row;

/// Does its jobs properly, except those that it was told to spoil. Those it marks as told; where it
/// fails, it first leaves junk in what it should have written, and nonsense in the results.
class FlakyEngine : public Engine {
  public:
    FlakyEngine(std::set<size_t> spoiled, Outcome how) : spoiled_(std::move(spoiled)), how_(how) {}

    std::string_view name() const override { return "flaky"; }
    std::unique_ptr<Buffer> allocate(size_t size) override { return scalar_engine().allocate(size); }
    void submit(Batch batch) override {
        for (size_t i = 0; i < batch.size(); i++) {
            if (!spoiled_.contains(i)) {
                scalar_engine().submit(batch.subspan(i, 1));
                continue;
            }
            if (how_ == Outcome::failed) spoil(batch[i]);
            if (how_ != Outcome::pending) batch[i].outcome = how_;
        }
    }
    void wait(Batch) override {}

  private:
    static void spoil(Job& job) {
        job.p_differs = job.q_differs = true;
        const size_t p = job.columns.size() - (job.has_q ? 2 : 1);
        for (size_t c = 0; c < job.columns.size(); c++) {
            const bool output =
                job.op == Op::generate ? c >= p : job.op == Op::recover && (c == job.erased[0] || c == job.erased[1]);
            if (output) std::memset(job.columns[c], 0xee, job.length);
        }
    }

    const std::set<size_t> spoiled_;
    const Outcome how_;
};

/// A batch of every op, and what must come out.
class MixedBatch {
  public:
    MixedBatch() {
        for (unsigned i = 0; i < kJobs; i++) truth_.emplace_back(3 + i % 3, i % 4 != 3, 512, i);
        for (const Row& row : truth_) work_.push_back(row);
        for (unsigned i = 0; i < kJobs; i++) {
            Row& row = work_[i];
            columns_.push_back(row.pointers());
            Job job{.op = op(i), .has_q = row.has_q(), .columns = {}, .length = row.length()};
            switch (job.op) {
                case Op::generate:
                    row.p().fill(0);
                    if (row.has_q()) row.q().fill(0);
                    break;
                case Op::verify:
                    if (i % 2 == 0) row.p()[i] ^= 1;
                    break;
                case Op::recover:
                    job.erased = {1, row.has_q() ? uint8_t{2} : kNoColumn};
                    row[1].fill(0);
                    if (row.has_q()) row[2].fill(0);
                    break;
                case Op::digest: break;
            }
            jobs_.push_back(job);
        }
        for (unsigned i = 0; i < kJobs; i++) jobs_[i].columns = columns_[i];
    }

    static constexpr unsigned kJobs = 9;
    static Op op(unsigned i) { return i % 3 == 0 ? Op::generate : i % 3 == 1 ? Op::verify : Op::recover; }

    Batch jobs() { return jobs_; }
    void expect_right() {
        for (unsigned i = 0; i < kJobs; i++) {
            EXPECT_EQ(jobs_[i].outcome, Outcome::done) << i;
            if (op(i) == Op::verify) {
                EXPECT_EQ(jobs_[i].p_differs, i % 2 == 0) << i;
                EXPECT_FALSE(jobs_[i].q_differs) << i;
            } else {
                EXPECT_TRUE(work_[i] == truth_[i]) << i;
            }
        }
    }

  private:
    std::vector<Row> truth_, work_;
    std::vector<std::vector<uint8_t*>> columns_;
    std::vector<Job> jobs_;
};

TEST(RunTest, SoftwareTakesJobKForEveryK) {
    for (Outcome how : {Outcome::refused, Outcome::failed, Outcome::pending}) {
        for (size_t k = 0; k < MixedBatch::kJobs; k++) {
            MixedBatch batch;
            FlakyEngine engine({k}, how);
            EXPECT_EQ(run(engine, batch.jobs()), 1u) << k;
            batch.expect_right();
        }
    }
}

TEST(RunTest, SoftwareTakesEverything) {
    for (Outcome how : {Outcome::refused, Outcome::failed, Outcome::pending}) {
        MixedBatch batch;
        FlakyEngine engine({0, 1, 2, 3, 4, 5, 6, 7, 8}, how);
        EXPECT_EQ(run(engine, batch.jobs()), MixedBatch::kJobs);
        batch.expect_right();
    }
}

TEST(RunTest, SoftwareTakesNothing) {
    MixedBatch batch;
    FlakyEngine engine({}, Outcome::failed);
    EXPECT_EQ(run(engine, batch.jobs()), 0u);
    batch.expect_right();
}

TEST(RunTest, AnOldDoneDoesNotPassForANewOne) {
    MixedBatch batch;
    for (Job& job : batch.jobs()) job.outcome = Outcome::done;
    FlakyEngine engine({2, 5}, Outcome::pending);
    EXPECT_EQ(run(engine, batch.jobs()), 2u);
    batch.expect_right();
}

TEST(RunTest, ADigestThatNobodyTakesStaysRefused) {
    Bytes column(4096);
    uint8_t* pointer = column.data();
    uint8_t digests[4] = {1, 2, 3, 4};
    for (Outcome how : {Outcome::refused, Outcome::failed, Outcome::pending}) {
        Job job{.op = Op::digest, .columns = {&pointer, 1}, .length = 4096, .blocks = 1, .digests = digests};
        FlakyEngine engine({0}, how);
        EXPECT_EQ(run(engine, {&job, 1}), 0u);
        EXPECT_EQ(job.outcome, Outcome::refused);
        EXPECT_EQ(digests[0], 1);
    }
}

}  // namespace
}  // namespace raid56::parity
