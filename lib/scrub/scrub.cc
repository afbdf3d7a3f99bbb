// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. A free batch is filled with the next window and its reads are started; it joins the queue.
// 2. A worker takes the oldest queued batch, waits for its reads, checks it.
// 3. The oldest batch, once checked, is told to the sink and is free again: results leave in the
//    order in which the windows were built.
#include "scrub/scrub.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "scrub/stripe_check.h"
#include "scrub/threads.h"
#include "volume/losses.h"

namespace raid56::scrub {
namespace {

constexpr size_t kBatchBytes = 8 << 20;  // of all strips together; more where one full stripe is more
constexpr unsigned kReadAhead = 2;       // batches beyond those being checked, at least
constexpr unsigned kUsualBatches = 8;    // what keeps a few fast disks busy
constexpr unsigned kLeastBatches = 2;    // one is read while another is checked

unsigned stripes_in_batch(const volume::Layout& layout) {
    return static_cast<unsigned>(std::max<size_t>(1, kBatchBytes / (layout.stripes * kStripLen)));
}

// Bytes.
size_t widest_full_stripe(const volume::Volume& volume) {
    size_t widest = 0;
    for (const auto& chunk : volume.chunks()) widest = std::max<size_t>(widest, chunk.layout.stripes * kStripLen);
    return widest;
}

class Pipeline {
  public:
    Pipeline(const Context& context, WindowBuilder& windows, Sink& sink, unsigned threads, bool tell_devices,
             uint64_t allocated_bytes)
        : context_(context),
          windows_(windows),
          sink_(sink),
          threads_(threads),
          allocated_(allocated_bytes),
          chunk_(tell_devices ? 0 : context.volume.chunks().size()) {
        const unsigned batches = batch_count(threads, widest_full_stripe(context.volume));
        for (unsigned i = 0; i < batches; i++) free_.push_back(std::make_unique<Slot>(context.engine));
    }

    ~Pipeline() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        queued_.notify_all();
        for (auto& worker : workers_) worker.join();
    }

    Counters run() {
        start_workers(threads_);
        while (!context_.stop) {
            if (free_.empty()) tell_oldest();
            auto slot = std::move(free_.back());
            free_.pop_back();
            if (!windows_.next(slot->batch.window, stripes_in_batch)) {
                while (!flight_.empty()) tell_oldest();
                tell_unknowns(slot->batch.window);
                tell_chunks_up_to(nullptr);
                return total_;
            }
            slot->batch.start_reads(context_.volume);
            enqueue(std::move(slot));
        }
        while (!flight_.empty()) tell_oldest();
        return total_;
    }

  private:
    struct Slot {
        explicit Slot(parity::Engine& engine) : batch(engine) {}
        Batch batch;
        bool done = false;
        bool complete = false;  // checked to its end, not cut off by an interrupt
        std::exception_ptr error;
    };

    // The system may refuse threads (limits of a container): go on with those that it gives.
    void start_workers(unsigned threads) {
        try {
            for (unsigned i = 0; i < threads; i++) workers_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
            if (workers_.empty()) throw;
        }
    }

    void enqueue(std::unique_ptr<Slot> slot) {
        slot->done = slot->complete = false;
        flight_.push_back(std::move(slot));  // first: a worker must not have what nobody keeps
        {
            const std::lock_guard lock(mutex_);
            todo_.push_back(flight_.back().get());
        }
        queued_.notify_one();
    }

    void work() {
        StripeChecker checker(context_);
        while (true) {
            Slot* slot = nullptr;
            {
                std::unique_lock lock(mutex_);
                queued_.wait(lock, [&] { return closed_ || !todo_.empty(); });
                if (todo_.empty()) return;
                slot = todo_.front();
                todo_.pop_front();
            }
            std::exception_ptr error;
            try {
                slot->batch.finish_reads(context_.stop);
                checker.check(slot->batch);
            } catch (...) {  // out of memory: told by the thread that runs the loop
                error = std::current_exception();
            }
            {
                const std::lock_guard lock(mutex_);
                slot->complete = !context_.stop;
                slot->error = error;
                slot->done = true;
            }
            checked_.notify_one();
        }
    }

