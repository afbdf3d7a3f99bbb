// SPDX-License-Identifier: GPL-2.0-or-later
// Which lost devices are to be written anew, and onto what; everything that speaks against it is an error,
// and nothing is written before all of it was looked at.
#pragma once

#include <memory>
#include <vector>

#include "repair/rebuilt_device.h"
#include "session/open_volume.h"

namespace raid56::session {

/// A lost device that --onto names.
struct Wanted {
    unsigned member = 0;  // of the volume
    std::string path;
};

/// Errors: no such devid, one that is there, one that is a seed or whose item is gone, one named twice, a path
/// named twice, chunks that lack more devices than they bear.
Result<std::vector<Wanted>> choose_targets(const OpenVolume& open, const Options& options);

/// What is written onto: open, empty of anything known or forced, and no survivor.
struct OpenedTargets {
    std::vector<std::unique_ptr<device::WriteDevice>> devices;  // in the order of Wanted
    std::vector<std::string> created;                           // image files that were not there before

    bool any_block() const;
};

/// What an earlier run has left: the id of its state file, and whether its targets are begun.
struct Earlier {
    std::optional<uint64_t> id;
    bool begun = false;
};

/// Opens them; of begun ones what they hold is looked at by RebuiltDevice::is_begun() instead. On an error nothing
/// is left that was not there before. Errors: in use, too small, on the storage of a survivor or another target, a
/// known file system without --force, begun by a rebuild that is not the earlier one without --restart.
Result<OpenedTargets> open_rebuild_targets(const OpenVolume& open, const std::vector<Wanted>& wanted,
                                           const Options& options, const World& world, const Earlier& earlier);

/// Takes everything known off a target that is to be begun; an image file becomes one hole of `size` bytes.
Result<void> wipe_target(device::WriteDevice& device, uint64_t size, const World& world);

}  // namespace raid56::session
