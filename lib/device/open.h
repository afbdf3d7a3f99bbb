// SPDX-License-Identifier: GPL-2.0-or-later
// Opening what the user named, for reading or, by a call of its own, for writing, and refusing what
// somebody else is using.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "device/fd.h"
#include "device/opened.h"
#include "device/write_device.h"

namespace raid56::device {

/// How the bytes are had.
enum class Reading : uint8_t {
    automatic,  // files buffered, block devices direct where that can be had
    direct,     // past the page cache: O_DIRECT and libaio
    buffered,   // through the page cache, with read-ahead
};

/// Opens an image file or block device, or a part of one (part_name.h), O_RDONLY.
/// Errors (one sentence): as locate(); not there, no permission, neither file nor block device,
/// mounted or in use (also where a loop device over this file, or a partition or holder of it, is),
/// direct reading asked for and not to be had; a part that begins behind the end.
Result<Opened> open_for_reading(const std::string& name, Reading reading = Reading::automatic);

/// Opens, for reading, a device that this program itself holds for writing. Errors: not there any more.
Result<Opened> open_own(const std::string& path, const Identity& own);

/// Opens one for writing too. Until it is closed nobody can mount that device; a file, which cannot be
/// held so, is locked (flock) against a second run. Of a part the whole is held or locked, once for all parts of it
/// that this program has open. Errors: as above; write-protected; held or locked.
Result<std::unique_ptr<WriteDevice>> open_for_writing(const std::string& name);

/// The same for what this program has open for reading and writing, and has claimed or locked, already.
Result<std::unique_ptr<WriteDevice>> hold_for_writing(Fd fd, const std::string& path);

}  // namespace raid56::device
