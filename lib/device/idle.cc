// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/idle.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace raid56::device {
namespace {

// As in ioprio_set(2): <linux/ioprio.h> of newer kernels is no C++.
constexpr int kWhoProcess = 1, kClassIdle = 3, kClassShift = 13;

}  // namespace

// Both calls mean a thread where they are given 0, whatever their names say, and threads inherit both.
Result<void> be_idle() {
    constexpr int kLowest = 19;
    const bool nice = ::setpriority(PRIO_PROCESS, 0, kLowest) == 0;
    const int nice_error = errno;
    // The C library has no wrapper.
    if (::syscall(SYS_ioprio_set, kWhoProcess, 0, kClassIdle << kClassShift) != 0)
        return Error{std::string("the idle class of the disks cannot be had: ") + std::strerror(errno)};
    if (!nice) return Error{std::string("the lowest priority cannot be had: ") + std::strerror(nice_error)};
    return {};
}

}  // namespace raid56::device
