// SPDX-License-Identifier: GPL-2.0-or-later
// Items of one tree in key order. A block that cannot be had is a step of its own, with the exact
// range of keys that it held; the walk goes on behind it.
//
// Blocks are read ahead once a walk has moved on from one to the next, at first a few: one look-up
// reads nothing that it does not come to.
//
// Termination on any input: levels fall strictly, every block's keys stay within its parent's, and
// keys only grow.
#pragma once

#include <optional>
#include <vector>

#include "format/items.h"
#include "tree/block_reader.h"

namespace raid56::tree {

struct TreeRoot {
    Logical block;
    uint8_t level = 0;
    std::optional<Generation> generation;
    std::optional<uint64_t> owner;  // where every block of the tree must show it
};

struct LostKeys {
    format::Key first;       // of the block that is gone
    format::Key end;         // first key behind it, or kLastKey
    bool undecided = false;  // several contents are proven, or the search gave up: not known to be lost
};

/// One step of a cursor: an item, a lost range, or the end (neither).
struct Step {
    std::optional<format::Item> item;  // valid until the next call
    std::optional<LostKeys> lost;
    explicit operator bool() const { return item.has_value() || lost.has_value(); }
};

class Cursor {
  public:
    /// Stands at the first item.
    Cursor(BlockReader& reader, const TreeRoot& root);

    Step next();
    /// Stands at the last item whose key is at most `key`, or at the tree's first item. A lost block
    /// on the way there is the next step.
    void seek(format::Key key);

  private:
    struct Level {
        Block block;
        uint8_t level = 0;
        uint32_t at = 0, count = 0;
        uint32_t announced = 0;  // pointers before this one are being read ahead
        format::Key end;         // first key that does not belong below here
    };

    // Children that are read ahead once a walk moved from one to the next, and how far that grows.
    static constexpr uint32_t kFirstAhead = 2, kMostAhead = 16;

    bool open_root();
    void move_on();  // to the next child of the lowest node
    void announce(Level& node);
    bool descend();  // into the pointer that the lowest node stands at; false: it is lost
    Result<Block, BlockLost> load(const BlockExpect& expect, const format::Key& end);
    void push(Block block, const format::Key& end);

    BlockReader& reader_;
    TreeRoot root_;
    bool started_ = false;
    uint32_t ahead_ = 0;  // children read ahead now: doubles as the walk goes on
    std::optional<LostKeys> pending_;
    std::vector<Level> path_;  // root first
};

}  // namespace raid56::tree
