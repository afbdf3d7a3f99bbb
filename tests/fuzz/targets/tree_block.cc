// SPDX-License-Identifier: GPL-2.0-or-later
// One tree block, with a checksum that holds, and every decoder on each of its items.
//
// Input: flags (bit 0: xxhash64; bit 1: all of the block follows; bit 2: header fields follow too, as patches), level,
// number of items (2), then the heads as they lie there, up to 1 KiB, and the rest at the end of the block.
#include <cstring>

#include "format/chunk.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/block_check.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

void decode_everything(const format::Item& item) {
    (void)format::decode_extent(item, 4096, TreeWorld::kNode);
    (void)format::decode_root(item, 4096);
    (void)format::decode_file_extent(item, 4096);
    (void)format::decode_inode(item);
    if (const auto entries = format::decode_dir_item(item))
        for (const auto& entry : *entries) FUZZ_EXPECT(!entry.name.empty());
    if (const auto names = format::decode_inode_refs(item))
        for (const auto& name : *names) FUZZ_EXPECT(!name.name.empty());
    if (const auto name = format::decode_root_backref(item)) FUZZ_EXPECT(!name->name.empty());
    for (const size_t csum : {4, 8, 32})
        if (const auto run = format::decode_csum_item(item, 4096, csum))
            FUZZ_EXPECT(run->count > 0 && run->count * csum == run->digests.size());
    (void)format::decode_replace_state(item);
    (void)format::decode_chunk(Logical(item.key.offset), item.data, 4096);
    if (const auto raw = read_at<format::raw::dev_item>(item.data, 0)) (void)format::decode_dev_item(*raw);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    TreeWorld& world = tree_world((flags & 1) != 0);
    static uint8_t block[TreeWorld::kNode];
    std::memset(block, 0, sizeof block);
    const uint32_t slot = *world.take_slot();
    const uint64_t address = TreeWorld::address(slot);
    const uint8_t level = input.u8();
    const uint16_t count = input.u16();
    if ((flags & 2) != 0) {
        const ByteView all = input.take(sizeof block);
        if (!all.empty()) std::memcpy(block, all.data(), all.size());
    } else {
        world.put_node(slot, 5, level, {});
        std::memcpy(block, world.device().bytes().data() + address, 101);
        block[96] = static_cast<uint8_t>(count);
        block[97] = static_cast<uint8_t>(count >> 8);
        const size_t unit = level == 0 ? 25 : 33;
        const ByteView heads = input.take(std::min<size_t>(count * unit, 1024));
        if (!heads.empty()) std::memcpy(block + 101, heads.data(), heads.size());
        const ByteView end = input.take(sizeof block - 101 - heads.size());
        if (!end.empty()) std::memcpy(block + sizeof block - end.size(), end.data(), end.size());
    }
    world.put(slot, ByteView(block, sizeof block));

    tree::BlockExpect expect;
    expect.start = Logical(address);
    const auto read = world.reader().read(expect);
    if (!read) return 0;
    const ByteView bytes = **read;
    const auto header = format::decode_header(bytes);
    FUZZ_EXPECT(header.bytenr.v == address && header.level <= format::kMaxTreeLevel);
    FUZZ_EXPECT(header.level == 0 || header.nritems > 0);
    for (uint32_t i = 0; i < header.nritems; i++) {
        if (i > 0)
            FUZZ_EXPECT(format::block_key(bytes, header.level, i - 1) < format::block_key(bytes, header.level, i));
        if (header.level == 0)
            decode_everything(format::leaf_item(bytes, i));
        else
            FUZZ_EXPECT(format::node_pointer(bytes, i).block.v % 4096 == 0);
    }
    return 0;
}
