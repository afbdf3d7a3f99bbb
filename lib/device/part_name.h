// SPDX-License-Identifier: GPL-2.0-or-later
// The name of a device as the user gives it: a file or block device, or FILE@OFFSET[+LENGTH] for a part of one.
//
// Thread rule: safe from any thread. Does not open anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/range.h"
#include "base/result.h"

namespace raid56::device {

struct Place {
    std::string file;              // what is to be opened
    Range part = {0, UINT64_MAX};  // bytes of it; without LENGTH to its end, wherever that is
    bool is_part = false;
};

/// "OFFSET" or "OFFSET+LENGTH", decimal, bytes. Nothing where it is neither, LENGTH is 0, or the end is
/// behind what a file can have (2^63 - 1).
std::optional<Range> parse_part(std::string_view text);

/// What `name` stands for. What is there under that very name is meant before a part of anything else.
/// Errors: nothing is there, but its front is, and what stands behind the last @ is no part.
Result<Place> locate(const std::string& name);

}  // namespace raid56::device
