// SPDX-License-Identifier: GPL-2.0-or-later
// Items of leaves as bytes.
#pragma once

#include <string>
#include <vector>

#include "format/key.h"
#include "support/encode.h"

namespace raid56::test {

using format::Key;

struct ItemSpec {
    Key key;
    Bytes data;
};

inline Bytes encode_extent_item(uint64_t refs, uint64_t generation, uint64_t flags) {
    return Encoder().u64(refs).u64(generation).u64(flags).take();
}

/// An allocated run of data.
inline ItemSpec data_extent(uint64_t start, uint64_t length, uint64_t generation = 7) {
    return {{start, 168, length}, encode_extent_item(1, generation, 1)};
}
/// An allocated tree block, as a skinny item with one inline reference.
inline ItemSpec tree_extent(uint64_t start, uint8_t level, uint64_t owner, uint64_t generation = 7) {
    return {{start, 169, level}, Encoder().u64(1).u64(generation).u64(2).u8(176).u64(owner).take()};
}

struct FileExtentSpec {
    uint64_t generation = 7, ram_bytes = 0;
    uint8_t compression = 0, type = 1;
    uint64_t disk_bytenr = 0, disk_num_bytes = 0, offset = 0, num_bytes = 0;
};
inline Bytes encode_file_extent(const FileExtentSpec& extent) {
    return Encoder()
        .u64(extent.generation)
        .u64(extent.ram_bytes)
        .u8(extent.compression)
        .u8(0)
        .u16(0)
        .u8(extent.type)
        .u64(extent.disk_bytenr)
        .u64(extent.disk_num_bytes)
        .u64(extent.offset)
        .u64(extent.num_bytes)
        .take();
}
/// Inline data right behind the head.
inline Bytes encode_inline_extent(const std::string& data) {
    return Encoder().u64(7).u64(data.size()).u8(0).u8(0).u16(0).u8(0).text(data).take();
}

inline Bytes encode_inode(uint64_t size, uint32_t mode, uint64_t flags) {
    Encoder out;
    out.u64(7).u64(7).u64(size).u64(size).u64(0);
    out.u32(1).u32(0).u32(0).u32(mode);
    out.u64(0).u64(flags).u64(0).zeros(4 * 8);
    return out.zeros(4 * 12).take();
}

/// The part that old kernels wrote (239 bytes), or with what newer ones add (439).
inline Bytes encode_root(uint64_t bytenr, uint8_t level, uint64_t generation, uint32_t refs, bool legacy = false) {
    Encoder out;
    out.raw(encode_inode(0, 040755, 0));
    out.u64(generation).u64(256).u64(bytenr).u64(0).u64(0).u64(0).u64(0).u32(refs);
    out.zeros(17).u8(0).u8(level);
    if (!legacy) out.u64(generation).zeros(439 - 247);
    return out.take();
}

inline Bytes encode_dir_entry(const Key& location, const std::string& name, const std::string& data = "") {
    return Encoder()
        .u64(location.objectid)
        .u8(location.type)
        .u64(location.offset)
        .u64(7)
        .u16(data.size())
        .u16(name.size())
        .u8(1)
        .text(name)
        .text(data)
        .take();
}

/// Checksums of `count` sectors from `start` on; every byte of the i-th is `first` + i.
inline ItemSpec csum_item(uint64_t start, size_t count, uint8_t first, size_t size = 4) {
    Bytes digests;
    for (size_t i = 0; i < count; i++) digests.insert(digests.end(), size, static_cast<uint8_t>(first + i));
    return {{format::objectid::kExtentCsum, 128, start}, digests};
}

}  // namespace raid56::test
