// SPDX-License-Identifier: GPL-2.0-or-later
// One pass, a block at a time:
// 1. Sp = P ^ P', Sq = Q ^ Q' of the block.
// 2. The first byte in which they differ from zero anywhere proposes z = log Sq - log Sp. It proposes
//    none where one of the two is zero: no single data column does that.
// 3. From there on every block must hold Sq = g^z * Sp in each byte.
#include "parity/syndrome.h"

#include <algorithm>
#include <array>
#include <optional>

#include "parity/galois.h"
#include "parity/words.h"

namespace raid56::parity {
namespace {

std::array<uint8_t, kBlockBytes> bytes_of(const Block& block) {
    std::array<uint8_t, kBlockBytes> bytes;
    store(block, bytes.data(), bytes.size());
    return bytes;
}

/// z of the first byte in which a syndrome is not zero; nothing where only one is. `sp` | `sq` is not zero.
std::optional<unsigned> propose_column(const Block& sp, const Block& sq) {
    const auto p = bytes_of(sp), q = bytes_of(sq);
    size_t i = 0;
    while (p[i] == 0 && q[i] == 0) i++;
    if (p[i] == 0 || q[i] == 0) return std::nullopt;
    return (galois::log(q[i]) + galois::kOrder - galois::log(p[i])) % galois::kOrder;
}

}  // namespace

Finding locate(std::span<const uint8_t* const> columns, size_t length) {
    const unsigned nd = static_cast<unsigned>(columns.size()) - 2;
    auto at = [&](unsigned i) { return columns[i]; };

    Finding finding;
    Block any_p, any_q, against;  // `against`: what speaks against column z
    std::optional<unsigned> z;
    uint8_t factor = 0;
    for (size_t offset = 0; offset < length; offset += kBlockBytes) {
        const size_t n = std::min(kBlockBytes, length - offset);
        const Parities made = fold<true>(at, nd, offset, n, nd, nd);
        const Block sp = made.p ^ load(columns[nd] + offset, n);
        const Block sq = made.q ^ load(columns[nd + 1] + offset, n);
        const Block either = sp | sq;
        if (!either.any()) continue;
        if (finding.differing_bytes == 0) {
            z = propose_column(sp, sq);
            if (z) factor = galois::power(*z);
        }
        finding.differing_bytes += count_nonzero(either);
        any_p |= sp;
        any_q |= sq;
        if (z) against |= times(factor, sp) ^ sq;
    }

    if (finding.differing_bytes == 0) {
        finding.suspect = Suspect::none;
    } else if (!any_q.any()) {
        finding.suspect = Suspect::p;
    } else if (!any_p.any()) {
        finding.suspect = Suspect::q;
    } else if (z && *z < nd && !against.any()) {
        finding.suspect = Suspect::data;
        finding.column = *z;
    } else {
        finding.suspect = Suspect::several;
    }
    return finding;
}

}  // namespace raid56::parity
