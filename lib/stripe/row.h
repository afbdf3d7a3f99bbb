// SPDX-License-Identifier: GPL-2.0-or-later
// One row (vertical stripe) of a raid5/6 full stripe in memory: a sector of every column as found,
// which of them could not be had, which are proven. A view: it owns no bytes.
//
// Thread rule: plain values; one thread at a time.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "parity/engine.h"

namespace raid56::stripe {

using parity::Engine;

/// A set of column indices; the kernel holds a column count in one byte.
using ColumnSet = std::bitset<256>;

struct Row {
    unsigned nd = 0;
    unsigned np = 0;                    // 0 where the row has no parity worth the name
    std::span<uint8_t* const> columns;  // data 0..nd-1, P, Q: nd + np pointers
    size_t length = 0;                  // one sector, bytes
    ColumnSet erased;                   // nothing can be said of these bytes
    ColumnSet proven;                   // data columns that a checksum or tree check proves

    unsigned p() const { return nd; }
    unsigned q() const { return nd + 1; }
    bool has_p() const { return np > 0 && !erased[p()]; }
    bool has_q() const { return np > 1 && !erased[q()]; }
};

/// Memory for reconstructed sectors; freed all at once.
class Arena {
  public:
    explicit Arena(size_t sector) : sector_(sector) {}
    /// One sector of uninitialised memory, aligned for the parity engines.
    uint8_t* sector();
    void clear() { used_ = 0; }
    size_t sector_size() const { return sector_; }

  private:
    static constexpr size_t kSectorsPerBlock = 16;
    struct Free {
        void operator()(uint8_t* memory) const;
    };
    size_t sector_;
    size_t used_ = 0;
    std::vector<std::unique_ptr<uint8_t[], Free>> blocks_;
};

/// Recovers columns a (and b) of the row into fresh arena sectors, from all the others as they stand.
/// b may be parity::kNoColumn. Which columns may be asked for: with np parities, at most np of them.
struct Recovered {
    uint8_t* a = nullptr;
    uint8_t* b = nullptr;
};
Recovered recover(const Row& row, parity::Engine& engine, Arena& arena, unsigned a, unsigned b);

/// What one sector may have been.
struct SectorChoices {
    std::vector<const uint8_t*> contents;  // different ones, most likely first
    /// contents[by_set[s]] is what hypothesis s gives, where by_set[s] is not kNoContent. Hypotheses have
    /// the same number in every row of a block: "the same columns are bad in all of them".
    std::vector<uint16_t> by_set;

    static constexpr uint16_t kNoContent = 0xffff;
    /// Adds a content of `length` bytes under the next hypothesis; nullptr where there is none.
    void add(const uint8_t* content, size_t length);
};

/// Every content that column x may have had: as it stands (unless erased), and rebuilt under each
/// erasure set that the parities allow. Erasing a proven column gives nothing that the sets without it
/// do not give, so those are left out.
SectorChoices candidates(const Row& row, parity::Engine& engine, Arena& arena, unsigned x);

}  // namespace raid56::stripe
