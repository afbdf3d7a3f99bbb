// SPDX-License-Identifier: GPL-2.0-or-later
// How many threads verify: one rule for every command (man page: --threads).
#pragma once

#include <algorithm>
#include <thread>

namespace raid56::scrub {

/// Taken by itself. Each thread works on memory of its own (scrub.h, entrance_bench.h): a machine of many
/// processors must not make a scrub take GiB.
inline constexpr unsigned kMostThreads = 12;

/// As many as asked for; 0: one for each processor, at most kMostThreads.
inline unsigned thread_count(unsigned asked, unsigned processors = std::thread::hardware_concurrency()) {
    return asked != 0 ? asked : std::clamp(processors, 1u, kMostThreads);
}

}  // namespace raid56::scrub
