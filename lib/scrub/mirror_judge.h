// SPDX-License-Identifier: GPL-2.0-or-later
// A full stripe of a chunk without parity (single, dup, raid0, raid1*, raid10) in which not
// everything is as it should be: which copies are hurt, and whether another proves the right bytes.
#pragma once

#include "scrub/context.h"

namespace raid56::scrub {

/// Judges full stripe `n`, counted from the window's first; adds to the batch's counters and damage.
void judge_mirrored_stripe(const Context& context, Batch& batch, unsigned n);

}  // namespace raid56::scrub
