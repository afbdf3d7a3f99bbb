// SPDX-License-Identifier: GPL-2.0-or-later
// What a journal's repair can have written to, told by its records alone.
#pragma once

#include <set>

#include "repair/log.h"

namespace raid56::repair {

/// Whether the repair gives a short image its full length. `state` has a plan, here and below.
bool is_lengthened(const LogState& state, DevId devid);
/// Whether a write lies behind the end of an image that stays short, or behind what the file system makes it: it is
/// told and never made.
bool is_left_out(const LogState& state, const Write& write);
/// Whether a write, by the number of its record, may have reached its device, in whole or in part.
bool may_be_written(const LogState& state, uint64_t number, const Write& write);

/// Devices that may have been changed: an undo needs these and no other. Errors: I/O, in words.
Result<std::set<DevId>> reached_devices(device::WriteDevice& journal, const LogState& state);

}  // namespace raid56::repair
