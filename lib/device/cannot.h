// SPDX-License-Identifier: GPL-2.0-or-later
// The sentence about a call of the kernel that failed. Safe from any thread.
#pragma once

#include <string>
#include <system_error>

#include "base/printable.h"
#include "base/result.h"

namespace raid56::device {

/// "PATH: cannot WHAT: the kernel's reason"; `error` is an errno.
inline Error cannot(const std::string& path, const std::string& what, int error) {
    return Error{printable(path) + ": cannot " + what + ": " + std::generic_category().message(error)};
}

}  // namespace raid56::device
