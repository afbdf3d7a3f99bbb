// SPDX-License-Identifier: GPL-2.0-or-later
// The roots of all trees, from the tree of roots.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "tree/cursor.h"

namespace raid56::tree {

class Roots {
  public:
    /// Reads the whole tree of roots of the volume's superblock.
    static Roots read(BlockReader& reader);

    /// The tree of that id; of several items of one id the highest offset counts (FACTS 11).
    std::optional<TreeRoot> find(uint64_t id) const;
    /// Trees whose leaves may refer to data: subvolumes not being deleted, the data relocation tree,
    /// and the tree of roots itself, which owns the files of the v1 space cache.
    std::vector<std::pair<uint64_t, TreeRoot>> with_files() const;
    /// Every tree but the chunk tree and the logs; not subvolumes being deleted, whose blocks may be used anew.
    std::vector<std::pair<uint64_t, TreeRoot>> all() const;
    /// Whether part of the tree of roots could not be had, so that a root may be unknown.
    bool incomplete() const { return incomplete_; }
    /// Whether nothing of that part is known to be lost.
    bool undecided() const { return undecided_; }

  private:
    struct Entry {
        TreeRoot root;
        uint32_t refs = 0;
    };
    TreeRoot root_tree_;
    std::map<uint64_t, Entry> entries_;
    bool incomplete_ = false;
    bool undecided_ = true;
};

/// The root of the chunk tree and of the tree of roots, as the superblock names them.
TreeRoot chunk_root(const format::Superblock& super);
TreeRoot root_root(const format::Superblock& super);

}  // namespace raid56::tree
