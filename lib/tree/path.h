// SPDX-License-Identifier: GPL-2.0-or-later
// From a path to a file's extents.
#pragma once

#include <string>
#include <vector>

#include "tree/roots.h"

namespace raid56::tree {

struct FoundFile {
    uint64_t tree = 0;  // id of the subvolume
    TreeRoot root;
    uint64_t inode = 0;
};

/// Finds a path from the top-level subvolume, through subvolumes below it; symbolic links are not
/// followed. Errors: one sentence that names the component which is not there or cannot be read.
Result<FoundFile> find_path(BlockReader& reader, const Roots& roots, const std::string& path);

struct FileExtents {
    format::Inode inode;
    std::vector<format::FileExtent> extents;  // ascending by file offset; holes without an item are not listed
    bool incomplete = false;                  // a block that may hold more could not be had
};
Result<FileExtents> read_file_extents(BlockReader& reader, const FoundFile& file);

}  // namespace raid56::tree
