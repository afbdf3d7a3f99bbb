// SPDX-License-Identifier: GPL-2.0-or-later
// Reading through the page cache: image files, and block devices where O_DIRECT cannot be had. Holes of
// sparse files are known to be zeros without a read, which would fill the page cache with them.
//
// Thread rule: as ReadDevice. Does not promise that two reads of one place give the same bytes: a
// file may be written, or cut short, by others; what is no longer there is EIO.
#pragma once

#include <string>

#include "device/device.h"
#include "device/fd.h"

namespace raid56::device {

/// Reads exactly out.size() bytes from `fd`, through short reads and interruptions; returns 0 or an
/// errno, EIO where the file ends before.
int read_fully(int fd, uint64_t offset, ByteSpan out);

class FileDevice final : public ReadDevice {
  public:
    /// `size`: bytes that can be addressed, as found when it was opened.
    FileDevice(Fd fd, std::string path, uint64_t size);

    uint64_t size() const override { return size_; }
    const std::string& path() const override { return path_; }

    bool reads_in_finish() const override { return true; }
    /// What is not cached yet is read ahead by the kernel.
    void hint(uint64_t offset, uint64_t length) override;
    void start(ReadOp& op) override;
    void finish(ReadOp& op) override;

  private:
    bool is_hole(uint64_t offset, uint64_t length) const;

    Fd fd_;
    std::string path_;
    uint64_t size_;
    bool tells_holes_;
};

}  // namespace raid56::device
