// SPDX-License-Identifier: GPL-2.0-or-later
// The ways to digest several blocks at once with BLAKE2b-256 that this processor has. Thread rule: as checksum.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace raid56::checksum {

struct Blake2bWide {
    unsigned lanes = 0;
    /// `lanes` blocks of `block_size` bytes, a multiple of kBlake2bChunk and not 0; 32 bytes a block to `out`.
    void (*digest)(const uint8_t* const* blocks, size_t block_size, uint8_t* out) = nullptr;
};

inline constexpr size_t kBlake2bChunk = 128;

/// Those that the processor can run, the widest first; none where this was built for another kind of processor.
std::span<const Blake2bWide> blake2b_wide();

}  // namespace raid56::checksum
