// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/hold.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/printable.h"
#include "device/fd.h"

namespace raid56::device {
namespace {

class HeldFd final : public Hold {
  public:
    explicit HeldFd(Fd fd) : fd_(std::move(fd)) {}

  private:
    Fd fd_;
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
    return std::unique_ptr<Hold>(std::make_unique<HeldFd>(std::move(fd)));
}

}  // namespace raid56::device
