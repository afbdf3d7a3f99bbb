// SPDX-License-Identifier: GPL-2.0-or-later
// The first pass, over the trees alone: which allocated data has no checksum, and whether devices
// whose superblocks are behind hold what was written since (DESIGN 3.2).
#pragma once

#include <atomic>
#include <vector>

#include "base/range.h"
#include "scrub/selection.h"
#include "tree/csum_stream.h"
#include "tree/extent_stream.h"
#include "volume/volume.h"

namespace raid56::scrub {

/// What blocks and sectors newer than a device's superblock say of the device.
struct Newer {
    unsigned member = 0;
    bool refuted = false;  // one is not what it should be
    bool doubt = false;    // one could not be read
    uint64_t proven_blocks = 0;
    uint64_t proven_sectors = 0;   // data
    uint64_t telling_sectors = 0;  // and of them, those that are not one byte all over, as on a blank disk
};

struct Survey {
    RangeSet without_checksum;        // logical
    std::vector<Newer> behind;        // one for each member whose superblock is behind
    std::vector<uint64_t> allocated;  // bytes, by chunk
};

/// `part`: of which the allocated bytes are counted; null: everything.
Survey survey(const volume::Volume& volume, tree::ExtentStream& extents, tree::CsumStream& csums,
              const std::atomic<bool>& stop, const Selection* part = nullptr);

/// stale, present or unsure.
volume::DeviceState judge_behind(const Newer& newer);

}  // namespace raid56::scrub
