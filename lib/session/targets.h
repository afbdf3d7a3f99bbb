// SPDX-License-Identifier: GPL-2.0-or-later
// The devices that a repair or an undo writes to: opened for it, and told apart.
#pragma once

#include <memory>
#include <vector>

#include "repair/apply.h"
#include "session/open_volume.h"
#include "session/options.h"
#include "volume/volume.h"

namespace raid56::session {

struct Targets {
    std::vector<std::unique_ptr<device::WriteDevice>> devices;
    std::vector<repair::Target> targets;

    /// The same world, but that these devices, which nobody else may open now, are opened through what is held.
    World world_of(const World& world) const;
};

/// Every device of the volume that is there and no seed, opened for writing. Errors: one that is in use or
/// write-protected.
Result<Targets> open_targets(const OpenVolume& open, const World& world);

/// What binds a journal to these devices.
repair::Header header_of(const volume::Volume& volume, repair::FileKind kind);

/// Which devices of a journal must be there.
enum class Needed { all, reached };

/// The devices of a journal among those named by the user: by a superblock copy, or, where a device has
/// none left, because it alone holds what the journal left there. Errors: a device that the journal does
/// not know, one that is needed and missing, one that nothing tells, a superblock of a later commit.
Result<Targets> match_targets(const std::vector<std::string>& paths, device::WriteDevice& journal,
                              repair::LogState& state, Needed needed, const World& world);

}  // namespace raid56::session
