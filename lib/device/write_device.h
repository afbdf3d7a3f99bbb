// SPDX-License-Identifier: GPL-2.0-or-later
// Writing: a type of its own, which only a repair, an undo or a rebuild ever has. A device, an image
// file, or a file of this program's own (journal, plan).
//
// Thread rule: one thread at a time; sync(), and reads of medium(), may run beside it in another.
// Does not promise that a write that returned 0 lasts before sync() returned 0, nor that it arrived
// whole: read it back from medium().
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "device/device.h"
#include "device/opened.h"

namespace raid56::device {

class WriteDevice {
  public:
    virtual ~WriteDevice() = default;

    /// As named by the user.
    virtual const std::string& path() const = 0;
    /// What tells it from others, as open_for_reading() gives it.
    virtual Identity identity() const = 0;
    /// Whether it is a block device. identity() does not say: a loop device has that of its file.
    virtual bool is_block() const = 0;
    /// Bytes that it has now.
    virtual uint64_t size() const = 0;

    /// Each returns 0 or an errno.
    /// Reads exactly out.size() bytes as written so far; EIO past the end.
    virtual int read(uint64_t offset, ByteSpan out) = 0;
    /// Writes all of `bytes`; past the end a file grows, a device says ENOSPC.
    virtual int write(uint64_t offset, ByteView bytes) = 0;
    /// Bytes [offset, offset + length) read as zeros from now on, and take no space where that can be had.
    /// Past the end nothing grows: EINVAL for a file, ENOSPC for a device. A disk that must be sent the zeros
    /// is busy as long as with a write of them, and cannot be interrupted: ask for pieces.
    virtual int zero(uint64_t offset, uint64_t length) = 0;
    /// Everything written so far is on stable storage.
    virtual int sync() = 0;
    /// Cuts a file, or lengthens it with zeros that take no space; EINVAL for a device of another size.
    virtual int resize(uint64_t size) = 0;

    /// Reads what lies on the medium, past every cache of this machine; after a sync().
    virtual ReadDevice& medium() = 0;

    /// What lies there as a scrub reads it. To be opened anew after a change of length.
    virtual Result<Opened> open_reader() = 0;

    /// An error where somebody has begun to use it since it was opened.
    virtual Result<void> still_free() = 0;
};

}  // namespace raid56::device
