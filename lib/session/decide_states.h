// SPDX-License-Identifier: GPL-2.0-or-later
// The first pass over the trees, and what it says of devices whose superblocks are behind.
#pragma once

#include "scrub/survey.h"
#include "session/open_volume.h"

namespace raid56::session {

/// Surveys the trees and sets the state of every device that is behind.
/// `part`: as survey() takes it.
scrub::Survey survey_and_decide(OpenVolume& open, const World& world, const scrub::Selection* part = nullptr);

/// The same for commands that need no survey: nothing is read where no device is behind.
void decide_states(OpenVolume& open, const World& world);

}  // namespace raid56::session
