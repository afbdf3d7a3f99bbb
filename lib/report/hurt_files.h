// SPDX-License-Identifier: GPL-2.0-or-later
// Files that damage hurts, each once with all that is hurt of it: as many of them as a person reads. Pure.
#pragma once

#include <map>
#include <tuple>

#include "base/range.h"
#include "report/model.h"

namespace raid56::report {

class FileList {
  public:
    static constexpr size_t kFiles = 1000;
    static constexpr size_t kPathBytes = 4 << 20;  // of all of them together
    static constexpr size_t kRanges = 8;           // of each file

    using Key = std::tuple<std::string, FileKind, uint64_t, uint64_t>;  // path, kind, subvolume, inode
    struct Entry {
        std::vector<Range> places;  // bytes of the file, the first ones; touching ones are one
        bool more_places = false;
        bool compressed = false;  // some of them are all of a compressed extent
    };

    void add(const FilePart& part);

    const std::map<Key, Entry>& files() const { return files_; }
    /// Parts of files for which there was no room.
    uint64_t left_out() const { return left_out_; }

  private:
    std::map<Key, Entry> files_;
    size_t path_bytes_ = 0;
    uint64_t left_out_ = 0;
};

}  // namespace raid56::report
