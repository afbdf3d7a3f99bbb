// SPDX-License-Identifier: GPL-2.0-or-later
// What a whole lost device is to be written onto: an image file that may still have to be made, or a disk.
//
// Thread rule: safe from any thread. Does not look at what lies there: see signatures.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "device/write_device.h"

namespace raid56::device {

/// Opens `path` for writing, as open_for_writing() does, and sees to it that it has `size` bytes.
/// Not there: a file is made, mode 0600, its name on stable storage; an empty file is used as well. Both
/// are given `size` bytes that take no space, which last from the next sync() on. What is there keeps its
/// length and its content.
/// Errors (one sentence): as open_for_writing(); a part of something (part_name.h); it has fewer bytes; a link that
/// leads nowhere; the file cannot be made or given that length. A file that was made is removed then.
Result<std::unique_ptr<WriteDevice>> open_target(const std::string& path, uint64_t size);

/// An error where that block device is mounted or in use, however it is named. To be asked of all targets before the
/// first is opened: one that this program holds itself makes its disk busy. What is not there, and files, which
/// open_target() itself looks at, are fine.
Result<void> refuse_used_target(const std::string& path);

/// Whether writing to one may change the other: one is, or stands on, the other; or both are loop devices over the
/// same file or device, whatever part of it. Partitions of one disk do not share. What is not there shares nothing.
bool share_storage(const std::string& a, const std::string& b);

}  // namespace raid56::device
