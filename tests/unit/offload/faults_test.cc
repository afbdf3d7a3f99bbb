// SPDX-License-Identifier: GPL-2.0-or-later
// A fault at every command of a chain: first, in the middle, last. No verdict is ever wrong, no job is ever lost, and
// a device that is gone or does not answer is left alone.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "checksum/checksum.h"
#include "faulty_api.h"
#include "offload/opencl_engine.h"
#include "row.h"

namespace raid56::offload {
namespace {

using parity::Job;
using parity::Op;
using parity::Outcome;
using test::Fault;
using test::FaultyApi;

constexpr size_t kLength = 16384, kBlock = 4096;
constexpr unsigned kData = 4, kColumns = kData + 2;

/// A batch over several full stripes in one buffer of the engine, every kind of job; what is in it can be changed.
class Batch {
  public:
    Batch(parity::Engine& engine, uint64_t seed) : buffer_(engine.allocate(kStripes * kColumns * kLength * 2)) {
        memory_ = buffer_->bytes();
        for (unsigned n = 0; n < kStripes; n++) {
            for (unsigned c = 0; c < kColumns; c++) rows_[n][c] = memory_.data() + (c * kStripes + n) * kLength * 2;
            for (unsigned c = 0; c < kData; c++) fill(rows_[n][c], seed + n * 100 + c);
            Job generate{.op = Op::generate, .has_q = true, .columns = rows_[n], .length = kLength};
            parity::run(parity::scalar_engine(), {&generate, 1});
        }
        // Damage that only the middle of a column shows.
        rows_[1][kData][kLength / 2] ^= 1;
        rows_[2][kData + 1][kLength / 2] ^= 1;
        lay_out();
    }

    std::span<Job> jobs() { return jobs_; }
    size_t row_jobs() const { return 6; }

    /// Software does what the engine did not, but for digests: those are nobody's here.
    void run(parity::Engine& engine) {
        for (auto& out : outputs_) std::fill(out.begin(), out.end(), 0x5a);
        digests_.assign(digests_.size(), 0x5a);
        parity::start(engine, jobs_);
        engine.wait(jobs_);
        size_t left = 0;
        for (size_t i = 0; i < row_jobs(); i++) left += jobs_[i].outcome == Outcome::done ? 0 : 1;
        EXPECT_EQ(parity::finish(engine, jobs_), left);
    }

    void expect_right() const {
        const bool p[] = {false, true, false, true}, q[] = {false, false, true, true};
        for (unsigned n = 0; n < kStripes; n++) {
            EXPECT_EQ(jobs_[n].outcome, Outcome::done) << n;
            EXPECT_EQ(jobs_[n].p_differs, p[n]) << n;
            EXPECT_EQ(jobs_[n].q_differs, q[n]) << n;
        }
        for (unsigned k = 0; k < 2; k++) {
            EXPECT_EQ(std::memcmp(outputs_[k].data(), rows_[0][k == 0 ? 1 : 3], kLength), 0) << "recovered " << k;
            EXPECT_EQ(std::memcmp(outputs_[2 + k].data(), rows_[0][kData + k], kLength), 0) << "generated " << k;
        }
        for (size_t i = row_jobs(); i < jobs_.size(); i++) {
            if (jobs_[i].outcome != Outcome::done) continue;
            for (size_t b = 0; b < kLength / kBlock; b++) {
                const Digest digest =
                    checksum::digest(jobs_[i].csum, ByteView(jobs_[i].columns[0] + b * kBlock, kBlock));
                const size_t size = csum_size(jobs_[i].csum);
                EXPECT_EQ(std::memcmp(jobs_[i].digests + b * size, digest.data(), size), 0)
                    << "digest " << i << ' ' << b;
            }
        }
    }

  private:
    static constexpr unsigned kStripes = 4;

    static void fill(uint8_t* bytes, uint64_t state) {
        for (size_t i = 0; i < kLength; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = static_cast<uint8_t>(state >> 56);
        }
    }

