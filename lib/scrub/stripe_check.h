// SPDX-License-Identifier: GPL-2.0-or-later
// Checks full stripes the fast way: everything as it should be, or not. What is not goes to the judges,
// who find out what and why. Digests and parity of a group of full stripes are one batch of the engine.
// One object a thread.
#pragma once

#include <vector>

#include "scrub/context.h"
#include "scrub/free_rows.h"
#include "scrub/missing_strips.h"

namespace raid56::scrub {

class StripeChecker {
  public:
    explicit StripeChecker(const Context& context) : context_(context), missing_(context), free_rows_(context) {}

    /// Checks every needed full stripe of a batch whose reads are finished; fills its counters and damage, and
    /// the strips of devices that are made anew.
    void check(Batch& batch);

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

    void check_group(Batch& batch, unsigned first, unsigned end);
    bool is_looked_at(const Window& window, unsigned n) const;
    Stripe look_at_devices(const Batch& batch, unsigned n) const;
    void make_missing(Batch& batch);
    bool is_missing(const Window& window, unsigned index) const {
        return context_.volume.member_of(*window.chunk, index).device == nullptr;
    }
    void add_digests(const Batch& batch, size_t stripe);
    void add_parity(const Batch& batch, size_t stripe);
    void run_jobs(Batch& batch);
    size_t compute_refused_digests(const Window& window);
    void compare(const Window& window);
    bool blocks_hold(const Batch& batch, unsigned n) const;
    bool copies_agree(const Batch& batch, unsigned n) const;
    void count_clean(Batch& batch, unsigned n) const;
    void count_unproven(Batch& batch, unsigned n) const;

    const Context& context_;
    // Scratch, kept between groups.
    MissingStrips missing_;
    FreeRowChecker free_rows_;
    std::vector<Stripe> stripes_;
    std::vector<unsigned> to_make_;       // full stripes with strips to be made
    std::vector<Run> runs_;               // of digest job i
    std::vector<size_t> parity_stripes_;  // of parity job i: index in stripes_
    std::vector<uint8_t*> columns_;       // of all jobs
    std::vector<parity::Job> jobs_;       // digests first, then parity
    std::vector<uint8_t> digests_;
    std::vector<const uint8_t*> blocks_;  // of refused digest jobs
    std::vector<uint8_t> software_digests_;
};

}  // namespace raid56::scrub
