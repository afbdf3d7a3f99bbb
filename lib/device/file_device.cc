// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/file_device.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace raid56::device {

namespace {

// The kernel cuts a hint down to its read-ahead window or the largest request of the disk, whichever
// is more, and says nothing: 128 KiB, the default window, is taken whole.
constexpr uint64_t kHintLength = 128 * 1024;

}  // namespace

int read_fully(int fd, uint64_t offset, ByteSpan out) {
    while (!out.empty()) {
        const ssize_t n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return EIO;
        out = out.subspan(static_cast<size_t>(n));
        offset += static_cast<uint64_t>(n);
    }
    return 0;
}

FileDevice::FileDevice(Fd fd, std::string path, uint64_t size)
    : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

void FileDevice::start(ReadOp& op) {
    op.error = 0;
    if (op.offset > size_ || size_ - op.offset < op.out.size()) {
        op.error = EIO;
        return;
    }
    // What is cached already is hinted at too: to ask first (a byte of each end, RWF_NOWAIT) costs more than the
    // hint. Cached reads of 64 KiB a second of CPU time: no hint 4.8-5.3 GB, hint 4.8-5.7, asking 4.3-4.6.
    const uint64_t end = op.offset + op.out.size();
    for (uint64_t at = op.offset; at < end; at += kHintLength)
        ::posix_fadvise(fd_.get(), static_cast<off_t>(at), static_cast<off_t>(std::min(kHintLength, end - at)),
                        POSIX_FADV_WILLNEED);
}

void FileDevice::finish(ReadOp& op) {
    if (op.error == 0) op.error = read_fully(fd_.get(), op.offset, op.out);
}

}  // namespace raid56::device
