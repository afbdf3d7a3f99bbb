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

    /// Takes out what of `range` is in the set.
    void remove(Range range) {
        auto at = first_behind(range.start);
        if (range.empty() || at == ranges_.end() || at->start >= range.end) return;
        const Range before{at->start, range.start};
        auto last = at;
        while (last + 1 != ranges_.end() && (last + 1)->start < range.end) ++last;
        const Range after{range.end, last->end};
        at = ranges_.erase(at, last + 1);
        if (!after.empty()) at = ranges_.insert(at, after);
        if (!before.empty()) ranges_.insert(at, before);
    }

    bool empty() const { return ranges_.empty(); }
    bool touches(Range range) const {
        const auto at = first_behind(range.start);
        return !range.empty() && at != ranges_.end() && at->start < range.end;
    }
    const std::vector<Range>& ranges() const { return ranges_; }

    /// Calls take(part) for each part of `range` that is in the set, ascending.
    template <class Take>
    void overlaps(Range range, Take&& take) const {
        if (range.empty()) return;
        for (auto at = first_behind(range.start); at != ranges_.end() && at->start < range.end; ++at)
            take(intersect(*at, range));
    }

  private:
    /// The first that ends behind `start`.
    std::vector<Range>::const_iterator first_behind(uint64_t start) const {
        return std::upper_bound(ranges_.begin(), ranges_.end(), start,
                                [](uint64_t at, const Range& r) { return at < r.end; });
    }

    std::vector<Range> ranges_;
};

}  // namespace raid56