    void lay_out() {
        rows_[3][2][kLength / 2] ^= 1;
        for (unsigned n = 0; n < kStripes; n++)
            jobs_.push_back({.op = Op::verify, .has_q = true, .columns = rows_[n], .length = kLength});
        outputs_.assign(4, std::vector<uint8_t>(kLength));
        recovered_ = generated_ = rows_[0];
        recovered_[1] = outputs_[0].data();
        recovered_[3] = outputs_[1].data();
        jobs_.push_back({.op = Op::recover, .has_q = true, .columns = recovered_, .length = kLength, .erased = {1, 3}});
        generated_[kData] = outputs_[2].data();
        generated_[kData + 1] = outputs_[3].data();
        jobs_.push_back({.op = Op::generate, .has_q = true, .columns = generated_, .length = kLength});
        digests_.resize(kStripes * 2 * kLength / kBlock * 8);
        for (unsigned n = 0; n < kStripes; n++)
            for (const CsumKind kind : {CsumKind::crc32c, CsumKind::xxhash64}) {
                Job job{.op = Op::digest, .columns = {&rows_[n][n % kData], 1}, .length = kLength};
                job.csum = kind;
                job.blocks = kLength / kBlock;
                job.digests = digests_.data() + (jobs_.size() - row_jobs()) * kLength / kBlock * 8;
                jobs_.push_back(job);
            }
    }

    std::unique_ptr<parity::Buffer> buffer_;
    std::span<uint8_t> memory_;
    std::array<std::array<uint8_t*, kColumns>, kStripes> rows_;
    std::array<uint8_t*, kColumns> recovered_, generated_;
    std::vector<std::vector<uint8_t>> outputs_;
    std::vector<uint8_t> digests_;
    std::vector<Job> jobs_;
};

class OffloadFaults : public ::testing::TestWithParam<bool> {  // in place
  protected:
    void SetUp() override {
        const auto api = system_api();
        if (!api) GTEST_SKIP() << api.error().message;
        const auto devices = find_devices(**api);
        ASSERT_TRUE(devices) << devices.error().message;
        const auto best = preferred_device(*devices);
        if (!best) GTEST_SKIP() << best.error().message;
        device_ = (*devices)[*best];
        if (GetParam() && !device_.shares_memory) GTEST_SKIP() << "this device has memory of its own";
        faulty_ = std::make_unique<FaultyApi>(**api);
        ASSERT_TRUE(checksum::self_test());
        renew();
    }

    void renew(double patience = 30) {
        engine_.reset();
        auto engine = make_opencl_engine(faulty_->api(), device_, {.patience = patience, .in_place = GetParam()});
        ASSERT_TRUE(engine) << engine.error().message;
        engine_ = std::move(*engine);
    }

    /// Runs it and looks at everything; returns how many jobs failed.
    uint64_t run(Batch& batch) {
        const auto before = engine_->tally();
        batch.run(*engine_);
        batch.expect_right();
        const auto after = engine_->tally();
        const uint64_t failed = after.failed - before.failed, refused = after.refused - before.refused;
        EXPECT_EQ(after.submitted - before.submitted, batch.jobs().size());
        EXPECT_EQ(after.done - before.done + failed + refused, batch.jobs().size()) << "a job was lost";
        return failed;
    }

    /// Of a chain that has all its memory.
    size_t commands_of(Batch& batch) {
        EXPECT_EQ(run(batch), 0u);
        faulty_->heal();
        EXPECT_EQ(run(batch), 0u);
        return faulty_->commands();
    }

    void expect_in_service() {
        SCOPED_TRACE(engine_->trouble());
        EXPECT_EQ(engine_->batches_in_flight(), 2u);
        EXPECT_GT(engine_->batch_bytes(), parity::scalar_engine().batch_bytes());
    }
    void expect_out_of_service() {
        EXPECT_NE(engine_->trouble(), "");
        EXPECT_EQ(engine_->batches_in_flight(), 1u);
        EXPECT_EQ(engine_->batch_bytes(), parity::scalar_engine().batch_bytes());
        faulty_->heal();
        Batch batch(*engine_, 77);
        const auto refused = engine_->tally().refused;
        EXPECT_EQ(run(batch), 0u);
        EXPECT_EQ(engine_->tally().refused, refused + batch.jobs().size());
        EXPECT_EQ(faulty_->commands(), 0u) << "the device was asked again";
    }

