// SPDX-License-Identifier: GPL-2.0-or-later
// `btrfs-raid56 undo`: puts back what a repair replaced, newest first.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Runs the command; returns the exit status.
int undo_command(const Options& options, const World& world);

}  // namespace raid56::session
