// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/hold.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <vector>

#include "base/printable.h"
#include "device/fd.h"
#include "device/mount_guard.h"
#include "device/named.h"
#include "device/part_name.h"

namespace raid56::device {
namespace {

class HeldFd final : public Hold {
  public:
    HeldFd(std::shared_ptr<const Fd> fd, std::string path, const Identity& place)
        : fd_(std::move(fd)), path_(std::move(path)), place_(place) {}

    Result<void> still_free() override {
        return place_.block ? Result<void>() : refuse_if_used(running_kernel(), path_, place_);
    }

  private:
    std::shared_ptr<const Fd> fd_;
    std::string path_;
    Identity place_;
};

// Disks that are held in parts: the kernel gives a claim once.
class Claims {
  public:
    std::shared_ptr<const Fd> find(const Identity& own) {
        const std::lock_guard lock(mutex_);
        std::erase_if(held_, [](const Entry& entry) { return entry.fd.expired(); });
        const auto at = std::find_if(held_.begin(), held_.end(), [&](const Entry& entry) { return entry.own == own; });
        return at == held_.end() ? nullptr : at->fd.lock();
    }
    void add(const Identity& own, const std::shared_ptr<const Fd>& fd) {
        const std::lock_guard lock(mutex_);
        held_.push_back({own, fd});
    }

  private:
    struct Entry {
        Identity own;
        std::weak_ptr<const Fd> fd;
    };
    std::mutex mutex_;
    std::vector<Entry> held_;
};

Result<std::shared_ptr<const Fd>> open_held(const std::string& path) {
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
    return std::make_shared<const Fd>(std::move(fd));
}

}  // namespace

Result<std::unique_ptr<Hold>> hold_for_reading(const std::string& name) {
    static Claims claims;
    const auto place = locate(name);
    if (!place) return place.error();
    const auto own = running_kernel().identity(place->file);
    auto fd = place->is_part && own && own->block ? claims.find(*own) : nullptr;
    if (!fd) {
        auto held = open_held(place->file);
        if (!held) return held.error();
        fd = std::move(*held);
    }
    struct stat st;
    if (::fstat(fd->get(), &st) != 0)
        return Error{printable(name) + ": cannot be held: " + std::generic_category().message(errno)};
    if (place->is_part && S_ISBLK(st.st_mode)) claims.add(identity_of(st), fd);
    return std::unique_ptr<Hold>(
        std::make_unique<HeldFd>(std::move(fd), place->file, identity_of(st).narrowed(place->part)));
}

}  // namespace raid56::device
