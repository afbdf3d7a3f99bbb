// SPDX-License-Identifier: GPL-2.0-or-later
// The four checksum kinds of btrfs over many equal blocks a call. Pure; safe from any thread once
// self_test() has returned (it also initialises libgcrypt).
// Does not promise: to know which bytes a checksum covers (bytes 32.. of a tree block or superblock,
// whole sectors of data: FACTS 3), nor to compare anything.
#pragma once

#include <span>

#include "base/bytes.h"
#include "base/csum_kind.h"
#include "base/result.h"

namespace raid56::checksum {

/// Digest of one run of bytes of any length, as it is stored on disk: crc32c and xxhash64
/// little-endian, sha256 and blake2b in the order of their standards (FACTS 3). Throws
/// std::bad_alloc where libgcrypt has no memory for a thread's first digest.
Digest digest(CsumKind kind, ByteView bytes);

/// Digests of blocks.size() blocks of `block_size` bytes each; `out` holds at least
/// blocks.size() * csum_size(kind) bytes and is filled in order, as stored on disk, without gaps.
void digest_blocks(CsumKind kind, std::span<const uint8_t* const> blocks, size_t block_size, ByteSpan out);

/// Raw crc32c as the format's name hashes use it: no inversion before or after (FACTS 21).
/// Calls chain: the result is the seed of the next run of bytes.
uint32_t raw_crc32c(uint32_t seed, ByteView bytes);

/// Each kind against known answers, one at a time and as blocks; names the kind that fails, and a
/// libgcrypt that will not give sha256 or blake2b. Call once before the first digest.
Result<void> self_test();

}  // namespace raid56::checksum
