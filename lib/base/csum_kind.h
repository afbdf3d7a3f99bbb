// SPDX-License-Identifier: GPL-2.0-or-later
// The checksum kinds of the format, by their on-disk number (FACTS 3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace raid56 {

enum class CsumKind : uint16_t { crc32c = 0, xxhash64 = 1, sha256 = 2, blake2b = 3 };

inline constexpr size_t kMaxCsumSize = 32;

/// Stored bytes of one checksum.
constexpr size_t csum_size(CsumKind kind) {
    switch (kind) {
        case CsumKind::crc32c: return 4;
        case CsumKind::xxhash64: return 8;
        case CsumKind::sha256: return 32;
        case CsumKind::blake2b: return 32;
    }
    return 0;
}

/// The name that btrfs-progs uses.
constexpr const char* csum_name(CsumKind kind) {
    switch (kind) {
        case CsumKind::crc32c: return "crc32c";
        case CsumKind::xxhash64: return "xxhash64";
        case CsumKind::sha256: return "sha256";
        case CsumKind::blake2b: return "blake2b";
    }
    return "?";
}

/// A checksum as stored; bytes past csum_size() are zero.
using Digest = std::array<uint8_t, kMaxCsumSize>;

}  // namespace raid56
