// SPDX-License-Identifier: GPL-2.0-or-later
// What a name given by the user leads to: an image file or a block device, and nothing else.
//
// Thread rule: safe from any thread. Does not ask who else is using it.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"
#include "device/fd.h"
#include "device/opened.h"

namespace raid56::device {

/// Open, and what it was when it was opened.
struct Named {
    Fd fd;
    Identity own;
    struct stat st {};
};

Identity identity_of(const struct stat& st);

/// What `fd` is. Errors: the kernel does not tell.
Result<Named> look_at(Fd fd, const std::string& path);

/// Opens `path`, links followed, with `access` (O_RDONLY or O_RDWR); never waits and never takes a terminal.
/// Errors (one sentence): an empty path, not there, no permission, neither file nor block device.
Result<Named> open_named(const std::string& path, int access);

}  // namespace raid56::device
