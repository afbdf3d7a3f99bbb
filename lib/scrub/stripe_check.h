// SPDX-License-Identifier: GPL-2.0-or-later
// Checks one full stripe the fast way: everything as it should be, or not. What is not goes to the
// judges, who find out what and why. One object a thread.
#pragma once

#include <vector>

#include "scrub/context.h"

namespace raid56::scrub {

class StripeChecker {
  public:
    explicit StripeChecker(const Context& context) : context_(context) {}

    /// Checks every needed full stripe of a batch whose reads are finished; fills its counters and damage.
    void check(Batch& batch);

  private:
    bool is_clean(Batch& batch, unsigned n);
    bool devices_are_plain(const Batch& batch, unsigned n) const;
    bool digests_hold(const Batch& batch, unsigned n);
    bool blocks_hold(const Batch& batch, unsigned n) const;
    bool copies_agree(const Batch& batch, unsigned n) const;
    bool parity_agrees(const Batch& batch, unsigned n);
    void count_clean(Batch& batch, unsigned n) const;

    const Context& context_;
    // Scratch, kept between stripes.
    std::vector<const uint8_t*> blocks_;
    std::vector<size_t> sectors_;
    std::vector<uint8_t> digests_;
    std::vector<uint8_t*> columns_;
    std::vector<parity::Job> jobs_;
};

}  // namespace raid56::scrub
