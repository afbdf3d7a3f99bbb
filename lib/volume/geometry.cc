// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/geometry.h"

#include <algorithm>

#include "format/superblock.h"

namespace raid56::volume {

Layout layout_of(format::Profile profile, unsigned stripes) {
    using format::Profile;
    switch (profile) {
        case Profile::single: return {stripes, 1, 1, 0};
        case Profile::dup:
        case Profile::raid1:
        case Profile::raid1c3:
        case Profile::raid1c4: return {stripes, 1, stripes, 0};
        case Profile::raid0: return {stripes, stripes, 1, 0};
        case Profile::raid10: return {stripes, stripes / 2, 2, 0};
        case Profile::raid5: return {stripes, stripes - 1, 1, 1};
        case Profile::raid6: return {stripes, stripes - 2, 1, 2};
    }
    return {};
}

uint64_t full_stripe_count(const Layout& layout, uint64_t chunk_length) {
    return (chunk_length + layout.data_length() - 1) / layout.data_length();
}

uint64_t dev_extent_length(const Layout& layout, uint64_t chunk_length) {
    if (layout.nd == 1) return chunk_length;
    return full_stripe_count(layout, chunk_length) * kStripLen;
}

std::vector<StripeNo> stripes_without_parity(const format::Chunk& chunk, const Layout& layout) {
    std::vector<StripeNo> stripes;
    if (layout.np == 0) return stripes;
    const uint64_t length = dev_extent_length(layout, chunk.length);
    for (const auto& stripe : chunk.stripes) {
        for (const uint64_t copy : format::kSuperOffsets) {
            // A dev extent that is not aligned to 64 KiB may have a copy straddle two strips.
            for (const uint64_t byte : {copy, copy + format::kSuperSize - 1}) {
                if (byte < stripe.offset.v || byte - stripe.offset.v >= length) continue;
                stripes.push_back(StripeNo((byte - stripe.offset.v) / kStripLen));
            }
        }
    }
    if (chunk.length % layout.data_length() != 0)
        stripes.push_back(StripeNo(full_stripe_count(layout, chunk.length) - 1));
    std::sort(stripes.begin(), stripes.end());
    stripes.erase(std::unique(stripes.begin(), stripes.end()), stripes.end());
    return stripes;
}

bool is_under_super(Range place) {
    return std::any_of(format::kSuperOffsets.begin(), format::kSuperOffsets.end(), [&](uint64_t offset) {
        return !intersect(place, {offset, offset + format::kSuperSize}).empty();
    });
}

}  // namespace raid56::volume
