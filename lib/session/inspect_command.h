// SPDX-License-Identifier: GPL-2.0-or-later
// `btrfs-raid56 inspect`: superblocks, devices and chunks; the row of an address; where a file lies.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Runs the command; returns the exit status.
int inspect_command(const Options& options, const World& world);

}  // namespace raid56::session
