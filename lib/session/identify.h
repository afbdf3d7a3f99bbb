// SPDX-License-Identifier: GPL-2.0-or-later
// Devices whose superblock copies are all gone, told by what lies on them.
#pragma once

#include <set>
#include <vector>

#include "session/open_volume.h"
#include "volume/assemble.h"

namespace raid56::session {

/// Tries each nameless device in the place of each missing one: tree blocks, or data that are not one
/// byte all over, that are proven there tell who it is. Its generation stays unknown (0), so that what
/// nothing proves on it is judged as on a device that is behind. Errors: a device that nothing tells, or
/// that may be one or another. One whose devid is in `distrusted` is not believed.
Result<void> identify_by_content(OpenVolume& open, const std::set<DevId>& distrusted, const World& world,
                                 std::vector<volume::Candidate> nameless);

}  // namespace raid56::session
