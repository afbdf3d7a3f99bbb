// SPDX-License-Identifier: GPL-2.0-or-later
// Damage of one full stripe: collected in any order, counted, joined into runs of alike rows, and
// handed on in the order of the report; with it, where they are wanted, the bytes that put it right.
#pragma once

#include <vector>

#include "scrub/findings.h"
#include "scrub/fix.h"
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

/// A sector's bytes as found, null where they could not be had, and as they should be, null where that
/// is not known. To stay valid until flush().
struct SectorBytes {
    const uint8_t* found = nullptr;
    const uint8_t* right = nullptr;
};

class StripeEvents {
  public:
    /// `fixes`: where to put what a repair would write; nullptr where nobody asks.
    StripeEvents(const volume::Volume& volume, const volume::MappedChunk& chunk, StripeNo n, Counters& counters,
                 FixList* fixes)
        : volume_(volume), chunk_(chunk), n_(n), counters_(counters), fixes_(fixes) {}

    /// What would be repairable is undecided where the place may be another's: one that two dev extents claim, the
    /// parity of such a row, one that a superblock copy overlies.
    ///
    /// Reports a sector, or where its device is missing, stale or distrusted, and so told once a chunk,
    /// only counts it: unless more is lost than the device's absence explains. `bytes.right` is known
    /// where the finding is repairable; nothing is to be written where it is what was found.
    void tell(const Cell& cell, const Finding& found, const SectorBytes& bytes);
    /// Counts a sector as what a repair would write, or as lost or undecided, and reports it.
    void report(const Cell& cell, const Finding& found, const SectorBytes& bytes);
    /// Appends what was reported, joined and in order.
    void flush(std::vector<Damage>& out);

  private:
    struct Reported {
        Cell cell;
        Finding finding;
        unsigned rows = 1;
        std::vector<SectorBytes> bytes;  // by row; of fixes alone
    };

    void count(const Cell& cell, const Finding& finding, const SectorBytes& bytes);
    bool is_its_own(unsigned index, unsigned row) const;
    Finding decided(const Cell& cell, Finding finding) const;
    const volume::Member& member_of(const Cell& cell) const;
    Damage locate(const Reported& run) const;
    void add_fix(const Reported& run);
    static bool joins(const Reported& run, const Reported& next);
    static std::vector<Reported> runs_of(std::vector<Reported>& sectors);

    const volume::Volume& volume_;
    const volume::MappedChunk& chunk_;
    StripeNo n_;
    Counters& counters_;
    FixList* fixes_;
    std::vector<Reported> reported_;
    std::vector<Reported> to_write_;
};

}  // namespace raid56::scrub
