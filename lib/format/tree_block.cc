// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/tree_block.h"

#include <algorithm>

namespace raid56::format {
namespace {

raw::item raw_item(ByteView block, uint32_t i) {
    return *read_at<raw::item>(block, sizeof(raw::header) + i * sizeof(raw::item));
}

raw::key_ptr raw_pointer(ByteView block, uint32_t i) {
    return *read_at<raw::key_ptr>(block, sizeof(raw::header) + i * sizeof(raw::key_ptr));
}

// Item data grows from the end of the leaf downwards in item order, without gaps in the kernel's own
// leaves; only staying inside and apart is needed here.
Result<void, Reject> check_leaf(ByteView block, uint32_t nritems) {
    uint64_t limit = block.size() - sizeof(raw::header);
    const uint64_t heads_end = uint64_t{nritems} * sizeof(raw::item);
    for (uint32_t i = 0; i < nritems; i++) {
        const auto item = raw_item(block, i);
        const uint64_t end = uint64_t{item.offset} + item.size;
        if (item.offset < heads_end || end > limit) return Reject{Reason::bad_item_bounds, end, limit};
        limit = item.offset;
    }
    return {};
}

Result<void, Reject> check_node(ByteView block, uint32_t nritems, uint32_t sectorsize) {
    for (uint32_t i = 0; i < nritems; i++) {
        const uint64_t child = raw_pointer(block, i).blockptr;
        if (child == 0 || child % sectorsize != 0) return Reject{Reason::bad_block_pointer, child, sectorsize};
    }
    return {};
}

}  // namespace

Header decode_header(ByteView block) {
    const auto raw = *read_at<raw::header>(block, 0);
    Header header;
    std::copy(std::begin(raw.fsid), std::end(raw.fsid), header.fsid.begin());
    header.bytenr = Logical(raw.bytenr);
    header.generation = Generation(raw.generation);
    header.owner = raw.owner;
    header.nritems = raw.nritems;
    header.level = raw.level;
    return header;
}

Result<void, Reject> check_structure(ByteView block, uint32_t sectorsize) {
    const Header header = decode_header(block);
    if (header.level > kMaxTreeLevel) return Reject{Reason::bad_level, header.level, kMaxTreeLevel};
    const size_t unit = header.level == 0 ? sizeof(raw::item) : sizeof(raw::key_ptr);
    const size_t room = (block.size() - sizeof(raw::header)) / unit;
    if (header.nritems > room) return Reject{Reason::bad_item_count, header.nritems, room};
    if (header.level > 0 && header.nritems == 0) return Reject{Reason::bad_item_count, 0, 1};
    Key before = header.nritems == 0 ? Key{} : block_key(block, header.level, 0);
    for (uint32_t i = 1; i < header.nritems; i++) {
        const Key key = block_key(block, header.level, i);
        if (before >= key) return Reject{Reason::unsorted_keys, i, i - 1};
        before = key;
    }
    return header.level == 0 ? check_leaf(block, header.nritems) : check_node(block, header.nritems, sectorsize);
}

Item leaf_item(ByteView block, uint32_t i) {
    const auto item = raw_item(block, i);
    return {decode_key(item.key), block.subspan(sizeof(raw::header) + item.offset, item.size)};
}

Pointer node_pointer(ByteView block, uint32_t i) {
    const auto pointer = raw_pointer(block, i);
    return {decode_key(pointer.key), Logical(pointer.blockptr), Generation(pointer.generation)};
}

Key block_key(ByteView block, uint8_t level, uint32_t i) {
    const size_t unit = level == 0 ? sizeof(raw::item) : sizeof(raw::key_ptr);
    return decode_key(*read_at<raw::disk_key>(block, sizeof(raw::header) + i * unit));
}

}  // namespace raid56::format
