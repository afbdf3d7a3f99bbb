// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel tells about who uses which device: /proc, /sys and a few questions, in one place so
// that tests can answer instead.
//
// Thread rule: safe from any thread. Promises no more than the moment: a device can be mounted right
// after it was found free.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "device/open.h"

namespace raid56::device {

/// What a loop device stands on.
struct Loop {
    Identity backing;
    uint64_t offset = 0;      // where in it the loop device begins, bytes
    uint64_t size_limit = 0;  // its length, 0 for the rest
};

struct KernelView {
    std::string proc = "/proc";
    std::string sys = "/sys";
    std::string dev = "/dev";
    /// The file or block device that `path` leads to, links followed.
    std::function<std::optional<Identity>(const std::string& path)> identity;
    /// errno of an exclusive open of the block device at `path`, 0 where nobody holds it.
    std::function<int(const std::string& path)> exclusive_open;
    /// By the loop device's own path; nothing where that is none, or may not be asked.
    std::function<std::optional<Loop>(const std::string& path)> loop;
};

/// The running kernel's.
const KernelView& running_kernel();

}  // namespace raid56::device
