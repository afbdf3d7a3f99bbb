// SPDX-License-Identifier: GPL-2.0-or-later
// How many threads verify: one rule for every command (man page: --threads).
#pragma once

#include <algorithm>
#include <thread>

namespace raid56::scrub {

/// Taken by itself. Each thread works on a few MiB of its own: a machine of many processors does not
/// make a scrub take GiB, and fewer are enough for the disks.
inline constexpr unsigned kMostThreads = 12;

/// As many as asked for; 0: one for each processor, at most kMostThreads.
inline unsigned thread_count(unsigned asked, unsigned processors = std::thread::hardware_concurrency()) {
    return asked != 0 ? asked : std::clamp(processors, 1u, kMostThreads);
}

}  // namespace raid56::scrub
