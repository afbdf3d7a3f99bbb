// SPDX-License-Identifier: GPL-2.0-or-later
// What a log says about names: files are called what they will be called once Linux has replayed it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/range.h"
#include "tree/log_trees.h"

namespace raid56::tree {

/// A name of an inode in a directory of the same subvolume.
struct InodeName {
    uint64_t directory = 0;  // inode
    std::string name;
    uint64_t index = 0;  // its number in the directory
    // The item of the inode that has it: INODE_REF of a directory, or INODE_EXTREF of a hash. {} where none is known.
    struct Item {
        uint8_t type = 0;
        uint64_t offset = 0;
        auto operator<=>(const Item&) const = default;
    };
    Item item = {};
};

class LoggedNames {
  public:
    /// Reads the logs, each block of them once. Memory grows with what they hold.
    LoggedNames(BlockReader& reader, const LogTrees& log);

    /// `names` of an inode, as its subvolume has them, become those that it has after the replay:
    ///   an item of names that the log has too                     holds just those that it has there
    ///   a name that the log has for another inode                 is the other's
    ///   a range of a directory that was logged                    what the log does not list there is gone
    ///   an entry of the log for the inode                         is there
    /// Observed with Linux 6.18 (tests/system/test_files.py).
    /// Directories stay without a name where the replay removes them, with all that is below.
    std::vector<InodeName> replay(uint64_t tree, uint64_t inode, std::vector<InodeName> names) const;

    /// Whether names may be there, or gone, of which nothing is known: a part of the log cannot be had.
    bool incomplete() const { return incomplete_; }

  private:
    using Place = std::pair<uint64_t, uint64_t>;  // subvolume, inode
    struct Directory {
        std::vector<Range> ranges;                // as the log has them
        RangeSet listed;                          // numbers whose entries are all in the log
        std::map<uint64_t, std::string> entries;  // by number
    };
    void read(BlockReader& reader, uint64_t tree, const TreeRoot& root, std::set<Logical>& seen);
    void take(uint64_t tree, const format::Item& item);
    bool is_gone(uint64_t tree, uint64_t inode, const InodeName& name) const;

    bool incomplete_;
    std::map<Place, std::vector<InodeName>> names_;    // of an inode
    std::map<Place, std::vector<InodeName>> entries_;  // the same, as directories list them
    std::map<Place, Directory> directories_;
    std::map<std::tuple<uint64_t, uint64_t, std::string>, uint64_t> owners_;  // subvolume, directory, name: inode
};

}  // namespace raid56::tree
