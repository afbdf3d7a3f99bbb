// SPDX-License-Identifier: GPL-2.0-or-later
// Figures cannot be tested, what they are taken of can: sizes, shapes, what is refused, what is right.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/units.h"
#include "bench/checksum_bench.h"
#include "bench/entrance_bench.h"
#include "bench/parity_bench.h"
#include "bench/together.h"
#include "bench/yardsticks.h"
#include "checksum/checksum.h"
#include "device/fault_device.h"
#include "device/memory_device.h"

namespace raid56::bench {
namespace {

double g_now = 0;
// Every look at it is a tenth of a second later.
double clock_of_test() { return g_now += 0.1; }

TEST(PaysFrom, IsTheSmallestSizeNearTheBest) {
    EXPECT_EQ(pays_from({}), 0u);
    EXPECT_EQ(pays_from({{1, 10}}), 1u);
    EXPECT_EQ(pays_from({{1, 10}, {4, 89}, {16, 100}, {64, 95}}), 16u);
    EXPECT_EQ(pays_from({{1, 10}, {4, 90}, {16, 100}}), 4u);
}

TEST(Measure, CountsRoundsUntilTheTimeIsOver) {
    size_t rounds = 0;
    // One to warm up, one that ends after the time.
    EXPECT_NEAR(measure(clock_of_test, 1000, [&] { rounds++; }), 10000, 1);
    EXPECT_EQ(rounds, 2u);
}

TEST(Affordable, ARoundThatWouldTakeLongIsNot) {
    EXPECT_TRUE(is_affordable({}, SIZE_MAX));
    EXPECT_TRUE(is_affordable({{1, 1e6}}, 49999));
    EXPECT_FALSE(is_affordable({{1, 1e6}}, 50001));
}

TEST(Works, Raid5KnowsOneLoss) {
    EXPECT_EQ(works(1).size(), 3u);
    EXPECT_EQ(works(2).size(), 6u);
}

TEST(ParityBench, EveryJobOfBothEnginesIsMeasuredOrRefused) {
    for (parity::Engine* engine : parity::engines())
        for (const unsigned np : {1u, 2u})
            for (const Work work : works(np)) {
                const auto figure = measure_parity(*engine, work, 3, np, 4096, clock_of_test);
                EXPECT_FALSE(figure.refused) << engine->name() << ' ' << work_name(work);
                ASSERT_FALSE(figure.rates.empty());
                EXPECT_EQ(figure.rates[0].count, 1u);
                EXPECT_GT(figure.rates[0].bytes_per_second, 0);
            }
}

TEST(ParityBench, WhatAnEngineDoesNotTakeHasNoRate) {
    // ISA-L takes no row of one data column.
    const auto figure = measure_parity(parity::isal_engine(), Work::verify, 1, 1, 4096, clock_of_test);
    EXPECT_TRUE(figure.refused);
    EXPECT_TRUE(figure.rates.empty());
}

/// Notes what batches it is given.
class NotingEngine : public parity::Engine {
  public:
    std::string_view name() const override { return "noting"; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return parity::scalar_engine().allocate(size); }
    void submit(parity::Batch batch) override {
        sizes.push_back(batch.size());
        for (auto& job : batch) job.outcome = parity::Outcome::done;
        std::vector<uint8_t*> written;
        for (auto& job : batch)
            for (const uint8_t erased : job.erased)
                if (erased != parity::kNoColumn) written.push_back(job.columns[erased]);
        std::ranges::sort(written);
        overlaps = overlaps || std::ranges::adjacent_find(written) != written.end();
    }
    void wait(parity::Batch) override {}

