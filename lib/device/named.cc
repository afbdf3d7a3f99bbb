// SPDX-License-Identifier: GPL-2.0-or-later
// 1. Look before opening: a FIFO or a terminal could hang or be disturbed by it.
// 2. Open, and make sure that it is still the thing that was looked at.
#include "device/named.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "device/cannot.h"

namespace raid56::device {
namespace {

const char* kind_name(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISCHR(mode)) return "a character device";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return "something else";
}

}  // namespace

Identity identity_of(const struct stat& st) {
    if (S_ISBLK(st.st_mode)) return {true, st.st_rdev, 0};
    return {false, st.st_dev, st.st_ino};
}

Result<Named> look_at(Fd fd, const std::string& path) {
    Named named;
    named.fd = std::move(fd);
    if (::fstat(named.fd.get(), &named.st) != 0) return cannot(path, "open", errno);
    named.own = identity_of(named.st);
    return named;
}

Result<Named> open_named(const std::string& path, int access) {
    if (path.empty()) return Error{"an empty path names no device"};
    struct stat seen;
    if (::stat(path.c_str(), &seen) != 0) return cannot(path, "open", errno);
    if (!S_ISREG(seen.st_mode) && !S_ISBLK(seen.st_mode))
        return Error{printable(path) + ": is " + kind_name(seen.st_mode) +
                     ", neither an image file nor a block device"};

    Fd fd(::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return cannot(path, access == O_RDONLY ? "open" : "open for writing", errno);
    auto named = look_at(std::move(fd), path);
    if (named && ((named->st.st_mode & S_IFMT) != (seen.st_mode & S_IFMT) || !(named->own == identity_of(seen))))
        return Error{printable(path) + ": was replaced by something else while being opened"};
    return named;
}

}  // namespace raid56::device
