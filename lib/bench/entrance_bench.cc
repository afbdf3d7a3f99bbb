// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. A chunk of noise over devices in memory, with its parities and digests.
// 2. Each thread checks it again and again through batches of its own, as many under way as the engine says, until the
//    time is over.
#include "bench/entrance_bench.h"

#include <atomic>
#include <deque>
#include <memory>

#include "bench/together.h"
#include "checksum/checksum.h"
#include "device/memory_device.h"
#include "scrub/stripe_check.h"

namespace raid56::bench {
namespace {

constexpr uint32_t kSector = 4096;
constexpr uint64_t kStart = 1 << 20;           // of the chunk, logical
constexpr uint64_t kOnDevice = 2 * kStripLen;  // behind the first superblock copy's place
constexpr size_t kMostBytes = 8 << 20;         // of a batch: whatever an engine asks for, each thread has one

std::vector<uint8_t> noise(size_t size, uint64_t seed) {
    std::vector<uint8_t> bytes(size);
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    for (auto& byte : bytes) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<uint8_t>(state >> 56);
    }
    return bytes;
}

// What an engine wants at once, or one full stripe: a group of a scrub's.
unsigned full_stripes(const parity::Engine& engine, unsigned width) {
    return static_cast<unsigned>(std::max<size_t>(1, std::min(engine.batch_bytes(), kMostBytes) / (width * kStripLen)));
}

// Memory as the page cache is: finish() copies, so that a batch is read a group at a time, when it is checked.
class CachedDevice final : public device::ReadDevice {
  public:
    explicit CachedDevice(std::vector<uint8_t> bytes) : memory_(std::move(bytes)) {}
    uint64_t size() const override { return memory_.size(); }
    const std::string& path() const override { return memory_.path(); }
    bool reads_in_finish() const override { return true; }
    void start(device::ReadOp& op) override { memory_.start(op); }
    void finish(device::ReadOp& op) override { memory_.finish(op); }

  private:
    device::MemoryDevice memory_;
};

class Chunk {
  public:
    Chunk(const parity::Engine& engine, unsigned nd, unsigned np, unsigned lost, CsumKind csum)
        : volume_(super(csum), {}), full_stripes_(full_stripes(engine, nd + np)) {
        const unsigned width = nd + np;
        format::Chunk chunk;
        chunk.start = Logical(kStart);
        chunk.length = uint64_t{full_stripes_} * nd * kStripLen;
        chunk.kind = format::chunk_kind::kData;
        chunk.profile = np > 1 ? format::Profile::raid6 : format::Profile::raid5;
        for (unsigned i = 0; i < width; i++) {
            volume::Member member;
            member.devid = DevId(i + 1);
            member.uuid[0] = static_cast<uint8_t>(i + 1);
            volume_.add_member(member);
            chunk.stripes.push_back({member.devid, Physical(kOnDevice), member.uuid});
        }
        mapped_ = volume_.add_chunk(chunk).ok();
        if (mapped_) fill(width, lost);
    }

    bool is_mapped() const { return mapped_; }
    const volume::Volume& volume() const { return volume_; }
    const scrub::Window& window() const { return window_; }
    uint64_t data_bytes() const { return mapped_ ? full_stripes_ * volume_.chunks().front().layout.data_length() : 0; }
    size_t bytes() const { return full_stripes_ * kStripLen * volume_.members().size(); }

  private:
    static format::Superblock super(CsumKind csum) {
        format::Superblock super;
        super.sectorsize = kSector;
        super.nodesize = 16384;
        super.csum = csum;
        return super;
    }

