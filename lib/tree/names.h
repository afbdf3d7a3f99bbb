// SPDX-License-Identifier: GPL-2.0-or-later
// From an inode to its paths, through directories and subvolumes up to the top-level subvolume.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tree/log_trees.h"
#include "tree/roots.h"

namespace raid56::tree {

/// No path is told that is longer, bytes: directories may be nested without end, and memory is not. The kernel takes
/// paths of 4096 bytes at once.
inline constexpr size_t kLongestPath = 16384;
/// Nor more than that of one inode, bytes of all its paths: hard links deep down multiply.
inline constexpr size_t kMostPaths = 8 << 20;

struct Paths {
    std::vector<std::string> paths;  // one for each hard link that can be followed up to the top, `/` first; bytes
    bool incomplete = false;         // some name could not be followed to the top, or its path is too long, or too many
};

class Names {
  public:
    Names(BlockReader& reader, const Roots& roots, const LogTrees& log) : reader_(reader), roots_(roots), log_(log) {}

    /// No path: the inode has no name (deleted, but open when the system stopped), or none can be had.
    Paths of(uint64_t tree, uint64_t inode);

  private:
    struct Name {
        uint64_t directory = 0;
        std::string name;
    };
    using Place = std::pair<uint64_t, uint64_t>;  // tree, inode of a directory
    // Its path is put together when it is asked for: of a million of them, each deep down, there is no room for all.
    struct Folder {
        Place above;
        std::string name;
        size_t length = 0;  // of the path, which ends with '/'; 0: not known
    };
    std::vector<Name> names_of(const TreeRoot& root, uint64_t inode, bool& incomplete);
    const Folder& folder(Place place);
    const Folder& too_deep(Place asked, const std::vector<std::pair<Place, std::string>>& way, size_t climbed);
    std::string path_of(Place place) const;
    // The directory above, and the name there.
    std::optional<std::pair<Place, std::string>> above_folder(Place place);
    std::optional<std::pair<Place, std::string>> above_subvolume(uint64_t tree);

    static constexpr Place kTop{format::objectid::kFsTree, format::objectid::kFirstFree};

    // Known at once; of so many trees of so many directories there is no room for all.
    static constexpr size_t kMostFolders = 1 << 18;

    BlockReader& reader_;
    const Roots& roots_;
    const LogTrees& log_;
    std::map<Place, Folder> folders_;  // of those asked for lately, and what is above them
};

}  // namespace raid56::tree
