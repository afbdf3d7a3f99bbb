// SPDX-License-Identifier: GPL-2.0-or-later
// Superblocks and chunk items as bytes (FACTS: fixed sizes and byte offsets).
#pragma once

#include <string>
#include <vector>

#include "base/csum_kind.h"
#include "support/encode.h"

namespace raid56::test {

/// Bits of a chunk's type on disk.
namespace chunk_type {
inline constexpr uint64_t kData = 1, kSystem = 2, kMetadata = 4, kRaid0 = 8, kRaid1 = 0x10, kDup = 0x20, kRaid10 = 0x40,
                          kRaid5 = 0x80, kRaid6 = 0x100, kRaid1c3 = 0x200, kRaid1c4 = 0x400;
}

struct StripeSpec {
    uint64_t devid = 1, offset = 0x100000;
    Uuid uuid{};
};

struct ChunkSpec {
    uint64_t length = 0x800000, stripe_len = 65536, type = chunk_type::kSystem;
    uint32_t sectorsize = 4096;
    std::vector<StripeSpec> stripes = {StripeSpec{}};
};

/// A chunk item; its key is not part of it.
Bytes encode_chunk(const ChunkSpec& chunk);

struct DevItemSpec {
    uint64_t devid = 1, total_bytes = uint64_t{1} << 30, bytes_used = 0, generation = 0;
    Uuid uuid = uuid_of(0xd1), fsid = uuid_of(0xf5);
};
Bytes encode_dev_item(const DevItemSpec& item);

struct SysChunkSpec {
    uint64_t objectid = 256;
    uint8_t type = 228;
    uint64_t logical = 0x1000000;
    ChunkSpec chunk;
};

/// A superblock that every check accepts, as it stands.
struct SuperSpec {
    Uuid fsid = uuid_of(0xf5), metadata_uuid{};
    uint64_t bytenr = 0x10000, flags = 1;
    std::string magic = "_BHRfS_M";
    uint64_t generation = 7, root = 0x1004000, chunk_root = 0x1000000, log_root = 0;
    uint64_t total_bytes = uint64_t{1} << 30, bytes_used = 0x100000, num_devices = 1;
    uint32_t sectorsize = 4096, nodesize = 16384, leafsize = 16384, stripesize = 4096;
    uint64_t chunk_root_generation = 7, compat = 0, compat_ro = 0, incompat = 0x341;
    uint16_t csum_type = 0;
    uint8_t root_level = 0, chunk_root_level = 0, log_root_level = 0;
    DevItemSpec dev_item;
    std::string label;
    uint64_t cache_generation = 0;
    std::vector<SysChunkSpec> sys_chunks = {SysChunkSpec{}};
};

/// 4096 bytes with a checksum that holds.
Bytes encode_super(const SuperSpec& super);
/// Makes the checksum of a superblock or tree block hold again.
void sign(Bytes& block, CsumKind kind = CsumKind::crc32c);

/// Offsets of superblock fields.
namespace super_at {
inline constexpr size_t kFsid = 32, kBytenr = 48, kFlags = 56, kMagic = 64, kGeneration = 72, kRoot = 80,
                        kChunkRoot = 88, kLogRoot = 96, kLogRootTransid = 104, kTotalBytes = 112, kBytesUsed = 120,
                        kNumDevices = 136, kSectorsize = 144, kNodesize = 148, kLeafsize = 152, kStripesize = 156,
                        kSysArraySize = 160, kIncompat = 188, kCsumType = 196, kRootLevel = 198, kChunkRootLevel = 199,
                        kLogRootLevel = 200, kDevItem = 201, kLabel = 299, kMetadataUuid = 571, kSysArray = 811,
                        kBackupRoots = 2859;
}

}  // namespace raid56::test
