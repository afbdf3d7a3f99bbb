// SPDX-License-Identifier: GPL-2.0-or-later
#include "parity/shape.h"

#include <algorithm>

namespace raid56::parity {

std::optional<Loss> loss_of(const Job& job) {
    const unsigned nd = data_columns(job);
    const size_t columns = job.columns.size();
    auto [low, high] = std::minmax(job.erased[0], job.erased[1]);
    if (low >= columns) return std::nullopt;
    if (high == kNoColumn) {
        if (low < nd) return Loss{LossKind::data, low, 0};
        return Loss{low == nd ? LossKind::p : LossKind::q, 0, 0};
    }
    if (!job.has_q || high >= columns || low == high) return std::nullopt;
    if (high < nd) return Loss{LossKind::data_data, low, high};
    if (low < nd) return Loss{high == nd ? LossKind::data_p : LossKind::data_q, low, 0};
    return Loss{LossKind::p_q, 0, 0};
}

}  // namespace raid56::parity
