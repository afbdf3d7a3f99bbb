// SPDX-License-Identifier: GPL-2.0-or-later
// Places on a device that two dev extents claim. No sound file system has any (the kernel does not mount one that
// has), and nobody can say which claim is true: what is written there for one chunk may be another's.
//
// Thread rule: plain values; not changed once made.
#pragma once

#include <vector>

#include "base/range.h"
#include "base/units.h"
#include "volume/geometry.h"

namespace raid56::volume {

/// Where a dev extent lies on the device of some member.
struct Claim {
    unsigned member = 0;
    Range place;  // bytes of that device
};

class Contested {
  public:
    Contested() = default;
    /// In any order; two claims of one chunk contest each other like those of two.
    explicit Contested(std::vector<Claim> claims);

    bool empty() const { return places_.empty(); }
    /// The parts of that range of a member's device that are claimed more than once, ascending.
    std::vector<Range> parts(unsigned member, Range place) const;
    bool touches(unsigned member, Range place) const { return !empty() && !parts(member, place).empty(); }
    /// All of them, of one member.
    const std::vector<Range>& places(unsigned member) const;

  private:
    std::vector<RangeSet> places_;  // by member; empty where there are none at all
};

}  // namespace raid56::volume
