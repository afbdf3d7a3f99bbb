// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/file_device.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace raid56::device {

namespace {

// File systems whose word on holes can be relied on, also for what was written a moment ago; others have been
// seen to call fresh data a hole.
bool tells_holes(int fd) {
    constexpr uint32_t kXfs = 0x58465342;
    struct statfs fs;
    struct stat st;
    if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || ::fstatfs(fd, &fs) != 0) return false;
    switch (static_cast<uint32_t>(fs.f_type)) {
        case EXT4_SUPER_MAGIC:
        case BTRFS_SUPER_MAGIC:
        case TMPFS_MAGIC:
        case kXfs: return true;
        default: return false;
    }
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
    : fd_(std::move(fd)), path_(std::move(path)), size_(size), tells_holes_(tells_holes(fd_.get())) {}

// A file that was cut short meanwhile has no data there either: that is no hole.
bool FileDevice::is_hole(uint64_t offset, uint64_t length) {
    const uint64_t known = data_from_;
    if (!tells_holes_ || (offset >= known && offset - known < kDataLength)) return false;
    const off_t data = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
    if (data >= 0) {
        if (static_cast<uint64_t>(data) >= offset + length) return true;
        data_from_ = static_cast<uint64_t>(data);
        return false;
    }
    struct stat st;
    return errno == ENXIO && ::fstat(fd_.get(), &st) == 0 && static_cast<uint64_t>(st.st_size) >= offset + length;
}

// Whether the page there can be had without waiting. A question costs a tenth of what is asked about: where the answer
// is yes again and again fewer are put.
bool FileDevice::is_cached(uint64_t offset) {
    const uint64_t known = cached_from_, stride = stride_;
    if (offset >= known && offset - known < stride) return true;
    uint8_t byte;
    iovec one{&byte, 1};
    if (::preadv2(fd_.get(), &one, 1, static_cast<off_t>(offset), RWF_NOWAIT) != 1) {
        stride_ = kHint;
        return false;
    }
    cached_from_ = offset;
    stride_ = std::min(stride * 2, kLongestStride);
    return true;
}

void FileDevice::hint(uint64_t offset, uint64_t length) {
    if (is_hole(offset, length)) return;
    for (uint64_t end = offset + std::min(length, size_ - std::min(offset, size_)); offset < end; offset += kHint)
        if (!is_cached(offset))
            ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(std::min(kHint, end - offset)),
                            POSIX_FADV_WILLNEED);
}

void FileDevice::start(ReadOp& op) { op.error = op.offset > size_ || size_ - op.offset < op.out.size() ? EIO : 0; }

void FileDevice::finish(ReadOp& op) {
    if (op.error != 0) return;
    if (is_hole(op.offset, op.out.size()))
        std::fill(op.out.begin(), op.out.end(), uint8_t{0});
    else
        op.error = read_fully(fd_.get(), op.offset, op.out);
}

}  // namespace raid56::device
