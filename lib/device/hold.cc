// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/hold.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/printable.h"
#include "device/fd.h"
#include "device/mount_guard.h"
#include "device/named.h"

namespace raid56::device {
namespace {

class HeldFd final : public Hold {
  public:
    HeldFd(Fd fd, std::string path, const Identity& own) : fd_(std::move(fd)), path_(std::move(path)), own_(own) {}

    Result<void> still_free() override {
        return own_.block ? Result<void>() : refuse_if_used(running_kernel(), path_, own_);
    }

  private:
    Fd fd_;
    std::string path_;
    Identity own_;
};

}  // namespace

Result<std::unique_ptr<Hold>> hold_for_reading(const std::string& path) {
    const auto cannot = [&](int error) {
        return Error{printable(path) + ": cannot be held: " + std::generic_category().message(error)};
    };
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return cannot(errno);
    // Without O_CREAT, O_EXCL has a meaning for block devices alone.
    const int exclusive = S_ISBLK(st.st_mode) ? O_EXCL : 0;
    Fd fd(::open(path.c_str(), O_RDONLY | exclusive | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return cannot(errno);
    if (!S_ISBLK(st.st_mode) && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0)
        return Error{printable(path) + ": is being written by another program"};
    if (::fstat(fd.get(), &st) != 0) return cannot(errno);
    return std::unique_ptr<Hold>(std::make_unique<HeldFd>(std::move(fd), path, identity_of(st)));
}

}  // namespace raid56::device
