// SPDX-License-Identifier: GPL-2.0-or-later
// The command line: words in, exit status out, in a world that the caller gives.
#pragma once

#include <string>
#include <vector>

#include "session/options.h"

namespace raid56::cmd {

/// `words` without the program's name. Wrong usage is exit status 16 and one sentence on world.err.
int run_command_line(const std::vector<std::string>& words, const session::World& world);

}  // namespace raid56::cmd
