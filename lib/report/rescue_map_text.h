// SPDX-License-Identifier: GPL-2.0-or-later
// A map file that ddrescue reads (format/rescue_map.h). Thread rule: pure.
#pragma once

#include <string>

#include "format/rescue_map.h"

namespace raid56::report {

/// The text of a map file. Its state is that of a run that has not begun yet where some block was not tried,
/// else of one that is finished.
std::string rescue_map_text(const format::RescueMap& map);

}  // namespace raid56::report
