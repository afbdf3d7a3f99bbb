// SPDX-License-Identifier: GPL-2.0-or-later
// The superblock copies of one device, read and checked. Nothing is chosen here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "device/device.h"
#include "format/superblock.h"

namespace raid56::volume {

enum class CopyState : uint8_t {
    good,
    absent,  // beyond the end of the device
    unreadable,
    magic_missing,  // good in every other respect: removed on purpose
    bad_checksum,
    rejected,  // magic or a field is wrong; see `reject`
};

struct SuperCopy {
    unsigned index = 0;
    CopyState state = CopyState::absent;
    int error = 0;                            // unreadable: errno
    std::optional<format::Reject> reject;     // rejected
    std::vector<uint8_t> bytes;               // as read
    std::optional<format::Superblock> super;  // good and magic_missing
};

/// All three copies, by index.
std::vector<SuperCopy> scan_supers(device::ReadDevice& device);

/// What is wrong with a copy, in words.
std::string describe(const SuperCopy& copy);

}  // namespace raid56::volume
