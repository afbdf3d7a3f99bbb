// SPDX-License-Identifier: GPL-2.0-or-later
// The same work on several threads at once.
#pragma once

#include <functional>

namespace raid56::bench {

/// work(0) to work(count - 1), each on a thread of its own; returns once all have ended. What one of
/// them throws (out of memory) is thrown here then, that of the lowest number where several do.
/// Throws std::system_error where the system gives no more threads, once those that it gave have ended.
void run_together(unsigned count, const std::function<void(unsigned number)>& work);

}  // namespace raid56::bench
