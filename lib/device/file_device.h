// SPDX-License-Identifier: GPL-2.0-or-later
// Reading through the page cache: image files, and block devices where O_DIRECT cannot be had. Holes of
// sparse files are known to be zeros without a read, which would fill the page cache with them.
//
// Thread rule: as ReadDevice. Does not promise that two reads of one place give the same bytes: a
// file may be written, or cut short, by others; what is no longer there is EIO.
#pragma once

#include <atomic>
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
    // The kernel cuts a hint down to its read-ahead window or the largest request of the disk, whichever
    // is more, and says nothing: 128 KiB, the default window, is taken whole.
    static constexpr uint64_t kHint = 128 * 1024;
    static constexpr uint64_t kLongestStride = 1 << 20;
    // More than the threads of a scrub are apart in one device.
    static constexpr uint64_t kDataLength = 4 << 20;
    static constexpr uint64_t kNowhere = UINT64_MAX;

    bool is_hole(uint64_t offset, uint64_t length);
    bool is_cached(uint64_t offset);

    Fd fd_;
    std::string path_;
    uint64_t size_;
    bool tells_holes_;
    // Learned by one thread and used by all; nothing rests on them but how many questions are put. What is read as data
    // though it is a hole is zeros too; what is taken for cached and is not is read without a hint.
    std::atomic<uint64_t> data_from_{kNowhere};    // data, and read as such for kDataLength
    std::atomic<uint64_t> cached_from_{kNowhere};  // cached, and taken for it as far as
    std::atomic<uint64_t> stride_{kHint};
};

}  // namespace raid56::device
