// SPDX-License-Identifier: GPL-2.0-or-later
// Every block of a tree, each once, parents first: for readers that want the blocks themselves or
// may skip those they have seen under another tree.
#pragma once

#include <functional>

#include "tree/cursor.h"

namespace raid56::tree {

struct Visit {
    Logical start;
    format::Header header;
    const Block& block;
};

struct WalkCallbacks {
    /// Before a block is read; false: leave it and all below it out.
    std::function<bool(Logical, uint8_t level)> enter;
    /// A block that could be had.
    std::function<void(const Visit&)> visit;
    /// A block that could not.
    std::function<void(const BlockExpect&)> lost;
};

/// Ends on any input: levels fall strictly, and no block has more children than fit into it. `enter`
/// should refuse blocks seen before.
void walk(BlockReader& reader, const TreeRoot& root, const WalkCallbacks& callbacks);

}  // namespace raid56::tree
