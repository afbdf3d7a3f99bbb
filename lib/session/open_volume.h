// SPDX-License-Identifier: GPL-2.0-or-later
// From the devices named on the command line to a volume whose trees can be read: devices opened,
// superblocks chosen, chunks mapped, roots and logs found.
#pragma once

#include <memory>

#include "parity/engine.h"
#include "scrub/findings.h"
#include "session/options.h"
#include "tree/extent_stream.h"
#include "tree/log_trees.h"
#include "tree/roots.h"
#include "volume/super_scan.h"

namespace raid56::session {

struct OpenVolume {
    std::vector<device::Opened> devices;
    std::unique_ptr<volume::Volume> volume;
    std::vector<std::vector<volume::SuperCopy>> scans;  // by member; empty for a missing one
    std::unique_ptr<tree::BlockReader> reader;
    tree::Roots roots;
    tree::LogTrees log;
    std::vector<scrub::Unknown> unknown;  // parts of the chunk tree, the roots or the log that are gone
    bool replace_under_way = false;

    /// Where the mapped space ends.
    Logical end() const;
};

/// Extents that no extent tree names: those of the log trees, and the tree blocks that could not be had
/// so far; ascending by start.
std::vector<format::Extent> extra_extents(const OpenVolume& open);

/// What is allocated, as the extent tree and `extra` tell, which must outlive it.
tree::ExtentStream extents_of(const OpenVolume& open, const std::vector<format::Extent>& extra);

/// Opens every device named. One that cannot be had, and the same one named twice, is an error.
Result<std::vector<device::Opened>> open_devices(const Options& options, const World& world);

/// After choose_engine(). Errors are what ends the work (exit status 8); anything else that is wrong becomes a finding.
Result<OpenVolume> open_volume(const Options& options, const World& world, parity::Engine& engine);

}  // namespace raid56::session
