// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/printable.h"
#include "device/file_device.h"
#include "device/mount_guard.h"

namespace raid56::device {
namespace {

// The disk begins with what has gathered so far: waiting for sync() would leave it idle until then.
constexpr uint64_t kSendEach = 8 << 20;

// Where O_DIRECT cannot be had: clean pages are dropped, so that the next read asks the disk. A file
// system that lives in memory has no other medium.
class DroppingReader final : public ReadDevice {
  public:
    DroppingReader(int fd, const std::string& path, const uint64_t& size) : fd_(fd), path_(path), size_(size) {}

    uint64_t size() const override { return size_; }
    const std::string& path() const override { return path_; }
    void start(ReadOp& op) override {
        ::posix_fadvise(fd_, static_cast<off_t>(op.offset), static_cast<off_t>(op.out.size()), POSIX_FADV_DONTNEED);
    }
    void finish(ReadOp& op) override { op.error = read_fully(fd_, op.offset, op.out); }

  private:
    int fd_;
    const std::string& path_;
    const uint64_t& size_;
};

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
    size_ = std::max(size_, offset + bytes.size());
    unsent_ += bytes.size();
    if (unsent_ >= kSendEach) {
        ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
        unsent_ = 0;
    }
    return 0;
}

int FileWriter::sync() {
    unsent_ = 0;
    return ::fdatasync(fd_.get()) == 0 ? 0 : errno;
}

int FileWriter::resize(uint64_t size) {
    if (size == size_) return 0;
    if (identity_.block) return EINVAL;
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
