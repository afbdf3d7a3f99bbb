// SPDX-License-Identifier: GPL-2.0-or-later
// Damage of one full stripe: collected in any order, counted, joined into runs of alike rows, and
// handed on in the order of the report.
#pragma once

#include <vector>

#include "scrub/findings.h"
#include "volume/volume.h"

namespace raid56::scrub {

/// One sector of one column (or copy) in one row.
struct Cell {
    unsigned column = 0;  // data 0..nd-1, P, Q
    unsigned copy = 0;
    unsigned row = 0;
};

struct Finding {
    Role role = Role::data;
    Cause cause = Cause::checksum;
    Repairable repairable = Repairable::no;
    Proof proof = Proof::none;
    std::optional<DevId> suspect;
    uint64_t differing_bytes = 0;
};

class StripeEvents {
  public:
    StripeEvents(const volume::Volume& volume, const volume::MappedChunk& chunk, StripeNo n, Counters& counters)
        : volume_(volume), chunk_(chunk), n_(n), counters_(counters) {}

    /// Reports a sector, or where its device is missing, stale or distrusted, and so told once a chunk,
    /// only counts it: unless more is lost than the device's absence explains. `differs`: whether the
    /// bytes found there are not those that should be.
    void tell(const Cell& cell, Finding finding, bool differs = true);
    /// Counts a sector as what a repair would write, or as lost or undecided, and reports it.
    void report(const Cell& cell, const Finding& finding);
    /// Appends what was reported, joined and in order.
    void flush(std::vector<Damage>& out);

  private:
    void count(const Finding& finding);
    const volume::Member& member_of(const Cell& cell) const;
    Damage locate(const Cell& cell, const Finding& finding) const;

    struct Reported {
        Cell cell;
        Finding finding;
        unsigned rows = 1;
    };
    static bool joins(const Reported& run, const Reported& next);

    const volume::Volume& volume_;
    const volume::MappedChunk& chunk_;
    StripeNo n_;
    Counters& counters_;
    std::vector<Reported> reported_;
};

}  // namespace raid56::scrub
