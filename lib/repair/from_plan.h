// SPDX-License-Identifier: GPL-2.0-or-later
// A plan that was saved, taken up again: every place must still hold what the plan was made for.
#pragma once

#include "repair/planner.h"

namespace raid56::repair {

/// Hands the writes of a plan to a planner, with the old bytes as they lie on the devices now. Errors: a
/// place that holds other bytes than the plan saw (named), a device that is not there, I/O.
Result<void> take_plan(device::WriteDevice& plan, const LogState& state, const volume::Volume& volume,
                       Planner& planner);

}  // namespace raid56::repair
