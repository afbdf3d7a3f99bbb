// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/file_device.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace raid56::device {

namespace {

// The kernel cuts a hint down to its read-ahead window or the largest request of the disk, whichever
// is more, and says nothing: 128 KiB, the default window, is taken whole.
constexpr uint64_t kHintLength = 128 * 1024;

// Whether the page there can be had without waiting.
bool is_cached(int fd, uint64_t offset) {
    uint8_t byte;
    iovec one{&byte, 1};
    return ::preadv2(fd, &one, 1, static_cast<off_t>(offset), RWF_NOWAIT) == 1;
}

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

void FileDevice::hint(uint64_t offset, uint64_t length) {
    for (uint64_t end = offset + std::min(length, size_ - std::min(offset, size_)); offset < end; offset += kHintLength)
        if (!is_cached(fd_.get(), offset))
            ::posix_fadvise(fd_.get(), static_cast<off_t>(offset),
                            static_cast<off_t>(std::min(kHintLength, end - offset)), POSIX_FADV_WILLNEED);
}

void FileDevice::start(ReadOp& op) { op.error = op.offset > size_ || size_ - op.offset < op.out.size() ? EIO : 0; }

void FileDevice::finish(ReadOp& op) {
    if (op.error == 0) op.error = read_fully(fd_.get(), op.offset, op.out);
}

}  // namespace raid56::device
