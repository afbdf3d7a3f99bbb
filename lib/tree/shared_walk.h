// SPDX-License-Identifier: GPL-2.0-or-later
// Leaves of many trees that share most of their blocks, as snapshots do: what is wanted of them is found by reading
// each block once, and told for each tree that has it.
#pragma once

#include <functional>
#include <unordered_set>

#include "tree/seen_blocks.h"
#include "tree/walk.h"

namespace raid56::tree {

class SharedWalk {
  public:
    explicit SharedWalk(BlockReader& reader) : reader_(reader), seen_(reader.volume().sectorsize()) {}

    /// First, of every tree: reads what no tree before it has. A leaf of which `wanted` says so is hot, and so is
    /// every block above a hot one.
    void warm(const TreeRoot& root, const std::function<bool(const Visit& leaf)>& wanted);
    /// Then, of every tree: its hot leaves. Each block once: a sound tree has no block twice, one made to do harm may
    /// have as many ways to a leaf as it likes.
    void collect(const TreeRoot& root, const std::function<void(const Visit& leaf)>& use);

    /// Whether some block could not be had.
    bool incomplete() const { return incomplete_; }

  private:
    BlockReader& reader_;
    SeenBlocks seen_;
    std::unordered_set<uint64_t> hot_;
    bool incomplete_ = false;
};

}  // namespace raid56::tree
