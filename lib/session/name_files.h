// SPDX-License-Identifier: GPL-2.0-or-later
// Findings held back until the files behind them are known: one look at the trees for all of them (--files).
#pragma once

#include <atomic>
#include <variant>
#include <vector>

#include "report/model.h"
#include "session/open_volume.h"

namespace raid56::session {

class HeldFindings {
  public:
    void add(const scrub::Damage& damage) { held_.push_back(damage); }
    void add(const scrub::Unknown& unknown) { held_.push_back(unknown); }

    /// Tells all of them in their order, data with the files that refer to them, ambiguous rows with those that have
    /// data without checksums there, tree blocks that cannot be had with the trees that they belong to and what hangs
    /// on them. Returns whether some file may not have been found, because
    /// a part of the trees could not be had. Once `stop` is set the rest is told without files.
    bool tell(const OpenVolume& open, report::Writer& writer, const std::atomic<bool>& stop);

  private:
    /// Of all damage the ranges that ranges_of(damage) gives.
    template <class RangesOf>
    RangeSet all_of(RangesOf&& ranges_of) const;
    RangeSet silent_data(const OpenVolume& open) const;

    std::vector<std::variant<scrub::Damage, scrub::Unknown>> held_;
};

}  // namespace raid56::session
