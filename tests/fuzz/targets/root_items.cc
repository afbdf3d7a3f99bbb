// SPDX-License-Identifier: GPL-2.0-or-later
// The tree of roots and the log trees that it leads to.
//
// Input: flags (bit 0: xxhash64; bit 1: a log), shapes of the tree of roots and of the log's, number of items of the
// first (1), items. A ROOT_ITEM whose bytes are short is filled up: address (a block of the world), level.
#include "fuzz/support/expect.h"
#include "fuzz/support/tree_world.h"
#include "tree/log_trees.h"
#include "tree/roots.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint8_t kTypes[] = {132, 108, 128, 144, 156, 1, 84};

// Two bytes name a root: the block and its level.
void fill_roots(Items& items, unsigned n) {
    for (auto& item : items)
        if (n < 32 && item.key.type == 132 && item.data.size() >= 2 && item.data.size() < 8)
            item.data = root_data(n++, TreeWorld::address(item.data[0] % TreeWorld::kBlocks), item.data[1],
                                  static_cast<uint32_t>(item.data.size() - 2));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    const uint8_t shape = input.u8(), log_shape = input.u8();
    TreeWorld& world = tree_world((flags & 1) != 0);
    auto items = read_items(input, kTypes, input.u8() % 24);
    auto log_items = read_items(input, kTypes);
    auto more_items = log_items;
    fill_roots(items, 0);
    fill_roots(log_items, 16);
    world.tree(1, items, shape, TreeWorld::kRootSlot);
    world.tree(format::objectid::kTreeLog, log_items, log_shape, TreeWorld::kLogSlot);
    world.tree(format::objectid::kTreeLog, more_items, log_shape >> 4);
    const bool has_log = (flags & 2) != 0;
    tree::BlockReader& reader = world.rooted(has_log);

    if (has_log) {
        const auto log = tree::read_log_trees(reader);
        FUZZ_EXPECT(log.trees.size() == log.subvolumes.size());
        for (size_t i = 1; i < log.extents.size(); i++) FUZZ_EXPECT(log.extents[i - 1].start <= log.extents[i].start);
        const size_t size_of = csum_size(reader.volume().super().csum);
        for (const auto& csums : log.csums)
            FUZZ_EXPECT(csums.count > 0 && csums.at + csums.count * size_of <= log.csum_bytes.size());
        return 0;
    }
    const auto roots = tree::Roots::read(reader);
    for (const auto& [id, root] : roots.with_files()) FUZZ_EXPECT(root.level <= format::kMaxTreeLevel);
    for (const auto& lost : reader.hurt_blocks()) FUZZ_EXPECT(lost.tree && lost.length == TreeWorld::kNode);
    return 0;
}
