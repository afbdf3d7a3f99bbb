// SPDX-License-Identifier: GPL-2.0-or-later
// Which files refer to given ranges of the logical space: in every subvolume and snapshot, whatever blocks they
// share. Each block is read at most twice; memory is bounded by the ranges and the references to them.
#pragma once

#include <vector>

#include "base/range.h"
#include "tree/log_trees.h"
#include "tree/roots.h"

namespace raid56::tree {

struct FileRef {
    uint64_t tree = 0;  // the subvolume; also the tree of roots (v1 space cache) and the data relocation tree
    uint64_t inode = 0;
    Range logical;        // the part of the range asked for
    uint64_t offset = 0;  // in the file, of logical.start; compressed: of the first byte that it may hurt
    uint64_t length = 0;  // in the file
    bool compressed = false;
    bool logged = false;  // named by a log tree, not by the subvolume itself
};

struct FileRefs {
    std::vector<FileRef> refs;  // by logical.start
    bool incomplete = false;    // a tree, or a part of one, could not be had: some may be missing
};

FileRefs find_file_refs(BlockReader& reader, const Roots& roots, const LogTrees& log, const RangeSet& wanted);

}  // namespace raid56::tree