    void fill(unsigned width, unsigned lost) {
        const auto& chunk = volume_.chunks().front();
        const auto& layout = chunk.layout;
        std::vector<std::vector<uint8_t>> disks;
        for (unsigned i = 0; i < width; i++) disks.push_back(noise(kOnDevice + full_stripes_ * kStripLen, i));

        window_.chunk = &chunk;
        window_.count = full_stripes_;
        window_.start = chunk.chunk.start;
        window_.sectorsize = kSector;
        window_.digest_size = csum_size(volume_.super().csum);
        window_.sectors.assign(size_t{full_stripes_} * layout.nd * window_.rows(), scrub::Expect::csum);
        window_.digests.resize(window_.sectors.size() * window_.digest_size);
        window_.needed.assign(full_stripes_, true);
        for (unsigned n = 0; n < full_stripes_; n++) {
            std::vector<uint8_t*> columns;
            for (unsigned c = 0; c < layout.columns(); c++) {
                const unsigned index = volume::stripe_index(layout, StripeNo(n), c, 0);
                columns.push_back(disks[index].data() + kOnDevice + n * kStripLen);
            }
            parity::Job job;
            job.op = parity::Op::generate;
            job.has_q = layout.np > 1;
            job.columns = columns;
            job.length = kStripLen;
            parity::run(parity::scalar_engine(), {&job, 1});
            for (unsigned c = 0; c < layout.nd; c++)
                for (unsigned r = 0; r < window_.rows(); r++) {
                    const auto digest =
                        checksum::digest(volume_.super().csum, ByteView(columns[c] + size_t{r} * kSector, kSector));
                    std::copy_n(digest.begin(), window_.digest_size,
                                window_.digests.data() + window_.at(n, c, r) * window_.digest_size);
                }
        }
        for (unsigned i = 0; i < width; i++) {
            auto& member = volume_.member(i);
            devices_.push_back(std::make_unique<CachedDevice>(std::move(disks[i])));
            if (i < lost) continue;  // stays missing
            member.state = volume::DeviceState::present;
            member.device = devices_.back().get();
        }
    }

    volume::Volume volume_;
    unsigned full_stripes_;
    bool mapped_ = false;
    std::vector<std::unique_ptr<CachedDevice>> devices_;
    scrub::Window window_;
};

}  // namespace

EntranceFigure measure_entrance(parity::Engine& engine, unsigned nd, unsigned np, unsigned lost, CsumKind csum,
                                unsigned threads, Clock clock) {
    EntranceFigure figure{nd, np, lost, csum, threads, 0, false};
    const Chunk chunk(engine, nd, np, lost, csum);
    if (!chunk.is_mapped()) return figure;
    const std::atomic<bool> stop{false};
    std::atomic<bool> wrong{false};
    std::atomic<size_t> rounds{0};

    const auto work = [&](double until) {
        tree::BlockReader reader(chunk.volume(), engine, stop);
        const scrub::Context context{chunk.volume(), engine, reader, stop};
        scrub::StripeChecker checker(context);
        const unsigned under_way = engine.batches_in_flight();
        std::deque<scrub::Batch> batches;
        for (unsigned i = 0; i < under_way; i++) batches.emplace_back(engine).window = chunk.window();
        size_t begun = 0, finished = 0;
        const auto finish_oldest = [&] {
            scrub::Batch& batch = batches[finished++ % under_way];
            checker.finish(batch);
            const auto& c = batch.counters;
            const bool whole = c.data_bytes_verified == chunk.data_bytes();
            if (!batch.damage.empty() || c.unrepairable_sectors > 0 || (lost == 0 && !whole)) wrong = true;
            rounds++;
        };
        do {
            scrub::Batch& batch = batches[begun++ % under_way];
            batch.start_reads(chunk.volume());
            batch.finish_reads(stop);
            checker.begin(batch);
            if (begun - finished == under_way) finish_oldest();
        } while (clock() < until);
        while (finished < begun) finish_oldest();
    };

    constexpr double kSeconds = 0.05;
    work(clock());  // warms up
    rounds = 0;
    const double start = clock();
    run_together(threads, [&](unsigned) { work(start + kSeconds); });
    figure.bytes_per_second = static_cast<double>(rounds * chunk.bytes()) / (clock() - start);
    figure.correct = !wrong;
    return figure;
}

}  // namespace raid56::bench
