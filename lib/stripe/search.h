// SPDX-License-Identifier: GPL-2.0-or-later
// The search for the one content of a block that proof accepts, over what each of its sectors may
// have been (DESIGN 3.3; FACTS 10: rows may need different erasure choices, only the whole is proven).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "stripe/row.h"

namespace raid56::stripe {

/// What accepts a block. Thread rule: used by one search at a time.
class Oracle {
  public:
    virtual ~Oracle() = default;
    /// Whether sector `index` of the block could belong to an accepted block; must never be false for
    /// one that does. A cheap cut that spares most of the search.
    virtual bool plausible(size_t index, ByteView sector) const = 0;
    /// Whether the whole block is proven.
    virtual bool proven(ByteView block) const = 0;
    /// Whether two proven blocks say the same: bytes that mean nothing may differ.
    virtual bool equivalent(ByteView a, ByteView b) const = 0;
    /// Whether two different blocks cannot both be proven in practice (a cryptographic digest): the
    /// search may then end at the first.
    virtual bool collision_free() const = 0;
    /// Whether somebody wants the search to end now; its result means nothing then.
    virtual bool give_up() const { return false; }
};

enum class Verdict : uint8_t {
    one,        // exactly one content is proven
    none,       // no content is
    ambiguous,  // two different ones are
    limit,      // more combinations than the limit: nothing is known
};

struct SearchResult {
    Verdict verdict = Verdict::none;
    std::vector<uint8_t> block;  // Verdict::one: the proven content
};

/// Bytes that a search hands to the oracle before it gives up: a second or so of the slowest digest. A
/// 16 KiB block is 4 rows: with up to 13 contents of each row everything is tried.
inline constexpr uint64_t kSearchBytes = uint64_t{512} << 20;

/// choices[i]: what sector i of the block may have been, `sector` bytes each.
///
/// The hypotheses that are the same for all sectors come first: whole columns gone bad is what happens
/// to disks, and there are few of them. Then every combination of contents, up to `limit` bytes. A result
/// of the former stands when the combinations are too many: among so few tries a checksum that holds
/// by chance is out of the question, among millions it would not be.
SearchResult search(const std::vector<SectorChoices>& choices, size_t sector, const Oracle& oracle,
                    uint64_t limit = kSearchBytes);

}  // namespace raid56::stripe
