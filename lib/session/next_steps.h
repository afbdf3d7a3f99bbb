// SPDX-License-Identifier: GPL-2.0-or-later
// What to do after a scrub: a step for each thing that was found, in the order in which they are to be done. Pure.
#pragma once

#include <string>
#include <vector>

#include "report/model.h"

namespace raid56::session {

/// What the summary does not say.
struct Circumstances {
    bool missing = false;    // a device is not here
    bool cut_short = false;  // one is shorter than it was
};

/// Sentences without a full stop. None where all is well, and after a run that did not come to its end.
std::vector<std::string> steps_after_scrub(const report::Summary& summary, const Circumstances& circumstances);

}  // namespace raid56::session
