// SPDX-License-Identifier: GPL-2.0-or-later
// What an fsync wrote before a crash: blocks, extents and checksums that are in no other tree, and
// that override the main trees for what they hold (FACTS 19). Memory grows with what was synced
// since the last commit, not with the file system.
#pragma once

#include <optional>
#include <vector>

#include "tree/cursor.h"

namespace raid56::tree {

struct LogTrees {
    std::vector<format::Extent> extents;  // log blocks and logged data extents, ascending by start
    struct Csums {
        Logical start;
        size_t count = 0;
        size_t at = 0;  // first byte in csum_bytes
    };
    std::vector<Csums> csums;  // ascending by start; of two for one place the later counts
    std::vector<uint8_t> csum_bytes;
    std::vector<TreeRoot> trees;       // one log tree a subvolume
    std::vector<uint64_t> subvolumes;  // of trees[i]
    bool incomplete = false;           // a log block could not be had

    bool empty() const { return extents.empty() && !incomplete; }
};

/// The tree of the roots of all log trees; nothing where the superblock names no log. Its blocks are written by the
/// transaction after the committed one (FACTS 19).
std::optional<TreeRoot> log_root(const format::Superblock& super);

/// Nothing where the superblock names no log.
LogTrees read_log_trees(BlockReader& reader);

}  // namespace raid56::tree
