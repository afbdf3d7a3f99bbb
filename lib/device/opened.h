// SPDX-License-Identifier: GPL-2.0-or-later
// A device that was opened for reading, and what tells it from others. A plain value.
#pragma once

#include <memory>

#include "device/device.h"

namespace raid56::device {

/// What tells one device from another, however it was named: two names of one thing (links, a loop
/// device and its backing file) give equal identities.
struct Identity {
    bool block = false;
    uint64_t device = 0;  // st_rdev of a block device, st_dev of a file
    uint64_t inode = 0;   // of a file
    bool operator==(const Identity&) const = default;
};

struct Opened {
    std::unique_ptr<ReadDevice> device;
    Identity identity;
};

}  // namespace raid56::device
