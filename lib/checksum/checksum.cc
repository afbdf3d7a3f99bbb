// SPDX-License-Identifier: GPL-2.0-or-later
#include "checksum/checksum.h"

#include <cassert>

#include "checksum/kinds.h"
#include "checksum/many_blocks.h"

namespace raid56::checksum {
void digest_blocks(CsumKind kind, std::span<const uint8_t* const> blocks, size_t block_size, ByteSpan out) {
    size_t size = csum_size(kind);
    assert(size > 0 && out.size() / size >= blocks.size());
    switch (kind) {
        case CsumKind::crc32c: return one_by_one<crc32c_stored>(blocks, block_size, size, out.data());
        case CsumKind::xxhash64: return one_by_one<xxhash64_stored>(blocks, block_size, size, out.data());
        case CsumKind::sha256: return sha256_blocks(blocks, block_size, out.data());
        case CsumKind::blake2b: return blake2b_blocks(blocks, block_size, out.data());
    }
}

Digest digest(CsumKind kind, ByteView bytes) {
    Digest result{};
    const uint8_t* block = bytes.data();
    digest_blocks(kind, {&block, 1}, bytes.size(), result);
    return result;
}

uint32_t raw_crc32c(uint32_t seed, ByteView bytes) { return crc32c_update(seed, bytes.data(), bytes.size()); }

}  // namespace raid56::checksum