    DeviceInfo device_;
    std::unique_ptr<FaultyApi> faulty_;
    std::unique_ptr<OpenclEngine> engine_;
};

TEST_P(OffloadFaults, WithoutOneTheDeviceDoesEverything) {
    Batch batch(*engine_, 1);
    EXPECT_EQ(run(batch), 0u);
    EXPECT_EQ(engine_->tally().done, batch.jobs().size());
    EXPECT_EQ(engine_->trouble(), "");
    expect_in_service();
}

TEST_P(OffloadFaults, ACommandThatCannotBeEnqueued) {
    Batch batch(*engine_, 1);
    const size_t commands = commands_of(batch);
    ASSERT_GT(commands, 5u);
    for (size_t k = 0; k < commands; k++) {
        SCOPED_TRACE("command " + std::to_string(k) + " of " + std::to_string(commands));
        faulty_->plant(Fault::refused, k);
        EXPECT_EQ(run(batch), batch.jobs().size());
        faulty_->heal();
        EXPECT_EQ(run(batch), 0u) << "a batch later all is well";
    }
    EXPECT_NE(engine_->trouble(), "");
    expect_in_service();
}

TEST_P(OffloadFaults, ACommandThatFails) {
    Batch batch(*engine_, 1);
    const size_t commands = commands_of(batch);
    for (size_t k = 0; k < commands; k++) {
        SCOPED_TRACE("command " + std::to_string(k) + " of " + std::to_string(commands));
        faulty_->plant(Fault::failed, k);
        EXPECT_EQ(run(batch), batch.jobs().size());
        faulty_->heal();
        EXPECT_EQ(run(batch), 0u);
    }
    expect_in_service();
}

// What the device has from the batch before would give other verdicts. Handing memory over and back moves nothing
// where it is shared: losing that is no loss.
TEST_P(OffloadFaults, ACommandThatIsLost) {
    Batch batch(*engine_, 1), other(*engine_, 2);
    const size_t commands = commands_of(batch);
    size_t seen = 0;
    for (size_t k = 0; k < commands; k++) {
        SCOPED_TRACE("command " + std::to_string(k) + " of " + std::to_string(commands));
        EXPECT_EQ(run(other), 0u);
        faulty_->plant(Fault::lost, k);
        const uint64_t failed = run(batch);
        faulty_->heal();
        if (failed > 0) seen++;
    }
    EXPECT_EQ(seen, commands - (GetParam() ? 2 : 0));
    expect_in_service();
}

TEST_P(OffloadFaults, ADeviceThatIsGone) {
    size_t commands = 1;
    for (size_t k = 0; k < commands; k++) {
        SCOPED_TRACE("from command " + std::to_string(k) + " on");
        renew();
        Batch batch(*engine_, 1);
        commands = commands_of(batch);
        faulty_->plant(Fault::gone, k);
        EXPECT_EQ(run(batch), batch.jobs().size());
        expect_out_of_service();
    }
}

// Patience is long beside what a batch takes on a busy machine, and is waited for in full: so not at every command.
TEST_P(OffloadFaults, ADeviceThatDoesNotAnswer) {
    size_t commands = 0;
    {
        Batch batch(*engine_, 1);
        commands = commands_of(batch);
    }
    for (const size_t k : {size_t{0}, commands / 2, commands - 1}) {
        SCOPED_TRACE("from command " + std::to_string(k) + " on");
        renew(3);
        {
            Batch batch(*engine_, 1);
            EXPECT_EQ(run(batch), 0u);
            faulty_->plant(Fault::hangs, k);
            EXPECT_EQ(run(batch), batch.jobs().size());
            expect_out_of_service();
        }
        engine_.reset();
        faulty_->wake();  // and writes to what is long given back, if anybody gave it back
    }
}

TEST_P(OffloadFaults, ADeviceThatFailsAgainAndAgain) {
    Batch batch(*engine_, 1);
    for (unsigned i = 0; i < kMostFailures; i++) {
        faulty_->plant(Fault::failed, 2);
        EXPECT_EQ(run(batch), batch.jobs().size());
    }
    expect_out_of_service();
}

TEST_P(OffloadFaults, ADeviceWithoutMemory) {
    for (size_t left = 0; left < 8; left++) {
        SCOPED_TRACE(std::to_string(left) + " buffers");
        renew();
        faulty_->leave_buffers(left);
        Batch batch(*engine_, 1);
        run(batch);
        EXPECT_EQ(run(batch) > 0, engine_->tally().done == 0);
        faulty_->heal();
        EXPECT_EQ(run(batch), 0u) << "memory is there again";
    }
    expect_in_service();
}

// Results of one batch are not those of the other, whoever is waited for first.
TEST_P(OffloadFaults, SeveralBatchesUnderWay) {
    std::vector<std::unique_ptr<Batch>> batches;
    for (uint64_t i = 0; i < 5; i++) batches.push_back(std::make_unique<Batch>(*engine_, i));
    for (auto& batch : batches) parity::start(*engine_, batch->jobs());
    for (size_t i : {3, 0, 4, 1, 2}) {
        EXPECT_EQ(parity::finish(*engine_, batches[i]->jobs()), 0u);
        batches[i]->expect_right();
    }
    EXPECT_EQ(engine_->tally().done, engine_->tally().submitted);
}

INSTANTIATE_TEST_SUITE_P(OpenCL, OffloadFaults, ::testing::Bool(),
                         [](const auto& it) { return it.param ? "in_place" : "copying"; });

}  // namespace
}  // namespace raid56::offload
