// SPDX-License-Identifier: GPL-2.0-or-later
// A full stripe of a raid5/6 chunk in which not everything is as it should be: which sectors are
// hurt, which of them can be had back and what proves it, what P and Q are worth (DESIGN 3).
#pragma once

#include "scrub/context.h"

namespace raid56::scrub {

/// Judges full stripe `n`, counted from the window's first; adds to the batch's counters and damage.
void judge_parity_stripe(const Context& context, Batch& batch, unsigned n);

}  // namespace raid56::scrub
