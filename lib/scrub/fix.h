// SPDX-License-Identifier: GPL-2.0-or-later
// What a repair would write: where, why, what lies there and what should. Plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "scrub/findings.h"

namespace raid56::scrub {

/// Sectors of one device that follow each other within a strip, alike in role, cause and proof.
struct Fix {
    Damage what;              // `repairable` is yes
    uint64_t unreadable = 0;  // bit i: sector i could not be read; its old bytes are zeros
    size_t bytes = 0;         // in FixList::bytes: what.length old bytes, then as many new ones
};

/// The fixes of a batch, in the order of the report, with their bytes.
struct FixList {
    std::vector<Fix> fixes;
    std::vector<uint8_t> bytes;

    ByteView old_bytes(const Fix& fix) const { return ByteView(bytes).subspan(fix.bytes, fix.what.length); }
    ByteView new_bytes(const Fix& fix) const {
        return ByteView(bytes).subspan(fix.bytes + fix.what.length, fix.what.length);
    }
    void clear() {
        fixes.clear();
        bytes.clear();
    }
};

}  // namespace raid56::scrub
