// SPDX-License-Identifier: GPL-2.0-or-later
// The superblock: 4096 bytes at three places of every device. Pure; the checksum is checked by the
// caller, who has the engines.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/csum_kind.h"
#include "format/chunk.h"

namespace raid56::format {

inline constexpr size_t kSuperSize = 4096;
/// Where copies 0, 1 and 2 lie on a device (FACTS 1).
inline constexpr std::array<uint64_t, 3> kSuperOffsets = {0x10000, 0x4000000, 0x4000000000};

/// Whether the kernel keeps copy `index` on a device of that size: strict (FACTS 2).
constexpr bool super_copy_exists(unsigned index, uint64_t total_bytes) {
    return total_bytes > kSuperSize && kSuperOffsets[index] < total_bytes - kSuperSize;
}

struct Superblock {
    Uuid fsid{};           // what the user sees
    Uuid metadata_uuid{};  // what tree blocks and device items carry
    uint64_t bytenr = 0, flags = 0;
    Generation generation, chunk_root_generation;
    Logical root, chunk_root, log_root;  // log_root 0: no log
    uint8_t root_level = 0, chunk_root_level = 0, log_root_level = 0;
    uint64_t total_bytes = 0, bytes_used = 0, num_devices = 0;
    uint32_t sectorsize = 0, nodesize = 0;
    uint64_t compat = 0, compat_ro = 0, incompat = 0, cache_generation = 0;
    CsumKind csum = CsumKind::crc32c;
    DevItem dev_item;
    std::string label;  // bytes as they lie there, up to the first NUL
    std::vector<Chunk> sys_chunks;

    bool is_seed() const;
    bool has_block_group_tree() const;
    bool has_free_space_tree() const;
};

/// Part of the superblock that its checksum covers.
inline constexpr size_t kCsumField = 32;

/// The checksum kind, before anything else is trusted.
Decoded<CsumKind> peek_csum_kind(ByteView block);
/// Everything but the checksum. `where` is the byte offset on the device that it was read from.
Decoded<Superblock> decode_superblock(ByteView block, uint64_t where);
/// The same block with the magic put back: a device removed on purpose lacks only that (DESIGN 3.2).
bool lacks_magic(ByteView block);
std::vector<uint8_t> with_magic(ByteView block);
/// What a commit writes alike into every copy of one device: all but checksum, bytenr and the log root,
/// which an fsync puts into copy 0 alone (FACTS 2); the rest is zeroed.
using SuperBytes = std::array<uint8_t, kSuperSize>;
SuperBytes part_of_device(ByteView block);
/// What it writes alike on all devices: the same without the device item.
SuperBytes part_of_volume(ByteView block);

/// One sentence where this file system is of a kind that this program must not judge.
std::optional<std::string> refusal(const Superblock& super);
/// Names of the incompat and compat_ro features set; unknown ones by bit.
std::vector<std::string> feature_names(const Superblock& super);

}  // namespace raid56::format
