// SPDX-License-Identifier: GPL-2.0-or-later
// 1. Look before opening: a FIFO or a terminal could hang or be disturbed by it.
// 2. Open, read-only, and make sure that it is still the thing that was looked at.
// 3. Refuse what is in use.
// 4. Files are read through the page cache, block devices past it where the kernel lets us.
#include "device/open.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/printable.h"
#include "device/aio_device.h"
#include "device/fd.h"
#include "device/file_device.h"
#include "device/mount_guard.h"

namespace raid56::device {

namespace {

Error cannot(const std::string& path, const char* what, int error) {
    return Error{printable(path) + ": cannot " + what + ": " + std::generic_category().message(error)};
}

const char* kind_name(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISCHR(mode)) return "a character device";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return "something else";
}

Identity identity_of(const struct stat& st) {
    if (S_ISBLK(st.st_mode)) return {true, st.st_rdev, 0};
    return {false, st.st_dev, st.st_ino};
}

Result<Opened> open_block(const std::string& path, Fd buffered) {
    uint64_t size = 0;
    if (::ioctl(buffered.get(), BLKGETSIZE64, &size) != 0) return cannot(path, "get the size", errno);
    if (size == 0) return Error{printable(path) + ": is a block device of size 0 (no medium, or nothing attached)"};
    int block_size = 0;
    if (::ioctl(buffered.get(), BLKSSZGET, &block_size) != 0) return cannot(path, "get the block size", errno);

    Fd direct(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK));
    if (direct) {
        auto device = AioDevice::make(direct, buffered, path, size, static_cast<uint32_t>(block_size));
        if (device) return Opened{std::move(device), {}};
    }
    return Opened{std::make_unique<FileDevice>(std::move(buffered), path, size), {}};
}

}  // namespace

Result<Opened> open_for_reading(const std::string& path) {
    if (path.empty()) return Error{"an empty path names no device"};
    struct stat seen, st;
    if (::stat(path.c_str(), &seen) != 0) return cannot(path, "open", errno);
    if (!S_ISREG(seen.st_mode) && !S_ISBLK(seen.st_mode))
        return Error{printable(path) + ": is " + kind_name(seen.st_mode) +
                     ", neither an image file nor a block device"};

    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return cannot(path, "open", errno);
    if (::fstat(fd.get(), &st) != 0) return cannot(path, "open", errno);
    if ((st.st_mode & S_IFMT) != (seen.st_mode & S_IFMT) || !(identity_of(st) == identity_of(seen)))
        return Error{printable(path) + ": was replaced by something else while being opened"};

    const KernelView& kernel = running_kernel();
    const Identity own = identity_of(st);
    if (auto free = refuse_if_used(kernel, path, own); !free) return free.error();

    if (S_ISREG(st.st_mode)) {
        const auto size = static_cast<uint64_t>(st.st_size);
        return Opened{std::make_unique<FileDevice>(std::move(fd), path, size), own};
    }
    auto opened = open_block(path, std::move(fd));
    if (opened) opened->identity = shared_identity(kernel, path, own);
    return opened;
}

}  // namespace raid56::device
