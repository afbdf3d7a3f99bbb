// SPDX-License-Identifier: GPL-2.0-or-later
// From an inode to its paths, through directories and subvolumes up to the top-level subvolume.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tree/logged_names.h"
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
    Names(BlockReader& reader, const Roots& roots, const LogTrees& log)
        : reader_(reader), roots_(roots), logged_(reader, log) {}

    /// No path: the inode has no name (deleted, but open when the system stopped), or none can be had.
    Paths of(uint64_t tree, uint64_t inode);

    /// Of a name in a directory; nothing where the directory's own path cannot be had, or it is too long.
    std::optional<std::string> path_in(uint64_t tree, uint64_t directory, const std::string& name);
    /// Of a subvolume's root directory: "/" for the top-level one, else without a slash behind it.
    std::optional<std::string> path_of_subvolume(uint64_t tree);

    /// A name that a directory has for an inode: it counts where the inode itself cannot tell its names any more.
    /// Before any path is asked for.
    void learn(uint64_t tree, uint64_t inode, uint64_t directory, const std::string& name);

  private:
    using Place = std::pair<uint64_t, uint64_t>;  // tree, inode of a directory
    // Its path is put together when it is asked for: of a million of them, each deep down, there is no room for all.
    struct Folder {
        Place above;
        std::string name;
        size_t length = 0;  // of the path, which ends with '/'; 0: there is none, or it is not known
        bool gone = false;  // the replay of the log removes it, or one above it: there is none
    };
    // As the inode tells them in its tree, or as learned; and as the log changes them.
    struct Known {
        std::vector<InodeName> names;
        bool incomplete = false;  // there may be more
        bool gone = false;        // there were some, and the replay removes them all
    };
    Known known_names(const TreeRoot* root, Place inode);
    std::vector<InodeName> names_of(const TreeRoot& root, uint64_t inode, bool& incomplete);
    const Folder& folder(Place place);
    const Folder& too_deep(Place asked, const std::vector<std::pair<Place, std::string>>& way, size_t climbed);
    std::string path_of(Place place) const;
    // The directory above, and the name there.
    std::optional<std::pair<Place, std::string>> above_folder(Place place, bool& gone);
    std::optional<std::pair<Place, std::string>> above_subvolume(uint64_t tree);

    static constexpr Place kTop{format::objectid::kFsTree, format::objectid::kFirstFree};

    // Known at once; of so many trees of so many directories there is no room for all.
    static constexpr size_t kMostFolders = 1 << 18;

    BlockReader& reader_;
    const Roots& roots_;
    LoggedNames logged_;
    std::map<Place, std::set<std::pair<uint64_t, std::string>>> learned_;  // directory, name
    std::map<Place, Folder> folders_;  // of those asked for lately, and what is above them
};

}  // namespace raid56::tree
