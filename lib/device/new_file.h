// SPDX-License-Identifier: GPL-2.0-or-later
// A file that was not there before, and taking it away again.
//
// Thread rule: safe from any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "device/fd.h"

namespace raid56::device {

/// Makes an empty file, mode 0600, open for reading and writing and locked (flock); its name is on stable
/// storage. Errors: something of that name is there (a link too), the folder cannot be written or synced;
/// then no file is left.
Result<Fd> make_file(const std::string& path);

/// Takes one away, from stable storage too, as far as the folder lets us.
void remove_file(const std::string& path);

}  // namespace raid56::device
