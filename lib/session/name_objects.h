// SPDX-License-Identifier: GPL-2.0-or-later
// Damage of tree blocks in words of trees, files and directories (--files).
// Thread rule: one thread.
#pragma once

#include <functional>
#include <map>

#include "report/model.h"
#include "session/open_volume.h"
#include "tree/lost_objects.h"
#include "tree/names.h"

namespace raid56::session {

class ObjectNamer {
  public:
    /// Looks at the trees for blocks that cannot be had within `wanted` ranges. What `names` learns here counts for all
    /// paths asked for afterwards.
    ObjectNamer(const OpenVolume& open, tree::Names& names, const RangeSet& wanted);

    /// Of the lost blocks that begin in `range`, or reach into it, and that are meant.
    report::HurtFiles of(Range range, const std::function<bool(Logical block)>& is_meant);

    /// Whether some file may be hurt that is not named.
    bool incomplete() const { return incomplete_; }

  private:
    report::HurtTree tree_of(const tree::LostPart& part);
    report::HurtObject object_of(const tree::LostObject& object);

    tree::Names& names_;
    uint32_t nodesize_;
    tree::LostParts found_;
    tree::LostObjects objects_;
    std::multimap<Logical, size_t> by_block_;  // index in found_.parts
    bool incomplete_ = false;
};

}  // namespace raid56::session
