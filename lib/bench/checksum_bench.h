// SPDX-License-Identifier: GPL-2.0-or-later
// Rates of the checksum kinds by the number of blocks a call, in cache.
#pragma once

#include <array>

#include "base/csum_kind.h"
#include "bench/measure.h"

namespace raid56::bench {

struct ChecksumFigure {
    CsumKind kind = CsumKind::crc32c;
    size_t block = 0;         // bytes
    std::vector<Rate> rates;  // by blocks a call
};

inline constexpr std::array<size_t, 5> kBlockCounts = {1, 4, 16, 64, 128};

ChecksumFigure measure_checksum(CsumKind kind, size_t block, Clock clock);

}  // namespace raid56::bench
