// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/hurt_files.h"

namespace raid56::report {

void FileList::add(const FilePart& part) {
    const Key key{part.path, part.kind, part.subvolume, part.inode};
    auto found = files_.find(key);
    if (found == files_.end()) {
        if (files_.size() == kFiles || path_bytes_ + part.path.size() > kPathBytes) {
            left_out_++;
            return;
        }
        path_bytes_ += part.path.size();
        found = files_.emplace(key, Entry{}).first;
    }
    auto& entry = found->second;
    entry.compressed = entry.compressed || part.compressed;
    if (!entry.places.empty() && entry.places.back().end == part.offset)
        entry.places.back().end += part.length;
    else if (entry.places.size() < kRanges)
        entry.places.push_back({part.offset, part.offset + part.length});
    else
        entry.more_places = true;
}

}  // namespace raid56::report
