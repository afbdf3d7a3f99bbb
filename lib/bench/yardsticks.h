// SPDX-License-Identifier: GPL-2.0-or-later
// What nothing can be faster than: copying memory, and reading devices plainly.
#pragma once

#include <atomic>
#include <span>

#include "bench/measure.h"
#include "device/device.h"

namespace raid56::bench {

/// Bytes a second of memcpy() of `bytes` at a time, each counted once.
double measure_copy(size_t bytes, Clock clock);

struct ReadFigure {
    double bytes_per_second = 0;  // of all devices together
    uint64_t errors = 0;          // reads that failed
};

/// Reads the devices at once, a thread each, from their start: up to `most` bytes of each, a MiB a read
/// and several reads under way where the device allows it.
ReadFigure measure_reading(std::span<device::ReadDevice* const> devices, uint64_t most, const std::atomic<bool>& stop,
                           Clock clock);

}  // namespace raid56::bench
