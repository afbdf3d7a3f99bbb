// SPDX-License-Identifier: GPL-2.0-or-later
// What a chunk bears of lost devices. Pure. A device counts once, however many of a chunk's stripes it holds: both
// copies of dup on one device are lost together.
#pragma once

#include "volume/volume.h"

namespace raid56::volume {

/// Whether a chunk can bear its missing devices: every byte has a copy left, or a parity.
bool survives(const Volume& volume, const MappedChunk& chunk);

/// How many more devices of a chunk may be lost, whichever they are, before some byte of it has no source left;
/// 0 also where one has none already. A stale or distrusted device counts as lost: which of its bytes are out of
/// date is not known, and nothing may be made from them.
unsigned further_losses(const Volume& volume, const MappedChunk& chunk);

/// How many more devices of the file system may be lost: that of the chunk that bears the least; 0 without chunks.
unsigned further_losses(const Volume& volume);

}  // namespace raid56::volume
