// SPDX-License-Identifier: GPL-2.0-or-later
// Checks full stripes the fast way: everything as it should be, or not. What is not goes to the judges,
// who find out what and why. Digests and parity of a group of full stripes are one batch of the engine.
// Several batches may be begun before the first is finished: what the engine does beside this thread is then done while
// the next one is made ready. One object a thread.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "scrub/context.h"
#include "scrub/free_rows.h"
#include "scrub/missing_strips.h"

namespace raid56::scrub {

class StripeChecker {
  public:
    explicit StripeChecker(const Context& context) : context_(context), missing_(context), free_rows_(context) {}
    /// Waits for what the engine still has.
    ~StripeChecker();
    StripeChecker(const StripeChecker&) = delete;
    StripeChecker& operator=(const StripeChecker&) = delete;

    /// Checks every needed full stripe of a batch whose reads are finished; fills its counters and damage, and
    /// the strips of devices that are made anew.
    void check(Batch& batch) {
        begin(batch);
        finish(batch);
    }
    /// The same in two steps: its first group is given to the engine; and the rest. In the order in which they were
    /// begun, and each, whatever became of others.
    void begin(Batch& batch);
    void finish(Batch& batch);

  private:
    // One full stripe of the group under way.
    struct Stripe {
        unsigned n = 0;
        bool clean = true;     // so far
        unsigned missing = 0;  // devices
    };
    // Sectors with a checksum that follow each other in one strip, and the digests made of them.
    struct Run {
        size_t stripe = 0;  // index in stripes_
        size_t sector = 0;  // of the window: the first
        size_t count = 0;
    };

    // Full stripes [first, end) of a batch, and what the engine is given of them.
    struct Group {
        Batch* batch = nullptr;
        unsigned first = 0, end = 0;
        bool submitted = false;
        std::vector<Stripe> stripes;
        std::vector<Run> runs;               // of digest job i
        std::vector<size_t> parity_stripes;  // of parity job i: index in stripes
        std::vector<uint8_t*> columns;       // of all jobs
        std::vector<parity::Job> jobs;       // digests first, then parity
        std::vector<uint8_t> digests;
    };

    std::unique_ptr<Group> new_group(Batch& batch, unsigned first);
    void begin_group(Group& group);
    void finish_group(Group& group);
    void abandon(Group& group);
    bool is_looked_at(const Window& window, unsigned n) const;
    Stripe look_at_devices(const Batch& batch, unsigned n) const;
    void make_missing(Group& group);
    bool is_missing(const Window& window, unsigned index) const {
        return context_.volume.member_of(*window.chunk, index).device == nullptr;
    }
    void add_digests(Group& group, size_t stripe);
    void add_parity(Group& group, size_t stripe);
    void start_jobs(Group& group);
    void finish_jobs(Group& group);
    size_t compute_refused_digests(Group& group);
    static void compare(Group& group);
    bool blocks_hold(const Batch& batch, unsigned n) const;
    bool copies_agree(const Batch& batch, unsigned n) const;
    void count_clean(Batch& batch, unsigned n) const;
    void count_unproven(Batch& batch, unsigned n) const;

    const Context& context_;
    // Scratch, kept between groups.
    MissingStrips missing_;
    FreeRowChecker free_rows_;
    std::vector<unsigned> to_make_;       // full stripes with strips to be made
    std::vector<const uint8_t*> blocks_;  // of refused digest jobs
    std::vector<uint8_t> software_digests_;
    std::deque<std::unique_ptr<Group>> begun_;  // oldest first
    std::vector<std::unique_ptr<Group>> free_;
};

}  // namespace raid56::scrub
