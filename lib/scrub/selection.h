// SPDX-License-Identifier: GPL-2.0-or-later
// The part of a file system that a scrub looks at: whole full stripes, so that every row is judged with all that it
// holds. Plain values.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "scrub/window.h"
#include "volume/volume.h"

namespace raid56::scrub {

/// One of `of` parts that together are the whole, from 1 on.
struct Shard {
    uint64_t number = 1, of = 1;
    bool operator==(const Shard&) const = default;
};
inline constexpr uint64_t kMostShards = 1'000'000;

/// What the user asks for: full stripes that are in all of these. Nothing here: everything.
struct Choice {
    std::set<Logical> chunks;      // by start; empty: all
    std::set<DevId> devids;        // chunks with a part on one of them; empty: all
    std::optional<Range> logical;  // that hold a byte of it
    std::optional<Shard> shard;
    bool free = false;                                // and, in these, rows of raid5/6 that hold nothing
    bool data = false, tree = false, parity = false;  // that hold data, or a tree block, or are of raid5/6; none: any

    bool has_kind() const { return data || tree || parity; }
    bool is_all() const { return chunks.empty() && devids.empty() && !logical && !shard && !has_kind(); }
};

/// A choice on a volume.
class Selection {
  public:
    /// Errors: a chunk or devid that the volume does not have, addresses that no chunk maps.
    static Result<Selection> make(const volume::Volume& volume, const Choice& choice);

    /// The full stripes of a chunk (by index) that may be wanted; begin >= end: none.
    struct Stripes {
        uint64_t begin = 0, end = 0;
    };
    Stripes stripes(size_t chunk) const { return stripes_[chunk]; }
    /// Whether full stripe `n` of a window (counted from its first) holds what is wanted.
    bool wants(const Window& window, unsigned n) const;
    /// What lies outside of it is not told, where nothing is known of it. Between them shards leave nothing out.
    bool speaks_of(Range logical) const { return span_.touches(logical); }
    /// Whether superblock copies are looked at, and of that device: by a scrub of all, of its devices, and by the
    /// first shard.
    bool wants_supers_of(DevId devid) const;
    /// Bytes of the logical space in the full stripes that may be wanted.
    uint64_t bytes_in(Range logical) const;
    /// Takes out what an earlier run has told. False where the volume has no such place.
    bool begin_at(const Position& position);

  private:
    Selection(const volume::Volume& volume, const Choice& choice) : volume_(&volume), choice_(choice) {}

    const volume::Volume* volume_;
    Choice choice_;
    std::vector<Stripes> stripes_;  // by index of the chunk
    RangeSet space_;                // logical: of these full stripes
    RangeSet span_;                 // logical: what it speaks of
};

}  // namespace raid56::scrub
