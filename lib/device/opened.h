// SPDX-License-Identifier: GPL-2.0-or-later
// A device that was opened for reading, and what tells it from others. Plain values.
#pragma once

#include <memory>

#include "base/range.h"
#include "device/device.h"

namespace raid56::device {

/// What tells one device from another, however it was named: two names of one thing (links, a loop
/// device and its backing file, a partition and its place on the disk) give equal identities.
struct Identity {
    bool block = false;
    uint64_t device = 0;           // st_rdev of a block device, st_dev of a file
    uint64_t inode = 0;            // of a file
    Range part = {0, UINT64_MAX};  // bytes of it: all, unless it is a part that is meant
    bool operator==(const Identity&) const = default;

    Identity whole() const { return {block, device, inode}; }
    /// That part of this one; `inner` counts from where this one begins.
    Identity narrowed(Range inner) const {
        const auto shifted = [&](uint64_t at) { return at > part.end - part.start ? part.end : part.start + at; };
        Identity found = *this;
        found.part = {shifted(inner.start), shifted(inner.end)};
        return found;
    }
};

/// Whether some byte belongs to both.
inline bool overlap(const Identity& a, const Identity& b) {
    return a.whole() == b.whole() && !intersect(a.part, b.part).empty();
}

struct Opened {
    std::unique_ptr<ReadDevice> device;
    Identity identity;
};

}  // namespace raid56::device
