// SPDX-License-Identifier: GPL-2.0-or-later
// From the devices that the user named to one file system: who belongs together, which superblock
// speaks for it, what must be refused. Maps the system chunks only; the chunk tree comes later.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "volume/super_scan.h"
#include "volume/volume.h"

namespace raid56::volume {

struct Candidate {
    std::string path;  // printable
    device::ReadDevice* device = nullptr;
    std::vector<SuperCopy> copies;
};

/// Whether any copy says who the device is. One that does not is no candidate for assemble().
bool has_identity(const Candidate& candidate);
/// What is wrong with the copies of a device that has none that is good.
Error no_superblock(const Candidate& candidate);

/// The volume with one member a candidate, in the same order, and its system chunks. Errors: one
/// sentence for each kind of set that is no file system, or none that may be judged.
Result<Volume> assemble(const std::vector<Candidate>& candidates, const std::set<DevId>& distrusted);

/// Takes in the device items of the chunk tree: sizes, missing devices, seeds. `complete`: the whole
/// chunk tree was read, so that a device which it does not name is no member.
Result<void> take_dev_items(Volume& volume, const std::vector<format::DevItem>& items, bool complete);

std::string uuid_text(const Uuid& uuid);

}  // namespace raid56::volume
