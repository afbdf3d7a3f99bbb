// SPDX-License-Identifier: GPL-2.0-or-later
// What a job's columns are, and which kind of loss a recover job asks to undo. For the engines.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "parity/engine.h"

namespace raid56::parity {

/// Most columns of a row, parities included: g^i stays distinct, and an index stays below kNoColumn.
inline constexpr size_t kMaxColumns = 255;

/// Data columns of a job; P is column nd, Q column nd + 1.
inline unsigned data_columns(const Job& job) { return static_cast<unsigned>(job.columns.size()) - (job.has_q ? 2 : 1); }

/// At least one data column and its parities, and not more columns than the field can tell apart.
inline bool columns_make_sense(const Job& job) {
    return job.columns.size() >= (job.has_q ? 3u : 2u) && job.columns.size() <= kMaxColumns;
}

enum class LossKind : uint8_t { p, q, p_q, data, data_p, data_q, data_data };

struct Loss {
    LossKind kind = LossKind::p;
    unsigned a = 0;  // the lost data column; of two the lower
    unsigned b = 0;  // data_data: the higher
};

/// The loss that job.erased names, in either order; nothing where the indices are none of this row's,
/// the same twice, or two on raid5. Needs columns_make_sense().
std::optional<Loss> loss_of(const Job& job);

}  // namespace raid56::parity
