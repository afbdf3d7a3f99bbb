// SPDX-License-Identifier: GPL-2.0-or-later
// Leaving disks and processors to others.
#pragma once

#include "base/result.h"

namespace raid56::device {

/// This thread, and those that it starts from now on, read and write only while nobody else does (the kernel's idle
/// class, ioprio_set(2)), and compute with the lowest priority (nice 19). Not every I/O scheduler heeds the first.
/// Errors: the system does not let it; what could be had of the two stays.
Result<void> be_idle();

}  // namespace raid56::device