    void tell_oldest() {
        auto slot = std::move(flight_.front());
        flight_.pop_front();
        {
            std::unique_lock lock(mutex_);
            checked_.wait(lock, [&] { return slot->done; });
        }
        if (slot->error) std::rethrow_exception(slot->error);
        if (slot->complete) {
            const Batch& batch = slot->batch;
            tell_unknowns(batch.window);
            tell_chunks_up_to(batch.window.chunk);
            for (const auto& damage : batch.damage) sink_.damage(damage);
            if (!batch.fixes.fixes.empty()) sink_.fixes(batch.fixes);
            total_.add(batch.counters);
            for (const Expect expect : batch.window.sectors)
                done_ += is_allocated(expect) ? batch.window.sectorsize : 0;
            sink_.progress(done_, allocated_);
        }
        free_.push_back(std::move(slot));
    }

    void tell_unknowns(const Window& window) {
        for (const auto& unknown : window.unknowns) sink_.unknown(unknown);
    }

    // Devices that are not to be believed are damage to every chunk that they have a part of.
    void tell_chunks_up_to(const volume::MappedChunk* last) {
        const auto& chunks = context_.volume.chunks();
        while (chunk_ < chunks.size() && (last == nullptr || chunks[chunk_].chunk.start <= last->chunk.start)) {
            for (const auto& damage : chunk_damage(context_.volume, chunks[chunk_])) sink_.damage(damage);
            chunk_++;
        }
    }

    const Context& context_;
    WindowBuilder& windows_;
    Sink& sink_;
    unsigned threads_;
    uint64_t allocated_;
    Counters total_;
    uint64_t done_ = 0;
    size_t chunk_;  // the next to tell of
    std::vector<std::unique_ptr<Slot>> free_;
    std::deque<std::unique_ptr<Slot>> flight_;  // oldest first

    std::mutex mutex_;
    std::condition_variable queued_, checked_;
    std::deque<Slot*> todo_;
    bool closed_ = false;
    std::vector<std::thread> workers_;
};

}  // namespace

// A batch once used for a wide chunk keeps its memory, so that all are counted as wide as the widest.
unsigned batch_count(unsigned threads, size_t widest_full_stripe) {
    const size_t most_bytes = size_t{std::max(threads, kMostThreads) + kReadAhead} * kBatchBytes;
    const size_t affordable = most_bytes / std::max(kBatchBytes, widest_full_stripe);
    const size_t wanted = std::max(threads + kReadAhead, kUsualBatches);
    return static_cast<unsigned>(std::max<size_t>(std::min(wanted, affordable), kLeastBatches));
}

Counters scrub_chunks(const Context& context, WindowBuilder& windows, Sink& sink, const Options& options,
                      uint64_t allocated_bytes) {
    return Pipeline(context, windows, sink, thread_count(options.threads), options.tell_devices, allocated_bytes).run();
}

std::vector<Damage> chunk_damage(const volume::Volume& volume, const volume::MappedChunk& chunk) {
    std::vector<Damage> all;
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        const auto& member = volume.member_of(chunk, i);
        if (member.device != nullptr && member.trusted()) continue;
        Damage damage;
        damage.devid = member.devid;
        damage.physical = chunk.chunk.stripes[i].offset;
        damage.length = chunk.extent_length();
        damage.role = (chunk.chunk.kind & format::chunk_kind::kData) != 0 ? Role::data : Role::tree;
        damage.cause = device_cause(member.state);
        damage.chunk = chunk.chunk.start;
        damage.logical = chunk.chunk.start;
        const bool survives = volume::survives(volume, chunk);
        damage.repairable = survives ? Repairable::yes : Repairable::no;
        if (survives && damage.cause == Cause::missing) damage.further_losses = volume::further_losses(volume, chunk);
        all.push_back(damage);
    }
    return all;
}

}  // namespace raid56::scrub
