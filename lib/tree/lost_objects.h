// SPDX-License-Identifier: GPL-2.0-or-later
// What files and directories lose with blocks of the trees that cannot be had. What such a block held can be told only
// from what is left: directories that name inodes of its range, and inodes that say under which name of which
// directory they are to be found.
//
// What lies below a directory that loses everything or its entries cannot be reached either. It is not told: of each
// thing that cannot be reached, either it is told itself, or a directory above it is.
//
// Where the last leaf of a subvolume is lost, Linux does not open it at all, though most of it is there: that is told
// as the loss of its root directory.
//
// Each block of the trees is read at most twice. Memory is bounded by what is lost, and by kMostNamed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tree/lost_parts.h"

namespace raid56::tree {

enum class Loss : uint8_t {
    all,         // the inode itself: it cannot be opened
    entries,     // of a directory: names in it
    data,        // what it has at some offsets
    attributes,  // none of these; extended attributes, perhaps
    name,        // it cannot be found by this name
    listing,     // it can, but its directory does not list it
};

struct LostObject {
    size_t part = 0;  // its index in what was asked for
    Loss loss = Loss::all;
    uint64_t tree = 0, inode = 0;  // the subvolume it is in, its number there
    bool directory = false;        // false too where neither its item nor an entry is left to tell
    // A name of it, and where; the root directory of a subvolume, told without a name, is its own directory.
    uint64_t in_tree = 0, in_directory = 0;
    std::string name;
    // data: which, bytes; to the end of the file where `length` is nothing, for its size is lost with another block.
    uint64_t offset = 0;
    std::optional<uint64_t> length;
};

struct LostObjects {
    std::vector<LostObject> objects;  // by part, inode, name
    bool incomplete = false;          // there are more
};

/// More are not told.
inline constexpr size_t kMostNamed = size_t{1} << 16;

/// `parts` as find_lost_parts() tells them. Of log trees nothing is told.
LostObjects find_lost_objects(BlockReader& reader, const Roots& roots, const std::vector<LostPart>& parts);

}  // namespace raid56::tree
