// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums of data in ascending logical order, from the csum tree; the log's are laid over them by
// the caller's last call. Items straddle extents, columns and full stripes (FACTS 3).
#pragma once

#include <functional>
#include <optional>

#include "tree/cursor.h"
#include "tree/log_trees.h"

namespace raid56::tree {

class CsumStream {
  public:
    CsumStream(BlockReader& reader, const std::optional<TreeRoot>& root, const LogTrees& log);

    /// count checksums from `start` on, one a sector, csum_size bytes each.
    using Take = std::function<void(Logical start, size_t count, const uint8_t* digests)>;
    /// Every checksum known for [from, to); calls must ascend without overlap. The log's come last.
    void read(Logical from, Logical to, const Take& take);

  private:
    void take_part(Logical from, Logical to, const format::CsumRun& run, const Take& take) const;
    bool advance();

    std::optional<Cursor> cursor_;
    const LogTrees& log_;
    uint32_t sector_;
    size_t size_;
    std::optional<format::CsumRun> run_;  // the item under the cursor
    bool done_ = false;
    size_t log_at_ = 0;
};

}  // namespace raid56::tree
