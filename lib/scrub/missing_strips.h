// SPDX-License-Identifier: GPL-2.0-or-later
// Strips of missing devices, made from what the others hold as it stands. Proves nothing.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "scrub/context.h"

namespace raid56::scrub {

class MissingStrips {
  public:
    explicit MissingStrips(const Context& context) : context_(context) {}

    /// Fills the strips of missing devices in these full stripes (counted from the window's first, of one
    /// group): from parity, leaving out what cannot be read and, where enough is left, devices that are not
    /// believed; on mirrored profiles from another copy. Zeros where too little is left, and where the
    /// full stripe has no parity. Returns the jobs that software did for the engine.
    size_t make(Batch& batch, std::span<const unsigned> stripes);

  private:
    void add_jobs(Batch& batch, unsigned n);
    void add_job(Batch& batch, unsigned n, unsigned row, unsigned end, const std::vector<unsigned>& erased);
    static void clear(Batch& batch, unsigned n, unsigned index, unsigned row, unsigned end);
    void copy_mirror(Batch& batch, unsigned n) const;
    const volume::Member& member(const Batch& batch, unsigned index) const {
        return context_.volume.member_of(*batch.window.chunk, index);
    }
    uint8_t* scratch();

    const Context& context_;
    std::vector<parity::Job> jobs_;
    std::vector<std::vector<uint8_t*>> columns_;            // of job i
    std::vector<std::unique_ptr<parity::Buffer>> scratch_;  // for columns that are erased, but not missing
    size_t scratch_used_ = 0;
};

}  // namespace raid56::scrub
