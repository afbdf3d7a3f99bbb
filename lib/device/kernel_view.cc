// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/kernel_view.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "device/fd.h"

namespace raid56::device {

namespace {

std::optional<Identity> identity(const std::string& path) {
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return std::nullopt;
    if (S_ISBLK(st.st_mode)) return Identity{true, st.st_rdev, 0};
    return Identity{false, st.st_dev, st.st_ino};
}

int exclusive_open(const std::string& path) {
    // Somebody may be asking the same question in this very moment: only what stays held is in use.
    constexpr int kTries = 5;
    constexpr auto kPause = std::chrono::milliseconds(20);
    for (int i = 1;; i++) {
        const Fd fd(::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK));
        if (fd) return 0;
        if (errno != EBUSY || i == kTries) return errno;
        std::this_thread::sleep_for(kPause);
    }
}

/// The kernel hands out device numbers in the layout of its own user interface, libc keeps another.
uint64_t device_number(uint64_t raw) {
    const auto n = static_cast<unsigned>(raw);
    return makedev((n & 0xfff00) >> 8, (n & 0xff) | ((n >> 12) & 0xfff00));
}

std::optional<Loop> loop(const std::string& path) {
    struct stat st;
    if (::stat(path.c_str(), &st) != 0 || !S_ISBLK(st.st_mode)) return std::nullopt;
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    loop_info64 info{};
    if (!fd || ::ioctl(fd.get(), LOOP_GET_STATUS64, &info) != 0) return std::nullopt;
    Loop found;
    if (info.lo_rdevice != 0)
        found.backing = {true, device_number(info.lo_rdevice), 0};
    else
        found.backing = {false, device_number(info.lo_device), info.lo_inode};
    found.offset = info.lo_offset;
    found.size_limit = info.lo_sizelimit;
    return found;
}

}  // namespace

const KernelView& running_kernel() {
    static const KernelView view{"/proc", "/sys", "/dev", identity, exclusive_open, loop};
    return view;
}

}  // namespace raid56::device
