// SPDX-License-Identifier: GPL-2.0-or-later
// One write of a plan: where, why, and what is known of the bytes there. Plain values.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/csum_kind.h"
#include "scrub/findings.h"

namespace raid56::repair {

/// The order in which writes reach the devices; each phase is on stable storage before the next begins.
enum class Phase : uint8_t {
    data,        // data, tree blocks, unreadable free sectors
    parity,      // P and Q, made for the rows as the first phase leaves them
    super,       // superblock copies of devices that are up to date
    last_super,  // of devices that are brought up to date: once every row of theirs is done (DESIGN 3.8)
};
inline constexpr Phase kPhases[] = {Phase::data, Phase::parity, Phase::super, Phase::last_super};

Phase phase_of(scrub::Role role);

/// What a run may be limited to by --only.
enum class Kind : uint8_t { data, tree, parity, super };
Kind kind_of(scrub::Role role);

struct Write {
    Phase phase = Phase::data;
    scrub::Damage what;             // whole sectors within one strip; a superblock copy
    uint64_t unreadable = 0;        // bit i: sector i (of sectorsize) could not be read when the plan was made
    bool beyond_end = false;        // lies, wholly or in part, behind the end of a short image
    std::optional<Digest> old_sum;  // sha256 of the old bytes, unreadable sectors as zeros (plans)
};

/// A write with its bytes; either may be empty where a file does not keep them.
struct WriteBytes {
    ByteView old_bytes;
    ByteView new_bytes;
};

}  // namespace raid56::repair
