// SPDX-License-Identifier: GPL-2.0-or-later
// Which parity engines can be trusted on this machine, and which of them is the fastest.
#pragma once

#include <vector>

#include "session/options.h"

namespace raid56::session {

/// The engine named, or for "auto" all of the world's that do every job right, the scalar one first;
/// stderr says why another is left out. An error where the engine named is not to be had or wrong, or
/// a checksum is: digests are judged by it. Prepares checksums: call before anything that needs them.
Result<std::vector<parity::Engine*>> usable_engines(const Options& options, const World& world);

/// The fastest of them.
parity::Engine* fastest_engine(const std::vector<parity::Engine*>& engines, const World& world);

/// Both in one: the engine to work with.
Result<parity::Engine*> choose_engine(const Options& options, const World& world);

}  // namespace raid56::session
