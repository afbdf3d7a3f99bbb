// SPDX-License-Identifier: GPL-2.0-or-later
// What is allocated, in ascending logical order: the extent tree merged with what is known from
// elsewhere (log trees, lost blocks), and the ranges about which nothing is known because a block of
// the extent tree is gone.
#pragma once

#include <optional>

#include "tree/cursor.h"

namespace raid56::tree {

struct Allocation {
    format::Extent extent;
    bool unknown = false;    // only start and length count: nothing is known here
    bool undecided = false;  // unknown: but not known to be lost
};

class ExtentStream {
  public:
    /// `root` empty: the extent tree itself is unknown, and so is everything up to `end`; `undecided`: but it is not
    /// known to be lost. `extra`: extents known from elsewhere, ascending by start, which must outlive the stream;
    /// they may repeat those of the extent tree.
    ExtentStream(BlockReader& reader, const std::optional<TreeRoot>& root, const std::vector<format::Extent>& extra,
                 Logical end, bool undecided = false);

    /// Starts over at an extent that begins at or before `at`; the extra ones still come from their first.
    void seek(Logical at);

    /// Ascending by start, each once, without overlaps: an extent that overlaps another contradicts it,
    /// and is handed out as unknown. Nothing at the end.
    std::optional<Allocation> next();

  private:
    std::optional<Allocation> next_of_tree();
    std::optional<Allocation> next_of_all();
    std::optional<Allocation> unknown_until(Logical end);
    bool contradicts(const format::Extent& extent) const;

    BlockReader& reader_;
    std::optional<Cursor> cursor_;
    const std::vector<format::Extent>& extra_;
    Logical end_;
    size_t extra_at_ = 0;
    bool tree_done_ = false;
    Logical tree_end_;                  // of the last extent of the tree
    std::optional<Logical> lost_from_;  // a lost range is open since here
    bool undecided_;                    // nothing in it is known to be lost
    std::optional<Allocation> held_;    // the extent behind a lost range
    std::optional<Allocation> ahead_;   // next of the tree, not yet handed out
    format::Extent last_;               // of those handed out, the one that reaches furthest
};

}  // namespace raid56::tree
