// SPDX-License-Identifier: GPL-2.0-or-later
// One function a checksum kind, each behind the library that computes it; for this folder alone.
// Thread rule: as checksum.h. Does not promise bounds: every `out` must hold csum_size() of its kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace raid56::checksum {

/// Raw register, no inversion (ISA-L).
uint32_t crc32c_update(uint32_t crc, const uint8_t* bytes, size_t length);

/// Inverted before and after, stored little-endian: 4 bytes.
void crc32c_stored(const uint8_t* bytes, size_t length, uint8_t* out);

/// XXH64 with seed 0, stored little-endian: 8 bytes.
void xxhash64_stored(const uint8_t* bytes, size_t length, uint8_t* out);

/// 32 bytes.
void sha256_stored(const uint8_t* bytes, size_t length, uint8_t* out);

/// 32 bytes a block, many blocks at once where the processor and the installed libraries allow it.
void sha256_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out);

/// After prepare_gcrypt(): makes sure that sha256_blocks() is right; it falls back to libgcrypt if not.
void check_sha256_blocks();

/// BLAKE2b with a digest length of 32 (not the 64-byte digest cut short), no key: 32 bytes.
void blake2b_stored(const uint8_t* bytes, size_t length, uint8_t* out);

/// 32 bytes a block, several blocks at once where the processor can.
void blake2b_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out);

/// After prepare_gcrypt(): makes sure that blake2b_blocks() is right; it falls back to libgcrypt if not.
void check_blake2b_blocks();

/// Initialises libgcrypt; says so where it lacks an algorithm or forbids it (FIPS mode forbids blake2b).
Result<void> prepare_gcrypt();

}  // namespace raid56::checksum
