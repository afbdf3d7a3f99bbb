// SPDX-License-Identifier: GPL-2.0-or-later
// Why allocated data has no checksum: one walk over every tree that refers to data finds out, for
// the ranges asked for alone (FACTS 12). Memory is bounded by those ranges and by one bit for each
// sector near a tree block.
#pragma once

#include <vector>

#include "base/range.h"
#include "tree/log_trees.h"
#include "tree/roots.h"

namespace raid56::tree {

enum class Silence : uint8_t {
    written,        // every reference is nodatasum, preallocated or v1 space cache, and one has written it
    never_written,  // preallocated and never written, or no file refers to it any more
    should_have,    // a file with checksums refers to it, or a part of the trees that may do so is gone
};

struct SilentRange {
    Range logical;
    Silence silence = Silence::should_have;
};

/// The ranges of `wanted`, cut where the answer changes; ascending.
std::vector<SilentRange> explain_silence(BlockReader& reader, const Roots& roots, const LogTrees& log,
                                         const RangeSet& wanted);

}  // namespace raid56::tree
