// SPDX-License-Identifier: GPL-2.0-or-later
// bench: what this machine does, as text or JSON lines; devices that are named are read plainly too.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Exit status; writes the report to world.out. Figures are printed as they are taken.
int bench_command(const Options& options, const World& world);

}  // namespace raid56::session
