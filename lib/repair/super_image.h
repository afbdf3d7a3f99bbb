// SPDX-License-Identifier: GPL-2.0-or-later
// Superblock copies as they should be (DESIGN 3.8, FACTS 2, 18). Nothing here is invented: a copy is
// another copy's bytes with this device's item, this place's bytenr, and a checksum.
#pragma once

#include <vector>

#include "repair/write.h"
#include "volume/super_scan.h"
#include "volume/volume.h"

namespace raid56::repair {

/// Copy `index` of a device, made from `base`, any good copy of the same commit. `item`: the device's.
/// Copies 1 and 2 carry no log root.
std::vector<uint8_t> make_super(ByteView base, const format::raw::dev_item& item, unsigned index, CsumKind kind);

struct SuperWrite {
    Write write;
    std::vector<uint8_t> old_bytes;  // zeros where it could not be read
    std::vector<uint8_t> new_bytes;
};

/// What puts a superblock copy right that check_supers() found to be repairable. `scan`: the copies of
/// that member. Nothing where nobody knows the device's item any more.
std::optional<SuperWrite> make_super_write(const volume::Volume& volume, const volume::Member& member,
                                           const std::vector<volume::SuperCopy>& scan, const scrub::Damage& damage);

}  // namespace raid56::repair
