// SPDX-License-Identifier: GPL-2.0-or-later
// `btrfs-raid56 scrub`: verify everything, report, change nothing.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Runs the command; returns the exit status.
int scrub_command(const Options& options, const World& world);

}  // namespace raid56::session
