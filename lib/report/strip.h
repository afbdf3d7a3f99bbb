// SPDX-License-Identifier: GPL-2.0-or-later
// A stretch of a device as a strip drawn to scale (SVG): the chunks on it, and below them a lane for each state of
// damage. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "report/marks.h"
#include "report/markup.h"
#include "report/model.h"

namespace raid56::report {

/// A part of a chunk on a device.
struct Band {
    Range place;  // bytes of the device
    uint64_t chunk = 0, kind = 0;
    format::Profile profile = format::Profile::single;
};

struct Strip {
    Range place;               // bytes of the device
    std::string name;          // of the line of bands
    std::vector<Band> bands;   // ascending by place; those too narrow to be seen are drawn as one with the next ones
    std::vector<State> lanes;  // that are drawn
    const Marks& marks;
    /// Whether there is a place on the page that shows that chunk alone; none: nowhere.
    std::function<bool(uint64_t chunk)> shown_alone;
    std::vector<std::string> scale;  // labels below, at equal distances, the first at the beginning
};

/// The names of the lanes, the strip and its scale.
Markup draw(const Strip& strip);

/// Where a chunk is shown alone: the name of that place within the page.
Markup place_of_chunk(uint64_t chunk);
/// The class that gives a chunk its look, by its kind.
Markup kind_class(uint64_t kind);

}  // namespace raid56::report
