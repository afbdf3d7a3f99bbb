// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/superblock.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "base/checked.h"

namespace raid56::format {
namespace {

constexpr uint64_t kMagic = 0x4D5F53665248425FULL;            // "_BHRfS_M"
constexpr uint64_t kUnfinishedMagic = 0x4D5F536652484221ULL;  // "!BHRfS_M"
constexpr uint64_t kMetadataUuidFlag = 0x400;
constexpr uint64_t kBlockGroupTreeFlag = 8, kFreeSpaceTreeFlag = 1;
constexpr uint64_t kSeedingFlag = uint64_t{1} << 32;
constexpr unsigned kMaxLevel = 8;

struct Feature {
    uint64_t bit;
    const char* name;
    bool accepted;
};

// FACTS 16: accepted ones change nothing that this program decodes wrongly; the others change the mapping.
constexpr Feature kIncompat[] = {
    {0x1, "mixed-backref", true},
    {0x2, "default-subvol", true},
    {0x4, "mixed-groups", true},
    {0x8, "compress-lzo", true},
    {0x10, "compress-zstd", true},
    {0x20, "big-metadata", true},
    {0x40, "extended-iref", true},
    {0x80, "raid56", true},
    {0x100, "skinny-metadata", true},
    {0x200, "no-holes", true},
    {0x400, "metadata-uuid", true},
    {0x800, "raid1c34", true},
    {0x1000, "zoned", false},
    {0x2000, "extent-tree-v2", false},
    {0x4000, "raid-stripe-tree", false},
    {0x10000, "simple-quota", true},
    {0x20000, "remap-tree", false},
};
constexpr Feature kCompatRo[] = {
    {0x1, "free-space-tree", true},
    {0x2, "free-space-tree-valid", true},
    {0x4, "verity", true},
    {0x8, "block-group-tree", true},
};
// Superblock flags that say "an offline conversion is half done" or "this is no file system" (FACTS 2).
constexpr Feature kRefusedFlags[] = {
    {uint64_t{1} << 33, "a metadata dump (btrfs-image): it holds no data", false},
    {uint64_t{1} << 34, "a metadata dump (btrfs-image): it holds no data", false},
    {uint64_t{1} << 35, "in the middle of a change of its fsid", false},
    {uint64_t{1} << 36, "in the middle of a change of its fsid", false},
    {uint64_t{1} << 38, "in the middle of a conversion to or from the block-group tree", false},
    {uint64_t{1} << 39, "in the middle of a change of its data checksums", false},
    {uint64_t{1} << 40, "in the middle of a change of its metadata checksums", false},
};

raw::super_block load(ByteView block) { return *read_at<raw::super_block>(block, 0); }

Decoded<std::vector<Chunk>> decode_sys_array(ByteView array, uint32_t sectorsize) {
    std::vector<Chunk> chunks;
    size_t at = 0;
    while (at < array.size()) {
        const auto key = read_at<raw::disk_key>(array, at);
        const auto chunk = read_at<raw::chunk>(array, at + sizeof(raw::disk_key));
        if (!key || !chunk)
            return Reject{Reason::truncated, array.size() - at, sizeof(raw::disk_key) + sizeof(raw::chunk)};
        if (key->type != type::kChunkItem || key->objectid != objectid::kFirstChunkTree)
            return Reject{Reason::bad_sys_array_key, key->type, type::kChunkItem};
        const auto item = view_at(array, at + sizeof(raw::disk_key), chunk_item_size(chunk->num_stripes));
        if (!item) return Reject{Reason::truncated, array.size() - at, chunk_item_size(chunk->num_stripes)};
        auto decoded = decode_chunk(Logical(key->offset), *item, sectorsize);
        if (!decoded) return decoded.error();
        if ((decoded->kind & chunk_kind::kSystem) == 0)
            return Reject{Reason::sys_chunk_not_system, decoded->kind, chunk_kind::kSystem};
        chunks.push_back(std::move(*decoded));
        at += sizeof(raw::disk_key) + item->size();
    }
    return chunks;
}

Uuid copy_uuid(const uint8_t (&raw)[16]) {
    Uuid uuid;
    std::copy(std::begin(raw), std::end(raw), uuid.begin());
    return uuid;
}

}  // namespace

bool Superblock::is_seed() const { return (flags & kSeedingFlag) != 0; }
bool Superblock::has_block_group_tree() const { return (compat_ro & kBlockGroupTreeFlag) != 0; }
bool Superblock::has_free_space_tree() const { return (compat_ro & kFreeSpaceTreeFlag) != 0; }

Decoded<CsumKind> peek_csum_kind(ByteView block) {
    const auto raw = read_at<raw::super_block>(block, 0);
    if (!raw) return Reject{Reason::truncated, block.size(), kSuperSize};
    if (raw->magic == kUnfinishedMagic) return Reject{Reason::unfinished_mkfs, raw->magic, kMagic};
    if (raw->magic != kMagic) return Reject{Reason::bad_magic, raw->magic, kMagic};
    const uint16_t kind = raw->csum_type;
    if (kind > static_cast<uint16_t>(CsumKind::blake2b)) return Reject{Reason::bad_csum_type, kind, 3};
    return static_cast<CsumKind>(kind);
}

Decoded<Superblock> decode_superblock(ByteView block, uint64_t where) {
    const auto kind = peek_csum_kind(block);
    if (!kind) return kind.error();
    const auto raw = load(block);

    if (raw.bytenr != where) return Reject{Reason::bad_bytenr, raw.bytenr, where};
    const uint32_t sectorsize = raw.sectorsize, nodesize = raw.nodesize;
    if (!is_power_of_2(sectorsize) || sectorsize < 4096 || sectorsize > 65536)
        return Reject{Reason::bad_sectorsize, sectorsize, 4096};
    if (!is_power_of_2(nodesize) || nodesize < sectorsize || nodesize > 65536)
        return Reject{Reason::bad_nodesize, nodesize, 16384};
    if (raw.leafsize != nodesize) return Reject{Reason::bad_leafsize, raw.leafsize, nodesize};
    if (!is_power_of_2(raw.stripesize)) return Reject{Reason::bad_stripesize, raw.stripesize, sectorsize};
    for (const unsigned level : {raw.root_level, raw.chunk_root_level, raw.log_root_level})
        if (level >= kMaxLevel) return Reject{Reason::bad_level, level, kMaxLevel - 1};
    for (const uint64_t root : {uint64_t{raw.root}, uint64_t{raw.chunk_root}, uint64_t{raw.log_root}})
        if (root % sectorsize != 0) return Reject{Reason::bad_root_alignment, root, sectorsize};
    if (raw.num_devices == 0) return Reject{Reason::no_devices, 0, 1};
    if (raw.bytes_used < uint64_t{6} * nodesize)
        return Reject{Reason::bad_bytes_used, raw.bytes_used, uint64_t{6} * nodesize};
    const uint32_t array_size = raw.sys_chunk_array_size;
    if (array_size < sizeof(raw::disk_key) + chunk_item_size(1) || array_size > sizeof(raw.sys_chunk_array))
        return Reject{Reason::bad_sys_array_size, array_size, sizeof(raw.sys_chunk_array)};

    Superblock super;
    super.fsid = copy_uuid(raw.fsid);
    super.incompat = raw.incompat_flags;
    super.metadata_uuid = (super.incompat & kMetadataUuidFlag) != 0 ? copy_uuid(raw.metadata_uuid) : super.fsid;
    super.bytenr = raw.bytenr;
    super.flags = raw.flags;
    super.generation = Generation(raw.generation);
    super.chunk_root_generation = Generation(raw.chunk_root_generation);
    super.root = Logical(raw.root);
    super.chunk_root = Logical(raw.chunk_root);
    super.log_root = Logical(raw.log_root);
    super.root_level = raw.root_level;
    super.chunk_root_level = raw.chunk_root_level;
    super.log_root_level = raw.log_root_level;
    super.total_bytes = raw.total_bytes;
    super.bytes_used = raw.bytes_used;
    super.num_devices = raw.num_devices;
    super.sectorsize = sectorsize;
    super.nodesize = nodesize;
    super.compat = raw.compat_flags;
    super.compat_ro = raw.compat_ro_flags;
    super.cache_generation = raw.cache_generation;
    super.csum = *kind;
    super.dev_item = decode_dev_item(raw.dev_item);
    if (super.dev_item.fsid != super.metadata_uuid) return Reject{Reason::bad_dev_item, 0, 0};
    super.label.assign(raw.label, strnlen(raw.label, sizeof(raw.label)));
    auto chunks = decode_sys_array(ByteView(raw.sys_chunk_array, array_size), sectorsize);
    if (!chunks) return chunks.error();
    super.sys_chunks = std::move(*chunks);
    return super;
}

bool lacks_magic(ByteView block) {
    const auto raw = read_at<raw::super_block>(block, 0);
    return raw && raw->magic == 0;
}

std::vector<uint8_t> with_magic(ByteView block) {
    std::vector<uint8_t> copy(block.begin(), block.end());
    for (size_t i = 0; i < 8; i++)
        copy[offsetof(raw::super_block, magic) + i] = static_cast<uint8_t>(kMagic >> (8 * i));
    return copy;
}

SuperBytes part_of_device(ByteView block) {
    SuperBytes part{};
    std::copy_n(block.begin(), std::min(block.size(), part.size()), part.begin());
    const auto blank = [&](size_t offset, size_t length) { std::memset(part.data() + offset, 0, length); };
    blank(0, kCsumField);
    blank(offsetof(raw::super_block, bytenr), 8);
    blank(offsetof(raw::super_block, log_root), 16);  // log_root and the dead log_root_transid
    blank(offsetof(raw::super_block, log_root_level), 1);
    return part;
}

SuperBytes part_of_volume(ByteView block) {
    auto part = part_of_device(block);
    std::memset(part.data() + offsetof(raw::super_block, dev_item), 0, sizeof(raw::dev_item));
    return part;
}

std::optional<std::string> refusal(const Superblock& super) {
    for (const auto& flag : kRefusedFlags)
        if ((super.flags & flag.bit) != 0) return std::string("the file system is ") + flag.name;
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t mask = uint64_t{1} << bit;
        if ((super.incompat & mask) == 0) continue;
        const auto known =
            std::find_if(std::begin(kIncompat), std::end(kIncompat), [&](const Feature& f) { return f.bit == mask; });
        if (known == std::end(kIncompat))
            return "the file system has the unknown incompat feature bit " + std::to_string(bit);
        if (!known->accepted)
            return std::string("the file system has the feature ") + known->name +
                   ", which changes the mapping and is not supported";
    }
    return std::nullopt;
}

std::vector<std::string> feature_names(const Superblock& super) {
    std::vector<std::string> names;
    const auto add = [&](uint64_t flags, std::span<const Feature> table, const char* prefix) {
        for (unsigned bit = 0; bit < 64; bit++) {
            const uint64_t mask = uint64_t{1} << bit;
            if ((flags & mask) == 0) continue;
            const auto known =
                std::find_if(table.begin(), table.end(), [&](const Feature& f) { return f.bit == mask; });
            names.push_back(known != table.end() ? known->name : prefix + std::to_string(bit));
        }
    };
    add(super.incompat, kIncompat, "incompat-");
    add(super.compat_ro, kCompatRo, "compat-ro-");
    return names;
}

}  // namespace raid56::format