    std::vector<size_t> sizes;
    bool overlaps = false;
};

double g_fast = 0;
double fast_clock() { return g_fast += 0.006; }  // every round is affordable: it takes 6 ms

TEST(ParityBench, BatchesGrowToTheLargest) {
    NotingEngine engine;
    measure_parity(engine, Work::recover_dd, 4, 2, 64, fast_clock);
    for (const size_t size : kBatches) EXPECT_TRUE(std::ranges::count(engine.sizes, size) > 0) << size;
    EXPECT_FALSE(engine.overlaps) << "two jobs of a batch write the same column";
}

TEST(ParityBench, BatchesThatWriteTooMuchAreLeftOut) {
    NotingEngine engine;
    measure_parity(engine, Work::recover_dd, 4, 2, 65536, fast_clock);
    EXPECT_EQ(*std::ranges::max_element(engine.sizes), 256u);
}

TEST(ChecksumBench, EveryKindHasARateForEverySize) {
    ASSERT_TRUE(checksum::self_test());
    for (const CsumKind kind : {CsumKind::crc32c, CsumKind::xxhash64, CsumKind::sha256, CsumKind::blake2b}) {
        const auto figure = measure_checksum(kind, 4096, clock_of_test);
        EXPECT_EQ(figure.kind, kind);
        ASSERT_EQ(figure.rates.size(), kBlockCounts.size());
        for (size_t i = 0; i < kBlockCounts.size(); i++) EXPECT_EQ(figure.rates[i].count, kBlockCounts[i]);
    }
}

TEST(EntranceBench, FullStripesAreFoundRightWithAndWithoutTheirColumns) {
    ASSERT_TRUE(checksum::self_test());
    for (const unsigned np : {1u, 2u})
        for (unsigned lost = 0; lost <= np; lost++) {
            const auto figure =
                measure_entrance(parity::isal_engine(), 3, np, lost, CsumKind::xxhash64, 2, clock_of_test);
            EXPECT_TRUE(figure.correct) << np << " parities, lost " << lost;
            EXPECT_GT(figure.bytes_per_second, 0);
        }
}

/// Says that every row differs, as a broken machine would.
class LyingEngine : public NotingEngine {
  public:
    void wait(parity::Batch batch) override {
        for (auto& job : batch) job.p_differs = true;
    }
};

TEST(EntranceBench, AMachineThatErrsIsFoundOut) {
    ASSERT_TRUE(checksum::self_test());
    LyingEngine engine;
    EXPECT_FALSE(measure_entrance(engine, 3, 1, 0, CsumKind::crc32c, 1, clock_of_test).correct);
}

/// Wants batches of so many bytes, and notes the largest memory that it was asked for.
class MeasuredEngine : public NotingEngine {
  public:
    explicit MeasuredEngine(size_t batch_bytes) : batch_bytes_(batch_bytes) {}
    size_t batch_bytes() const override { return batch_bytes_; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override {
        largest = std::max(largest, size);
        return NotingEngine::allocate(size);
    }
    void submit(parity::Batch batch) override { parity::scalar_engine().submit(batch); }

    size_t largest = 0;

  private:
    size_t batch_bytes_;
};

TEST(EntranceBench, AThreadsMemoryIsWhatTheEngineWantsOrOneFullStripe) {
    ASSERT_TRUE(checksum::self_test());
    for (const unsigned nd : {2u, 8u, 30u})
        for (const size_t wanted : {size_t{0}, size_t{768} << 10, size_t{4} << 20, SIZE_MAX}) {
            MeasuredEngine engine(wanted);
            EXPECT_TRUE(measure_entrance(engine, nd, 2, 0, CsumKind::crc32c, 1, clock_of_test).correct);
            const size_t full_stripe = (nd + 2) * kStripLen, most = std::min(wanted, size_t{8} << 20);
            EXPECT_LE(engine.largest, std::max(most, full_stripe)) << nd << " " << wanted;
            EXPECT_GT(engine.largest + full_stripe, most) << "and no less";
        }
}

/// Has memory for the thread that made it alone.
class PoorEngine : public NotingEngine {
  public:
    std::unique_ptr<parity::Buffer> allocate(size_t size) override {
        if (std::this_thread::get_id() != rich_) throw std::bad_alloc();
        return NotingEngine::allocate(size);
    }

  private:
    std::thread::id rich_ = std::this_thread::get_id();
};

TEST(EntranceBench, AThreadWithoutMemoryIsAnErrorOfTheCaller) {
    ASSERT_TRUE(checksum::self_test());
    PoorEngine engine;
    for (const unsigned threads : {1u, 3u})
        EXPECT_THROW(measure_entrance(engine, 3, 1, 0, CsumKind::crc32c, threads, clock_of_test), std::bad_alloc);
}

TEST(RunTogether, RunsEachNumberOnceAndAllOfThemWhateverOneThrows) {
    std::atomic<unsigned> ran{0};
    run_together(5, [&](unsigned i) { ran += 1u << (4 * i); });
    EXPECT_EQ(ran, 0x11111u);
    ran = 0;
    const auto work = [&](unsigned i) {
        ran += 1u << (4 * i);
        if (i == 1 || i == 3) throw std::runtime_error(std::to_string(i));
    };
    try {
        run_together(5, work);
        ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "1");
    }
    EXPECT_EQ(ran, 0x11111u);
    run_together(0, work);
}

/// Takes so many reads and has no memory for another.
class PoorDevice : public device::ReadDevice {
  public:
    explicit PoorDevice(unsigned reads) : left_(reads) {}
    ~PoorDevice() override { EXPECT_EQ(in_flight_, 0u) << "a read was started and never finished"; }
    uint64_t size() const override { return 64 << 20; }
    const std::string& path() const override { return path_; }
    void start(device::ReadOp&) override {
        if (left_ == 0) throw std::bad_alloc();
        left_--;
        in_flight_++;
    }
    void finish(device::ReadOp&) override { in_flight_--; }

