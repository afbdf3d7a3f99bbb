// SPDX-License-Identifier: GPL-2.0-or-later
// What nothing can be faster than: copying memory, and reading devices plainly.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "bench/measure.h"
#include "device/device.h"

namespace raid56::bench {

/// Bytes a second of memcpy() of `bytes` at a time, each counted once.
double measure_copy(size_t bytes, Clock clock);

/// Reads of one device that failed.
struct ReadErrors {
    uint64_t count = 0;
    // Of the first of them:
    uint64_t offset = 0, length = 0;
    int error = 0;  // errno
};

struct ReadFigure {
    double bytes_per_second = 0;     // of all devices together
    std::vector<ReadErrors> errors;  // of each device

    bool failed() const {
        return std::any_of(errors.begin(), errors.end(), [](const ReadErrors& of) { return of.count > 0; });
    }
};

/// Reads the devices at once, a thread each, from their start: up to `most` bytes of each, a MiB a read
/// and several reads under way where the device allows it. What fails is noted, and the next is read.
ReadFigure measure_reading(std::span<device::ReadDevice* const> devices, uint64_t most, const std::atomic<bool>& stop,
                           Clock clock);

}  // namespace raid56::bench
