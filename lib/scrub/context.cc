// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/context.h"

#include <algorithm>

#include "checksum/checksum.h"

namespace raid56::scrub {

bool digest_holds(const Window& window, size_t sector, CsumKind kind, const uint8_t* bytes) {
    const Digest digest = checksum::digest(kind, ByteView(bytes, window.sectorsize));
    return std::equal(digest.begin(), digest.begin() + static_cast<ptrdiff_t>(window.digest_size),
                      window.digest(sector));
}

std::pair<size_t, size_t> blocks_of_stripe(const Window& window, uint32_t nodesize, unsigned n) {
    const Logical from = window.logical(window.at(n, 0, 0)), to = window.logical(window.at(n + 1, 0, 0));
    const auto first = std::partition_point(window.blocks.begin(), window.blocks.end(),
                                            [&](const BlockHere& b) { return b.expect.start + nodesize <= from; });
    const auto end =
        std::partition_point(first, window.blocks.end(), [&](const BlockHere& b) { return b.expect.start < to; });
    return {static_cast<size_t>(first - window.blocks.begin()), static_cast<size_t>(end - window.blocks.begin())};
}

}  // namespace raid56::scrub
