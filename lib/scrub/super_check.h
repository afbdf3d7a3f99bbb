// SPDX-License-Identifier: GPL-2.0-or-later
// The superblock copies of every device, judged (DESIGN 3.8).
#pragma once

#include <vector>

#include "scrub/findings.h"
#include "volume/super_scan.h"
#include "volume/volume.h"

namespace raid56::scrub {

/// scans[i]: the copies of member i; empty for a missing one. Devices in ascending order of devid.
void check_supers(const volume::Volume& volume, const std::vector<std::vector<volume::SuperCopy>>& scans,
                  std::vector<Damage>& damage, Counters& counters);

}  // namespace raid56::scrub
