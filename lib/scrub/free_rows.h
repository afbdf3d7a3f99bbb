// SPDX-License-Identifier: GPL-2.0-or-later
// Rows of raid5/6 that hold nothing: whether they can be read, and whether P and Q are what the other columns give.
// Linux computes parity for what it writes alone: where a disk was not zeroed before, such rows differ and nothing is
// wrong. One object a thread.
#pragma once

#include <vector>

#include "scrub/context.h"

namespace raid56::scrub {

/// Whether anything can be said of the free rows of a chunk: one of raid5/6, all of whose devices are here and
/// believed.
bool judges_free_rows(const volume::Volume& volume, const volume::MappedChunk& chunk);

class FreeRowChecker {
  public:
    explicit FreeRowChecker(const Context& context) : context_(context) {}

    /// Looks at the needed full stripes [first, end) of a batch, which are loaded; fills its free rows and counters.
    /// Nothing where judges_free_rows() says no.
    void check(Batch& batch, unsigned first, unsigned end);

  private:
    // Rows of one full stripe that are free and readable on all devices, one behind the other.
    struct Run {
        unsigned n = 0, row = 0, rows = 0;
    };

    void look_at(Batch& batch, unsigned n);
    void add_job(const Batch& batch, unsigned n, unsigned row, unsigned rows);
    void run_jobs(Batch& batch);
    void compare_one_by_one(Batch& batch);

    const Context& context_;
    // Scratch, kept between groups.
    std::vector<Run> runs_;                       // of job i
    std::vector<std::vector<uint8_t*>> columns_;  // of job i
    std::vector<parity::Job> jobs_;
};

}  // namespace raid56::scrub
