// SPDX-License-Identifier: GPL-2.0-or-later
// Refuses devices and images that somebody else is using, and tells which names mean one thing.
//
// Thread rule: safe from any thread. Does not keep anybody from mounting a device afterwards, and
// does not see another program that merely reads or writes it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "device/kernel_view.h"

namespace raid56::device {

/// An error where `subject`, named `path` by the user, is in use: mounted (a member of a mounted
/// btrfs too), held exclusively, held by another device (LVM, md, dm-crypt ...); for a whole disk also
/// where a partition of it is, for a partition where the disk is; for a file, or a loop device over a
/// file, where another loop device over that file is. A loop device that nobody uses is no use. Where the
/// subject is a part, partitions and loop devices that lie beside it are no concern of it.
Result<void> refuse_if_used(const KernelView& kernel, const std::string& path, const Identity& subject);

/// The identity that all names of one thing share, and names of its parts: a loop device is a part of its
/// backing file or device, a partition one of its disk, for as long as the kernel says where they begin.
Identity shared_identity(const KernelView& kernel, const std::string& path, const Identity& own);

/// The disk that the block device with that number is a partition of; nothing where it is none.
std::optional<uint64_t> disk_of(const KernelView& kernel, uint64_t number);
/// The device's path, "/dev/sda1", from the kernel's own name for it; empty where that is not known.
std::string node_of(const KernelView& kernel, uint64_t number);

/// Whether the block device with that number, or the disk that it is a part of, turns.
bool is_rotational(const KernelView& kernel, uint64_t number);

}  // namespace raid56::device
