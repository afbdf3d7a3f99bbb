// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/file_writer.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/printable.h"
#include "device/file_device.h"
#include "device/mount_guard.h"

namespace raid56::device {
namespace {

// The disk begins with what has gathered so far: waiting for sync() would leave it idle until then.
constexpr uint64_t kSendEach = 8 << 20;

// The largest block that disks have, and a page: of a block device the kernel zeroes whole ones.
constexpr uint64_t kWhole = 4096;

// Zeros that are written at once.
constexpr uint64_t kZerosAtOnce = 1 << 20;

// Where O_DIRECT cannot be had: clean pages are dropped, so that the next read asks the disk. A file
// system that lives in memory has no other medium.
class DroppingReader final : public ReadDevice {
  public:
    DroppingReader(int fd, const std::string& path, const std::atomic<uint64_t>& size)
        : fd_(fd), path_(path), size_(size) {}

    uint64_t size() const override { return size_; }
    const std::string& path() const override { return path_; }
    void start(ReadOp& op) override {
        ::posix_fadvise(fd_, static_cast<off_t>(op.offset), static_cast<off_t>(op.out.size()), POSIX_FADV_DONTNEED);
    }
    void finish(ReadOp& op) override { op.error = read_fully(fd_, op.offset, op.out); }

  private:
    int fd_;
    const std::string& path_;
    const std::atomic<uint64_t>& size_;
};

// A hole, in a file or a disk that has them; else a disk may be able to do it without being sent the
// zeros. Whatever the reason of a refusal is, writing them is tried next and has the last word. What
// the page cache held of the range is gone; `offset` and `length` of a device are of kWhole.
bool kernel_zeroes(int fd, bool block, uint64_t offset, uint64_t length) {
    int status;
    do {
        status = ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                             static_cast<off_t>(length));
    } while (status != 0 && errno == EINTR);
    uint64_t range[2] = {offset, length};
    return status == 0 || (block && ::ioctl(fd, BLKZEROOUT, range) == 0);
}

}  // namespace

int write_fully(int fd, uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return EIO;
        bytes = bytes.subspan(static_cast<size_t>(n));
        offset += static_cast<uint64_t>(n);
    }
    return 0;
}

FileWriter::FileWriter(Fd fd, std::string path, Identity own, Identity shared, uint64_t size,
                       std::unique_ptr<AioDevice> direct)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      identity_(own),
      shared_(shared),
      size_(size),
      direct_(std::move(direct)) {
    if (!direct_) dropping_ = std::make_unique<DroppingReader>(fd_.get(), path_, size_);
}

int FileWriter::read(uint64_t offset, ByteSpan out) { return read_fully(fd_.get(), offset, out); }

int FileWriter::write(uint64_t offset, ByteView bytes) {
    if (identity_.block && (offset > size_ || size_ - offset < bytes.size())) return ENOSPC;
    if (const int error = write_fully(fd_.get(), offset, bytes); error != 0) return error;
    size_ = std::max<uint64_t>(size_, offset + bytes.size());
    unsent_ += bytes.size();
    if (unsent_ >= kSendEach) {
        ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
        unsent_ = 0;
    }
    return 0;
}

int FileWriter::zero(uint64_t offset, uint64_t length) {
    if (offset > size_ || size_ - offset < length) return identity_.block ? ENOSPC : EINVAL;
    const uint64_t end = offset + length;
    // [first, last) is for the kernel.
    uint64_t first = offset, last = end;
    if (identity_.block) {
        first = std::min(end, (offset + kWhole - 1) / kWhole * kWhole);
        last = std::max(first, end / kWhole * kWhole);
    }
    if (first == last || !kernel_zeroes(fd_.get(), identity_.block, first, last - first))
        return write_zeros(offset, end);
    if (const int error = write_zeros(offset, first); error != 0) return error;
    return write_zeros(last, end);
}

int FileWriter::write_zeros(uint64_t offset, uint64_t end) {
    const std::vector<uint8_t> zeros(std::min(end - offset, kZerosAtOnce));
    for (uint64_t at = offset; at < end; at += zeros.size())
        if (const int error = write(at, ByteView(zeros).first(std::min<uint64_t>(end - at, zeros.size()))); error != 0)
            return error;
    return 0;
}

int FileWriter::sync() {
    unsent_ = 0;
    return ::fdatasync(fd_.get()) == 0 ? 0 : errno;
}

int FileWriter::resize(uint64_t size) {
    if (size == size_) return 0;
    if (identity_.block) return EINVAL;
    if (size > INT64_MAX) return EFBIG;  // which the kernel would take for a negative number
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return errno;
    size_ = size;
    if (direct_) direct_->set_size(size);
    return 0;
}

// A claimed block device is busy to a guard that asks: it is opened without.
Result<Opened> FileWriter::open_reader() {
    if (identity_.block) return open_own(path_, identity_);
    Fd again(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
    if (!again) return Error{printable(path_) + ": cannot be opened again: " + std::strerror(errno)};
    return Opened{std::make_unique<FileDevice>(std::move(again), path_, size_), shared_};
}

Result<void> FileWriter::still_free() {
    // A device is held exclusively; a file cannot be.
    return identity_.block ? Result<void>() : refuse_if_used(running_kernel(), path_, identity_);
}

}  // namespace raid56::device
