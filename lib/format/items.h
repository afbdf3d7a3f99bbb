// SPDX-License-Identifier: GPL-2.0-or-later
// Items of leaves that this program reads, as checked values. Pure. Layouts: FACTS 1, 11, 12, 21.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "format/tree_block.h"

namespace raid56::format {

/// No kernel makes longer extents: 128 MiB of written data, 256 MiB preallocated at once.
inline constexpr uint64_t kMaxExtentLength = uint64_t{1} << 30;

/// An allocated extent (EXTENT_ITEM or METADATA_ITEM).
struct Extent {
    Logical start;
    uint64_t length = 0;
    Generation generation;
    bool tree = false;              // a tree block; else data
    uint8_t level = 0;              // tree only
    std::optional<uint64_t> owner;  // tree only: where a single inline reference names it and it must match
};

/// Of an EXTENT_ITEM or METADATA_ITEM key and its data.
Decoded<Extent> decode_extent(const Item& item, uint32_t sectorsize, uint32_t nodesize);

/// A tree's root, from a ROOT_ITEM.
struct Root {
    Logical block;
    uint8_t level = 0;
    Generation generation;
    uint32_t refs = 0;  // 0: the subvolume is being deleted
};
Decoded<Root> decode_root(const Item& item, uint32_t sectorsize);

enum class ExtentType : uint8_t { inline_data = 0, regular = 1, preallocated = 2 };

/// An EXTENT_DATA item that names a place on disk, or a hole (disk_length 0), or inline data.
struct FileExtent {
    uint64_t inode = 0;
    uint64_t file_offset = 0;
    ExtentType type = ExtentType::regular;
    uint8_t compression = 0;
    Logical disk_start;
    uint64_t disk_length = 0;  // bytes on disk
    uint64_t offset = 0;       // into the (uncompressed) extent
    uint64_t length = 0;       // bytes of the file; inline: of the item's data

    bool on_disk() const { return type != ExtentType::inline_data && disk_length != 0; }
};
Decoded<FileExtent> decode_file_extent(const Item& item, uint32_t sectorsize);

struct Inode {
    uint64_t size = 0;
    uint32_t mode = 0;
    uint64_t flags = 0;
    bool no_checksums() const { return (flags & 1) != 0; }  // NODATASUM
};
Decoded<Inode> decode_inode(const Item& item);

/// A directory entry: a DIR_ITEM, whose hash is the key's offset, or a DIR_INDEX, with its number there.
struct DirEntry {
    Key location;  // an INODE_ITEM, or a ROOT_ITEM for a subvolume
    std::string_view name;
    bool directory = false;  // as the entry has it; a subvolume is one
};
Decoded<std::vector<DirEntry>> decode_dir_item(const Item& item);

/// A name of an inode, or of a subvolume, in a directory.
struct NameIn {
    uint64_t directory = 0;  // inode
    std::string_view name;
    uint64_t index = 0;  // offset of the DIR_INDEX key
};
/// Of an INODE_REF or INODE_EXTREF: one for each hard link that the item holds.
Decoded<std::vector<NameIn>> decode_inode_refs(const Item& item);
/// Of a ROOT_BACKREF (key.offset: the tree of the directory).
Decoded<NameIn> decode_root_backref(const Item& item);

/// Of a DIR_LOG_INDEX, which only log trees have: the entries of a directory from key.offset on up to the number
/// returned, which is left out, are all in the log (linux/btrfs_tree.h; it keeps the last number).
Decoded<uint64_t> decode_dir_log(const Item& item);

/// Range of the logical space that a csum item covers and its checksums, in order.
struct CsumRun {
    Logical start;
    size_t count = 0;
    ByteView digests;  // count * csum_size bytes
};
Decoded<CsumRun> decode_csum_item(const Item& item, uint32_t sectorsize, size_t csum_size);

/// State of a device replace (FACTS 17).
enum class ReplaceState : uint8_t { never = 0, started = 1, finished = 2, cancelled = 3, suspended = 4 };
std::optional<ReplaceState> decode_replace_state(const Item& item);

}  // namespace raid56::format
