// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/checksum_bench.h"

#include "checksum/checksum.h"

namespace raid56::bench {

ChecksumFigure measure_checksum(CsumKind kind, size_t block, Clock clock) {
    constexpr size_t kCacheBytes = 512 << 10;
    const size_t distinct = kCacheBytes / block;
    const std::vector<uint8_t> bytes(distinct * block);
    std::vector<const uint8_t*> blocks(kBlockCounts.back());
    for (size_t i = 0; i < blocks.size(); i++) blocks[i] = bytes.data() + i % distinct * block;
    std::vector<uint8_t> out(blocks.size() * csum_size(kind));

    ChecksumFigure figure{kind, block, {}};
    for (const size_t count : kBlockCounts)
        figure.rates.push_back({count, measure(clock, count * block, [&] {
                                    checksum::digest_blocks(kind, {blocks.data(), count}, block, out);
                                })});
    return figure;
}

}  // namespace raid56::bench
