// SPDX-License-Identifier: GPL-2.0-or-later
// What binds the file of an unfinished run to the devices that the run has read.
#pragma once

#include "session/maps.h"
#include "session/progress_lines.h"
#include "volume/volume.h"

namespace raid56::session {

/// What came of the rows depends on what was no data in them: equal for equal erasures.
uint32_t sum_of_erased(const device::Erasures& erased);

/// An array, one object for each device that is here: who it is, its generation, its size, what its
/// superblock is, what a map erases of it.
Json bound_devices(const volume::Volume& volume, const Maps& maps);

}  // namespace raid56::session
