// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. A free batch is filled with the next window and its reads are started; it joins the queue.
// 2. A worker takes the oldest queued batch, waits for its reads, checks it; where the engine works beside it, it
//    makes the next one ready meanwhile.
// 3. The oldest batch, once checked, is told to the sink and is free again: results leave in the
//    order in which the windows were built.
#include "scrub/scrub.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
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
    Pipeline(const Context& context, WindowBuilder& windows, Sink& sink, unsigned threads, const Options& options,
             uint64_t all)
        : context_(context),
          windows_(windows),
          sink_(sink),
          threads_(threads),
          all_(all),
          total_(options.so_far),
          chunk_(options.tell_devices ? first_chunk_to_tell(options) : context.volume.chunks().size()) {
        const unsigned batches =
            batch_count(threads * context.engine.batches_in_flight(), widest_full_stripe(context.volume));
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
            if (context_.stop) break;
            auto slot = std::move(free_.back());
            free_.pop_back();
            if (!windows_.next(slot->batch.window, stripes_in_batch)) {
                while (!flight_.empty()) tell_oldest();
                // What is still to be told lies behind the cut, and trees that are read now seem to be lost.
                if (context_.stop) return total_;
                keep_unknowns(slot->batch.window);
                tell_chunks_up_to(nullptr);
                tell_unknowns_before(std::nullopt);
                sink_.progress(all_, all_);
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

    // The system may refuse threads (limits of a container): go on with those that it gives, or with this one alone.
    void start_workers(unsigned threads) {
        try {
            for (unsigned i = 0; i < threads; i++) workers_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
            if (workers_.empty()) own_checker_.emplace(context_);
        }
    }

    void enqueue(std::unique_ptr<Slot> slot) {
        slot->done = slot->complete = false;
        slot->error = nullptr;
        flight_.push_back(std::move(slot));  // first: a worker must not have what nobody keeps
        {
            const std::lock_guard lock(mutex_);
            todo_.push_back(flight_.back().get());
        }
        queued_.notify_one();
    }

    void work() {
        StripeChecker checker(context_);
        std::deque<Slot*> begun;
        while (true) {
            Slot* const next = take(begun.empty());
            if (next == nullptr && begun.empty()) return;
            if (next != nullptr) {
                begin(checker, *next);
                begun.push_back(next);
            }
            if (next == nullptr || begun.size() >= context_.engine.batches_in_flight()) {
                finish(checker, *begun.front());
                begun.pop_front();
            }
        }
    }

    // The oldest of those that nobody has; nullptr where there is none, and will be none if it was waited for.
    Slot* take(bool wait) {
        std::unique_lock lock(mutex_);
        if (wait) queued_.wait(lock, [&] { return closed_ || !todo_.empty(); });
        if (todo_.empty()) return nullptr;
        Slot* const slot = todo_.front();
        todo_.pop_front();
        return slot;
    }

    void begin(StripeChecker& checker, Slot& slot) {
        try {
            slot.batch.finish_reads(context_.stop);
            checker.begin(slot.batch);
        } catch (...) {  // out of memory: told by the thread that runs the loop
            slot.error = std::current_exception();
        }
    }

    void finish(StripeChecker& checker, Slot& slot) {
        std::exception_ptr error = slot.error;
        try {
            if (!error) checker.finish(slot.batch);
        } catch (...) {
            error = std::current_exception();
        }
        {
            const std::lock_guard lock(mutex_);
            slot.complete = !context_.stop;
            slot.error = error;
            slot.done = true;
        }
        checked_.notify_one();
    }

    void tell_oldest() {
        if (own_checker_) {
            if (Slot* const next = take(false)) {
                begin(*own_checker_, *next);
                finish(*own_checker_, *next);
            }
        }
        auto slot = std::move(flight_.front());
        flight_.pop_front();
        {
            std::unique_lock lock(mutex_);
            checked_.wait(lock, [&] { return slot->done; });
        }
        if (slot->error) std::rethrow_exception(slot->error);
        // Nothing behind what was cut off is told, though another worker may have been done with it.
        cut_ = cut_ || !slot->complete;
        if (!cut_) {
            const Batch& batch = slot->batch;
            keep_unknowns(batch.window);
            tell_chunks_up_to(batch.window.chunk);
            auto free_rows = batch.free_rows.begin();
            const auto tell_free_rows_before = [&](uint64_t full_stripe) {
                for (; free_rows != batch.free_rows.end() && free_rows->full_stripe < full_stripe; ++free_rows)
                    sink_.free_rows(*free_rows);
            };
            for (const auto& damage : batch.damage) {
                tell_free_rows_before(damage.full_stripe.value_or(0));
                tell_unknowns_before(place_of(damage, *batch.window.chunk));
                sink_.damage(damage);
            }
            tell_free_rows_before(format::kMaxU64);
            if (!batch.fixes.fixes.empty()) sink_.fixes(batch.fixes);
            hand_on_made(batch);
            total_.add(batch.counters);
            done_ += windows_.bytes_of(batch.window);
            sink_.reached({batch.window.chunk->chunk.start, StripeNo(batch.window.first.v + batch.window.count)},
                          total_);
            // What is left out is not counted, and what two trees tell of is counted twice: the end is the end.
            sink_.progress(std::min(done_, all_ - std::min<uint64_t>(all_, 1)), all_);
        }
        free_.push_back(std::move(slot));
    }

    // Strips of one device follow each other in memory as on the device.
    void hand_on_made(const Batch& batch) {
        const auto& window = batch.window;
        const auto& chunk = *window.chunk;
        const uint64_t from = window.first.v * kStripLen;
        const uint64_t length = std::min(window.count * kStripLen, chunk.extent_length() - from);
        for (unsigned i = 0; i < chunk.layout.stripes; i++)
            if (context_.makes(chunk.members[i]))
                sink_.made(chunk.members[i], chunk.physical(window.first, i), ByteView(batch.strip(0, i), length));
    }

    // Where a run goes on in the middle of a chunk, the one before has told of its devices.
    size_t first_chunk_to_tell(const Options& options) const {
        if (!options.from) return 0;
        const auto& chunks = context_.volume.chunks();
        const auto next = options.from->next.v > 0 ? options.from->chunk + 1 : options.from->chunk;
        return static_cast<size_t>(
            std::partition_point(chunks.begin(), chunks.end(), [&](const auto& c) { return c.chunk.start < next; }) -
            chunks.begin());
    }

    // Of parity, and so of all of its full stripe, where that starts.
    static Logical place_of(const Damage& damage, const volume::MappedChunk& chunk) {
        if (damage.full_stripe) return chunk.logical(StripeNo(*damage.full_stripe), 0);
        return damage.logical.value_or(chunk.chunk.start);
    }

    void keep_unknowns(const Window& window) {
        for (const auto& unknown : window.unknowns) unknowns_.emplace(unknown.logical, unknown);
    }

    // By address alone, not by the window that met them: wherever windows end, the order is the same.
    void tell_unknowns_before(std::optional<Logical> place) {
        const auto end = place ? unknowns_.lower_bound(*place) : unknowns_.end();
        for (auto at = unknowns_.begin(); at != end; at = unknowns_.erase(at)) sink_.unknown(at->second);
    }

    // Devices that are not to be believed are damage to every chunk that they have a part of.
    void tell_chunks_up_to(const volume::MappedChunk* last) {
        const auto& chunks = context_.volume.chunks();
        while (chunk_ < chunks.size() && (last == nullptr || chunks[chunk_].chunk.start <= last->chunk.start)) {
            const auto all =
                windows_.takes_from(chunk_) ? chunk_damage(context_, chunks[chunk_]) : std::vector<Damage>{};
            for (const auto& damage : all) {
                tell_unknowns_before(chunks[chunk_].chunk.start);
                sink_.damage(damage);
            }
            chunk_++;
        }
    }

    const Context& context_;
    WindowBuilder& windows_;
    Sink& sink_;
    unsigned threads_;
    uint64_t all_;
    Counters total_;
    uint64_t done_ = 0;
    bool cut_ = false;                          // by an interrupt
    std::multimap<Logical, Unknown> unknowns_;  // met, and not told yet
    size_t chunk_;                              // the next to tell of
    std::vector<std::unique_ptr<Slot>> free_;
    std::deque<std::unique_ptr<Slot>> flight_;  // oldest first

    std::mutex mutex_;
    std::condition_variable queued_, checked_;
    std::deque<Slot*> todo_;
    bool closed_ = false;
    std::vector<std::thread> workers_;
    std::optional<StripeChecker> own_checker_;  // where there are no workers
};

}  // namespace

