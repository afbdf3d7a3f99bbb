// SPDX-License-Identifier: GPL-2.0-or-later
// `btrfs-raid56 repair`: what scrub proves repairable, as a plan; with --write it is put right.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Runs the command; returns the exit status.
int repair_command(const Options& options, const World& world);

}  // namespace raid56::session
