// SPDX-License-Identifier: GPL-2.0-or-later
// Files of this program's own: journals and plans. Never through a link, never over something else.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "device/write_device.h"

namespace raid56::device {

/// Makes a file that is not there yet, mode 0600, and puts its name on stable storage. Errors: it exists
/// (a link too), the folder cannot be written.
Result<std::unique_ptr<WriteDevice>> create_log(const std::string& path);
/// Opens one that is there and locks it. Errors: not there, no plain file, a link, locked.
Result<std::unique_ptr<WriteDevice>> open_log(const std::string& path);
/// The same, for reading alone: each write fails.
Result<std::unique_ptr<WriteDevice>> read_log(const std::string& path);
/// A file without a name, gone when it is closed; in TMPDIR, or /var/tmp.
Result<std::unique_ptr<WriteDevice>> temporary_log();
/// Whether something of that name is there.
bool log_exists(const std::string& path);
/// Takes a file that create_log() made away again.
void remove_log(const std::string& path);

}  // namespace raid56::device
