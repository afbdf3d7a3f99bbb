// SPDX-License-Identifier: GPL-2.0-or-later
// What the checksum kinds that do several blocks at once have in common; for this folder alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace raid56::checksum {

using Stored = void(const uint8_t* bytes, size_t length, uint8_t* out);

/// The function is a template argument, so that the loop over blocks calls it directly. `size`: of a digest.
template <Stored stored>
void one_by_one(std::span<const uint8_t* const> blocks, size_t block_size, size_t size, uint8_t* out) {
    for (const uint8_t* block : blocks) {
        stored(block, block_size, out);
        out += size;
    }
}

/// Whether `many` gives the digests of 32 bytes that `one` gives: for blocks of different content, more than any
/// processor has lanes.
bool agree(void (&many)(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out), Stored& one);

}  // namespace raid56::checksum
