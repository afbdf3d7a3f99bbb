// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/items.h"

#include "base/checked.h"

namespace raid56::format {
namespace {

constexpr uint64_t kFlagData = 1, kFlagTreeBlock = 2;

// The owner of a block may be checked where exactly one inline reference names a tree that shares
// with nobody: subvolumes may show any other subvolume's id (FACTS 10), relocation trees too.
std::optional<uint64_t> known_owner(ByteView data, size_t at) {
    const auto kind = read_at<uint8_t>(data, at);
    const auto root = read_at<Le64>(data, at + 1);
    if (!kind || !root || *kind != type::kTreeBlockRef) return std::nullopt;
    const uint64_t owner = *root;
    if (is_subvolume(owner) || owner == objectid::kTreeReloc || owner == objectid::kTreeLog) return std::nullopt;
    return owner;
}

}  // namespace

Decoded<Extent> decode_extent(const Item& item, uint32_t sectorsize, uint32_t nodesize) {
    const auto raw = read_at<raw::extent_item>(item.data, 0);
    if (!raw) return Reject{Reason::truncated, item.data.size(), sizeof(raw::extent_item)};
    const bool skinny = item.key.type == type::kMetadataItem;

    Extent extent;
    extent.start = Logical(item.key.objectid);
    extent.generation = Generation(raw->generation);
    extent.tree = (raw->flags & kFlagTreeBlock) != 0;
    if (((raw->flags & kFlagData) != 0) == extent.tree || (skinny && !extent.tree))
        return Reject{Reason::bad_extent_kind, raw->flags, skinny ? kFlagTreeBlock : kFlagData};
    extent.length = extent.tree ? nodesize : item.key.offset;
    if (!skinny && extent.length != item.key.offset)
        return Reject{Reason::bad_extent_length, item.key.offset, nodesize};
    if (extent.length == 0 || extent.length > kMaxExtentLength || extent.length % sectorsize != 0 ||
        extent.start.v % sectorsize != 0 || !checked_add(extent.start.v, extent.length))
        return Reject{Reason::bad_extent_length, extent.length, sectorsize};
    if (!extent.tree) return extent;

    size_t refs_at = sizeof(raw::extent_item);
    uint64_t level = item.key.offset;
    if (!skinny) {
        const auto info = read_at<raw::tree_block_info>(item.data, refs_at);
        if (!info) return Reject{Reason::truncated, item.data.size(), refs_at + sizeof(raw::tree_block_info)};
        level = info->level;
        refs_at += sizeof(raw::tree_block_info);
    }
    if (level > kMaxTreeLevel) return Reject{Reason::bad_level, level, kMaxTreeLevel};
    extent.level = static_cast<uint8_t>(level);
    if (raw->refs == 1) extent.owner = known_owner(item.data, refs_at);
    return extent;
}

Decoded<Root> decode_root(const Item& item, uint32_t sectorsize) {
    const auto raw = read_at<raw::root_item>(item.data, 0);
    if (!raw) return Reject{Reason::truncated, item.data.size(), sizeof(raw::root_item)};
    if (raw->bytenr % sectorsize != 0) return Reject{Reason::bad_root_alignment, raw->bytenr, sectorsize};
    if (raw->level > kMaxTreeLevel) return Reject{Reason::bad_level, raw->level, kMaxTreeLevel};
    return Root{Logical(raw->bytenr), raw->level, Generation(raw->generation), raw->refs};
}

Decoded<FileExtent> decode_file_extent(const Item& item, uint32_t sectorsize) {
    constexpr size_t kInlineHead = 21;  // up to disk_bytenr, where inline data starts
    FileExtent extent;
    extent.inode = item.key.objectid;
    extent.file_offset = item.key.offset;
    const auto kind = read_at<uint8_t>(item.data, 20);
    const auto compression = read_at<uint8_t>(item.data, 16);
    if (!kind || !compression) return Reject{Reason::truncated, item.data.size(), kInlineHead};
    if (*kind > static_cast<uint8_t>(ExtentType::preallocated)) return Reject{Reason::bad_file_extent, *kind, 2};
    extent.type = static_cast<ExtentType>(*kind);
    extent.compression = *compression;
    if (extent.type == ExtentType::inline_data) {
        extent.length = item.data.size() - kInlineHead;
        return extent;
    }
    const auto raw = read_at<raw::file_extent_item>(item.data, 0);
    if (!raw) return Reject{Reason::truncated, item.data.size(), sizeof(raw::file_extent_item)};
    extent.disk_start = Logical(raw->disk_bytenr);
    extent.disk_length = raw->disk_bytenr == 0 ? 0 : uint64_t{raw->disk_num_bytes};
    extent.offset = raw->offset;
    extent.length = raw->num_bytes;
    if (!extent.on_disk()) return extent;
    const bool aligned = extent.disk_start.v % sectorsize == 0 && extent.disk_length % sectorsize == 0;
    if (!aligned || extent.disk_length > kMaxExtentLength || !checked_add(extent.disk_start.v, extent.disk_length))
        return Reject{Reason::bad_file_extent, extent.disk_start.v, sectorsize};
    const auto end = checked_add(extent.offset, extent.length);
    if (!end || (extent.compression == 0 && *end > extent.disk_length))
        return Reject{Reason::bad_file_extent, extent.offset, extent.disk_length};
    return extent;
}

Decoded<Inode> decode_inode(const Item& item) {
    const auto raw = read_at<raw::inode_item>(item.data, 0);
    if (!raw) return Reject{Reason::truncated, item.data.size(), sizeof(raw::inode_item)};
    return Inode{raw->size, raw->mode, raw->flags};
}

Decoded<std::vector<DirEntry>> decode_dir_item(const Item& item) {
    std::vector<DirEntry> entries;
    size_t at = 0;
    while (at < item.data.size()) {
        const auto raw = read_at<raw::dir_item>(item.data, at);
        if (!raw) return Reject{Reason::truncated, item.data.size() - at, sizeof(raw::dir_item)};
        const auto name = view_at(item.data, at + sizeof(raw::dir_item), raw->name_len);
        if (!name || name->empty()) return Reject{Reason::bad_name, raw->name_len, item.data.size()};
        constexpr uint8_t kDirectory = 2;  // BTRFS_FT_DIR
        entries.push_back({decode_key(raw->location),
                           std::string_view(reinterpret_cast<const char*>(name->data()), name->size()),
                           raw->type == kDirectory});
        at += sizeof(raw::dir_item) + name->size() + raw->data_len;
    }
    return entries;
}

namespace {

Decoded<std::string_view> name_at(const Item& item, size_t at, size_t length) {
    const auto name = view_at(item.data, at, length);
    if (!name || name->empty()) return Reject{Reason::bad_name, length, item.data.size()};
    return std::string_view(reinterpret_cast<const char*>(name->data()), name->size());
}

// Entries of one item: Raw, then its name.
template <class Raw, class Directory>
Decoded<std::vector<NameIn>> decode_names(const Item& item, Directory directory_of) {
    std::vector<NameIn> names;
    for (size_t at = 0; at < item.data.size();) {
        const auto raw = read_at<Raw>(item.data, at);
        if (!raw) return Reject{Reason::truncated, item.data.size() - at, sizeof(Raw)};
        const auto name = name_at(item, at + sizeof(Raw), raw->name_len);
        if (!name) return name.error();
        names.push_back({directory_of(*raw), *name, raw->index});
        at += sizeof(Raw) + name->size();
    }
    return names;
}

}  // namespace

Decoded<std::vector<NameIn>> decode_inode_refs(const Item& item) {
    if (item.key.type == type::kInodeRef)
        return decode_names<raw::inode_ref>(item, [&](const raw::inode_ref&) { return item.key.offset; });
    return decode_names<raw::inode_extref>(item,
                                           [](const raw::inode_extref& raw) { return uint64_t{raw.parent_objectid}; });
}

Decoded<NameIn> decode_root_backref(const Item& item) {
    const auto raw = read_at<raw::root_ref>(item.data, 0);
    if (!raw) return Reject{Reason::truncated, item.data.size(), sizeof(raw::root_ref)};
    const auto name = name_at(item, sizeof(raw::root_ref), raw->name_len);
    if (!name) return name.error();
    return NameIn{raw->dirid, *name, raw->sequence};
}

Decoded<uint64_t> decode_dir_log(const Item& item) {
    const auto last = read_at<Le64>(item.data, 0);
    if (!last) return Reject{Reason::truncated, item.data.size(), sizeof(Le64)};
    return *last == kMaxU64 ? kMaxU64 : *last + 1;
}

Decoded<CsumRun> decode_csum_item(const Item& item, uint32_t sectorsize, size_t csum_size) {
    const size_t count = item.data.size() / csum_size;
    if (count == 0 || item.data.size() % csum_size != 0)
        return Reject{Reason::bad_csum_item, item.data.size(), csum_size};
    if (item.key.offset % sectorsize != 0 || !checked_add(item.key.offset, uint64_t{count} * sectorsize))
        return Reject{Reason::bad_csum_item, item.key.offset, sectorsize};
    return CsumRun{Logical(item.key.offset), count, item.data};
}

std::optional<ReplaceState> decode_replace_state(const Item& item) {
    const auto raw = read_at<raw::dev_replace_item>(item.data, 0);
    if (!raw || raw->replace_state > 4) return std::nullopt;
    return static_cast<ReplaceState>(uint64_t{raw->replace_state});
}

}  // namespace raid56::format
