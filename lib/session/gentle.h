// SPDX-License-Identifier: GPL-2.0-or-later
// A run that leaves others their share of disks and processors (--limit-rate, --idle).
#pragma once

#include "session/options.h"

namespace raid56::session {

/// A world in which devices of the file system are read no faster than the options say. With --idle this thread and
/// those that it starts are idle from now on; where that cannot be had it is said, and the work goes on.
World be_gentle(const Options& options, const World& world);

}  // namespace raid56::session