  private:
    std::string path_ = "poor";
    unsigned left_, in_flight_ = 0;
};

TEST(Yardsticks, AReaderWithoutMemoryIsAnErrorOfTheCallerAndLeavesNothingUnderWay) {
    for (const unsigned reads : {0u, 1u, 8u, 19u}) {
        PoorDevice poor(reads);
        device::MemoryDevice rich(std::vector<uint8_t>(4 << 20));
        device::ReadDevice* devices[] = {&rich, &poor};
        const std::atomic<bool> stop{false};
        EXPECT_THROW(measure_reading(devices, UINT64_MAX, stop, clock_of_test), std::bad_alloc);
    }
}

TEST(Yardsticks, ReadingReadsEveryDeviceToItsEndOrToTheMost) {
    device::FaultDevice small(std::make_unique<device::MemoryDevice>(std::vector<uint8_t>((3 << 20) + 5)));
    device::FaultDevice large(std::make_unique<device::MemoryDevice>(std::vector<uint8_t>(20 << 20)));
    device::ReadDevice* devices[] = {&small, &large};
    const std::atomic<bool> stop{false};
    const auto figure = measure_reading(devices, 10 << 20, stop, clock_of_test);
    EXPECT_FALSE(figure.failed());
    EXPECT_GT(figure.bytes_per_second, 0);
    const auto end = [](const device::FaultDevice& device) {
        uint64_t bytes = 0;
        for (const auto& access : device.log()) bytes += access.length;
        return bytes;
    };
    EXPECT_EQ(end(small), uint64_t{(3 << 20) + 5});
    EXPECT_EQ(end(large), uint64_t{10 << 20});
}

TEST(Yardsticks, ReadsThatFailAreCountedAndTheFirstOfEachDeviceIsTold) {
    device::FaultDevice fine(std::make_unique<device::MemoryDevice>(std::vector<uint8_t>(4 << 20)));
    device::FaultDevice bad(std::make_unique<device::MemoryDevice>(std::vector<uint8_t>((30 << 20) + 512)));
    bad.fail_range(3 << 20, 4096, ENODATA);
    bad.fail_range(20 << 20, 2 << 20, EIO);
    device::FaultDevice dead(std::make_unique<device::MemoryDevice>(std::vector<uint8_t>(4096)));
    dead.fail_range(0, UINT64_MAX, ENXIO);
    device::ReadDevice* devices[] = {&fine, &bad, &dead};
    const std::atomic<bool> stop{false};
    const auto figure = measure_reading(devices, UINT64_MAX, stop, clock_of_test);
    EXPECT_TRUE(figure.failed());
    ASSERT_EQ(figure.errors.size(), 3u);
    EXPECT_EQ(figure.errors[0].count, 0u);
    EXPECT_EQ(figure.errors[1].count, 3u);
    EXPECT_EQ(figure.errors[1].offset, uint64_t{3 << 20});
    EXPECT_EQ(figure.errors[1].length, uint64_t{1 << 20});
    EXPECT_EQ(figure.errors[1].error, ENODATA);
    EXPECT_EQ(figure.errors[2].count, 1u);
    EXPECT_EQ(figure.errors[2].offset, 0u);
    EXPECT_EQ(figure.errors[2].length, 4096u);
    EXPECT_EQ(figure.errors[2].error, ENXIO);
    EXPECT_EQ(bad.log().size(), 31u) << "read to its end all the same";
}

TEST(Yardsticks, CopyingHasARate) { EXPECT_GT(measure_copy(4096, clock_of_test), 0); }

}  // namespace
}  // namespace raid56::bench
