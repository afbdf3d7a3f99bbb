// SPDX-License-Identifier: GPL-2.0-or-later
// `merge`: the reports of all shards of a scrub become the report that one run had made.
#pragma once

#include "session/options.h"

namespace raid56::session {

/// Returns the exit status.
int merge_command(const Options& options, const World& world);

}  // namespace raid56::session
