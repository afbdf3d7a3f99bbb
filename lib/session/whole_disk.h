// SPDX-License-Identifier: GPL-2.0-or-later
// A whole disk, or the image of one, named where a partition of it is meant.
#pragma once

#include <optional>
#include <string>

#include "session/options.h"

namespace raid56::session {

/// What to say of something without a superblock that has a partition table: which of its partitions hold a
/// btrfs, and how they are named. Nothing where it has no table; `or_none` false: nor where none of them does.
std::optional<Error> refuse_whole_disk(const std::string& path, const World& world, bool or_none);

}  // namespace raid56::session
