// SPDX-License-Identifier: GPL-2.0-or-later
// Keeping others from changing what is only read.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace raid56::device {

/// Given back when destroyed.
class Hold {
  public:
    virtual ~Hold() = default;
    /// An error where somebody uses it all the same: a file cannot be held against loop devices.
    virtual Result<void> still_free() = 0;
};

/// Until it is given back nobody can mount that block device, nor claim the disk that it is a part of; a file
/// is locked (flock, shared) against a run of this program that writes. Of a part (part_name.h) the whole is, once
/// for all parts of a disk. Errors: in use, held, locked.
Result<std::unique_ptr<Hold>> hold_for_reading(const std::string& name);

}  // namespace raid56::device
