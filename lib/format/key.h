// SPDX-License-Identifier: GPL-2.0-or-later
// Keys of tree items: what they are made of, their order, the numbers that mean something (FACTS 1).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>

#include "format/raw.h"

namespace raid56::format {

struct Key {
    uint64_t objectid = 0;
    uint8_t type = 0;
    uint64_t offset = 0;
    constexpr auto operator<=>(const Key&) const = default;
};

inline constexpr uint64_t kMaxU64 = std::numeric_limits<uint64_t>::max();
inline constexpr Key kLastKey{kMaxU64, 0xff, kMaxU64};

inline Key decode_key(const raw::disk_key& key) { return {key.objectid, key.type, key.offset}; }

/// The smallest key above `key`; kLastKey stays.
constexpr Key next_key(Key key) {
    if (key.offset != kMaxU64) return {key.objectid, key.type, key.offset + 1};
    if (key.type != 0xff) return {key.objectid, static_cast<uint8_t>(key.type + 1), 0};
    if (key.objectid != kMaxU64) return {key.objectid + 1, 0, 0};
    return key;
}

namespace type {
inline constexpr uint8_t kInodeItem = 1, kInodeRef = 12, kInodeExtref = 13, kOrphan = 48, kDirLogIndex = 72, kDirItem = 84, kDirIndex = 96,
                         kExtentData = 108, kExtentCsum = 128, kRootItem = 132, kRootBackref = 144, kRootRef = 156,
                         kExtentItem = 168, kMetadataItem = 169, kExtentOwnerRef = 172, kTreeBlockRef = 176,
                         kExtentDataRef = 178, kSharedBlockRef = 182, kSharedDataRef = 184, kBlockGroupItem = 192,
                         kDevExtent = 204, kDevItem = 216, kChunkItem = 228, kTemporary = 248, kPersistent = 249,
                         kDevReplace = 250;
}

namespace objectid {
inline constexpr uint64_t kRootTree = 1, kExtentTree = 2, kChunkTree = 3, kDevTree = 4, kFsTree = 5, kRootTreeDir = 6,
                          kCsumTree = 7, kQuotaTree = 8, kUuidTree = 9, kFreeSpaceTree = 10, kBlockGroupTree = 11;
inline constexpr uint64_t kDevItems = 1, kFirstChunkTree = 256, kFirstFree = 256;
inline constexpr uint64_t kTreeLog = static_cast<uint64_t>(-6), kTreeReloc = static_cast<uint64_t>(-8),
                          kDataRelocTree = static_cast<uint64_t>(-9), kExtentCsum = static_cast<uint64_t>(-10),
                          kLastFree = static_cast<uint64_t>(-256);
}  // namespace objectid

/// Trees that hold files: the top-level subvolume, other subvolumes and snapshots.
constexpr bool is_subvolume(uint64_t tree) {
    return tree == objectid::kFsTree || (tree >= objectid::kFirstFree && tree <= objectid::kLastFree);
}

}  // namespace raid56::format
