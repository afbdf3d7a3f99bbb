// SPDX-License-Identifier: GPL-2.0-or-later
// Which trees a block that cannot be had belongs to, and which of their keys lie below it: from the key of the slot
// that points at it to that of the next slot. No leaf is read but those asked for: of the trees a hundredth.
#pragma once

#include <vector>

#include "base/range.h"
#include "tree/log_trees.h"
#include "tree/roots.h"

namespace raid56::tree {

/// What a lost block was of one tree. Snapshots share blocks: there is one of these for each tree that has it.
struct LostPart {
    Logical block;
    uint64_t tree = 0;  // of a log tree: the subvolume whose log it is; kTreeLog for the tree of their roots
    bool logged = false;
    uint8_t level = 0;
    format::Key first, end;  // first <= key < end; kLastKey: to the end of the tree

    bool holds(const format::Key& key) const { return first <= key && key < end; }
    /// Whether it may hold a key with from <= key < to.
    bool touches(const format::Key& from, const format::Key& to) const { return first < to && from < end; }
};

struct LostParts {
    std::vector<LostPart> parts;  // by tree, logs last; ascending by `first` within one
    bool incomplete = false;      // a block above them could not be had either, or there are too many
};

/// More are not told: a lost device may have had very many, in very many snapshots.
inline constexpr size_t kMostLostParts = size_t{1} << 18;

/// Blocks in `wanted` ranges of the logical space that cannot be had and that a tree points at.
LostParts find_lost_parts(BlockReader& reader, const Roots& roots, const LogTrees& log, const RangeSet& wanted);

}  // namespace raid56::tree
