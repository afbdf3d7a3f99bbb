// SPDX-License-Identifier: GPL-2.0-or-later
// Chunks and devices as the chunk tree names them. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"
#include "format/key.h"
#include "format/reject.h"

namespace raid56::format {

enum class Profile : uint8_t { single, dup, raid0, raid1, raid1c3, raid1c4, raid10, raid5, raid6 };

const char* profile_name(Profile profile);

/// Bits of a chunk's type (FACTS 1).
namespace chunk_kind {
inline constexpr uint64_t kData = 1, kSystem = 2, kMetadata = 4, kMask = 7;
}

struct Stripe {
    DevId devid;
    Physical offset;  // of the dev extent on that device
    Uuid dev_uuid{};
    bool operator==(const Stripe&) const = default;
};

struct Chunk {
    Logical start;
    uint64_t length = 0;
    uint64_t kind = 0;  // chunk_kind bits
    Profile profile = Profile::single;
    std::vector<Stripe> stripes;

    Logical end() const { return start + length; }
    bool operator==(const Chunk&) const = default;
};

/// What of the kind a chunk holds, in words: "data", "metadata", "system", "data+metadata".
std::string kind_name(uint64_t kind);

/// Decodes a chunk item; `start` is its key's offset. The stripes' devices are not looked up here.
Decoded<Chunk> decode_chunk(Logical start, ByteView item, uint32_t sectorsize);

/// Bytes that a chunk item with so many stripes takes.
constexpr size_t chunk_item_size(size_t stripes) { return sizeof(raw::chunk) + stripes * sizeof(raw::stripe); }

struct DevItem {
    DevId devid;
    uint64_t total_bytes = 0;
    uint64_t bytes_used = 0;
    Generation generation;  // not 0 only for a seed device: its superblock's (FACTS 4)
    Uuid uuid{};
    Uuid fsid{};
    raw::dev_item raw{};  // as it lies there: what a superblock of that device carries, byte for byte
};

DevItem decode_dev_item(const raw::dev_item& item);

}  // namespace raid56::format
