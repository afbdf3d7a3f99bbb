// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/walk.h"

namespace raid56::tree {
namespace {

void walk_block(BlockReader& reader, const BlockExpect& expect, const WalkCallbacks& callbacks) {
    if (!callbacks.enter(expect.start, *expect.level)) return;
    const auto block = reader.read(expect);
    if (!block) {
        callbacks.lost(expect);
        return;
    }
    const auto header = format::decode_header(**block);
    callbacks.visit({expect.start, header, *block});
    if (header.level == 0) return;
    for (uint32_t i = 0; i < header.nritems; i++) {
        const auto pointer = format::node_pointer(**block, i);
        walk_block(
            reader,
            {pointer.block, static_cast<uint8_t>(header.level - 1), pointer.generation, expect.owner, pointer.key},
            callbacks);
    }
}

}  // namespace

void walk(BlockReader& reader, const TreeRoot& root, const WalkCallbacks& callbacks) {
    walk_block(reader, {root.block, root.level, root.generation, root.owner, std::nullopt}, callbacks);
}

}  // namespace raid56::tree
