// SPDX-License-Identifier: GPL-2.0-or-later
// `rebuild`: lost devices written anew from the others, which are only read.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Returns the exit status.
int rebuild_command(const Options& options, const World& world);

}  // namespace raid56::session
