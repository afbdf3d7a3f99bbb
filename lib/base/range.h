// SPDX-License-Identifier: GPL-2.0-or-later
// Half-open ranges of numbers, and sets of them kept in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace raid56 {

struct Range {
    uint64_t start = 0, end = 0;
    bool empty() const { return start >= end; }
    uint64_t length() const { return end - start; }
    bool operator==(const Range&) const = default;
};

inline Range intersect(Range a, Range b) { return {std::max(a.start, b.start), std::min(a.end, b.end)}; }

/// Disjoint ranges in ascending order; touching ones are one.
class RangeSet {
  public:
    /// Adds a range that starts at or behind the start of the last one added.
    void append(Range range) {
        if (range.empty()) return;
        if (!ranges_.empty() && range.start <= ranges_.back().end)
            ranges_.back().end = std::max(ranges_.back().end, range.end);
        else
            ranges_.push_back(range);
    }

    bool empty() const { return ranges_.empty(); }
    const std::vector<Range>& ranges() const { return ranges_; }

    /// Calls take(part) for each part of `range` that is in the set, ascending.
    template <class Take>
    void overlaps(Range range, Take&& take) const {
        auto at = std::upper_bound(ranges_.begin(), ranges_.end(), range.start,
                                   [](uint64_t start, const Range& r) { return start < r.end; });
        for (; at != ranges_.end() && at->start < range.end; ++at) take(intersect(*at, range));
    }

  private:
    std::vector<Range> ranges_;
};

}  // namespace raid56
