// SPDX-License-Identifier: GPL-2.0-or-later
// A loss as a matrix: each lost column is a sum of surviving columns times constants. For engines that
// multiply matrices; the scalar engine goes by the syndromes instead, so that each refutes the other.
// Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>

#include "parity/shape.h"

namespace raid56::parity {

/// rows (1 or 2) of `sources` coefficients: lost column target[r] = sum over s of
/// coefficient[r * sources + s] * column source[s]. As many sources as there are data columns.
struct RecoveryMatrix {
    unsigned sources = 0;
    unsigned rows = 0;
    std::array<uint8_t, kMaxColumns> source;
    std::array<uint8_t, 2 * kMaxColumns> coefficient;
    std::array<uint8_t, 2> target;
};

/// For a row of `nd` data columns. `loss` as loss_of() gives it for such a row.
RecoveryMatrix recovery_matrix(const Loss& loss, unsigned nd);

}  // namespace raid56::parity