// A batch once used for a wide chunk keeps its memory, so that all are counted as wide as the widest.
unsigned batch_count(unsigned checked, size_t widest_full_stripe) {
    const size_t most_bytes = size_t{std::max(checked, kMostThreads) + kReadAhead} * kBatchBytes;
    const size_t affordable = most_bytes / std::max(kBatchBytes, widest_full_stripe);
    const size_t wanted = std::max(checked + kReadAhead, kUsualBatches);
    return static_cast<unsigned>(std::max<size_t>(std::min(wanted, affordable), kLeastBatches));
}

Counters scrub_chunks(const Context& context, WindowBuilder& windows, Sink& sink, const Options& options,
                      uint64_t all) {
    return Pipeline(context, windows, sink, thread_count(options.threads), options, all).run();
}

std::vector<Damage> chunk_damage(const Context& context, const volume::MappedChunk& chunk) {
    const bool whole = volume::survives(context.volume, chunk);
    std::vector<Damage> all;
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        const auto& member = context.volume.member_of(chunk, i);
        if (member.device != nullptr && member.trusted()) continue;
        if (whole && context.makes(chunk.members[i])) continue;
        Damage damage;
        damage.devid = member.devid;
        damage.physical = chunk.chunk.stripes[i].offset;
        damage.length = chunk.extent_length();
        damage.role = (chunk.chunk.kind & format::chunk_kind::kData) != 0 ? Role::data : Role::tree;
        damage.cause = device_cause(member.state);
        damage.chunk = chunk.chunk.start;
        damage.logical = chunk.chunk.start;
        damage.repairable = whole ? Repairable::yes : Repairable::no;
        if (whole && damage.cause == Cause::missing)
            damage.further_losses = volume::further_losses(context.volume, chunk);
        all.push_back(damage);
    }
    return all;
}

}  // namespace raid56::scrub
