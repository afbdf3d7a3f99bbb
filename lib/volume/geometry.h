// SPDX-License-Identifier: GPL-2.0-or-later
// Where a chunk's bytes lie. Pure arithmetic, one set of formulas for every profile (FACTS 6, 7).
//
// A full stripe n of any chunk is one strip on each of its stripes' devices that takes part, all at
// n * 64 KiB from the start of their dev extents. It has `nd` data columns, `copies` copies of each
// and `np` parity columns:
//
//   profile      nd     copies  np   column c, copy m of full stripe n lies on stripe
//   single       1      1       0    0
//   dup, raid1*  1      N       0    m
//   raid0        N      1       0    c
//   raid10       N/2    2       0    2c + m
//   raid5        N-1    1       1    (n + c) mod N; P is column nd
//   raid6        N-2    1       2    (n + c) mod N; P is column nd, Q column nd + 1
#pragma once

#include <optional>
#include <vector>

#include "base/range.h"
#include "base/units.h"
#include "format/chunk.h"

namespace raid56::volume {

struct Layout {
    unsigned stripes = 1, nd = 1, copies = 1, np = 0;
    unsigned columns() const { return nd + np; }
    uint64_t data_length() const { return nd * kStripLen; }  // logical bytes of one full stripe
};

Layout layout_of(format::Profile profile, unsigned stripes);

/// Index of the stripe that holds copy `copy` of column `column` (data 0..nd-1, P nd, Q nd + 1).
constexpr unsigned stripe_index(const Layout& layout, StripeNo n, unsigned column, unsigned copy) {
    if (layout.np > 0) return static_cast<unsigned>((n.v + column) % layout.stripes);
    return column * layout.copies + copy;
}

/// The column that stripe `index` holds in full stripe n; for profiles without parity index / copies.
constexpr unsigned column_of(const Layout& layout, StripeNo n, unsigned index) {
    if (layout.np == 0) return index / layout.copies;
    const unsigned shift = static_cast<unsigned>(n.v % layout.stripes);
    return (index + layout.stripes - shift) % layout.stripes;
}

/// Place of one logical byte in its chunk.
struct Place {
    StripeNo n;
    unsigned column = 0;
    uint32_t offset = 0;  // into the strip
};

constexpr Place place_of(const Layout& layout, uint64_t chunk_offset) {
    const uint64_t strip = chunk_offset / kStripLen;
    return {StripeNo(strip / layout.nd), static_cast<unsigned>(strip % layout.nd),
            static_cast<uint32_t>(chunk_offset % kStripLen)};
}

/// Full stripes of a chunk; the last may be cut short by the chunk's end.
uint64_t full_stripe_count(const Layout& layout, uint64_t chunk_length);
/// Bytes of each dev extent.
uint64_t dev_extent_length(const Layout& layout, uint64_t chunk_length);

/// Full stripes of a raid5/6 chunk whose parity is no parity, ascending: those that a superblock
/// copy overlies (FACTS 8), and the last one where the chunk's end cuts it short.
std::vector<StripeNo> stripes_without_parity(const format::Chunk& chunk, const Layout& layout);
/// Whether a superblock copy overlies some byte of that range of a device.
bool is_under_super(Range place);

}  // namespace raid56::volume
