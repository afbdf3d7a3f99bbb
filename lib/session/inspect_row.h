// SPDX-License-Identifier: GPL-2.0-or-later
// One row, column by column: what lies there, and what proves or refutes it.
#pragma once

#include <string>
#include <vector>

#include "parity/engine.h"
#include "scrub/findings.h"
#include "session/open_volume.h"

namespace raid56::session {

struct ColumnView {
    unsigned column = 0, copy = 0;
    std::string role;  // data, P, Q
    uint64_t devid = 0, physical = 0;
    std::optional<uint64_t> logical;  // data columns
    std::string holds;                // data columns: data, tree, silent, preallocated, free, ...
    std::string state;                // proven, refuted, unreadable, missing, fits, does not fit, ...
};

struct RowView {
    const volume::MappedChunk* chunk = nullptr;
    uint64_t full_stripe = 0;
    unsigned row = 0;
    bool has_parity = false;
    std::vector<ColumnView> columns;
    std::vector<scrub::Damage> damage;  // of this row
};

/// The row that holds `logical`. Errors: no chunk maps it.
Result<RowView> view_row(OpenVolume& open, const World& world, parity::Engine& engine, Logical logical);

}  // namespace raid56::session
