// SPDX-License-Identifier: GPL-2.0-or-later
// A file system of the kernel's own, mounted for one test; there is none without root.
#pragma once

#include <unistd.h>

#include <string>

#include "loop_device.h"

namespace raid56::device {

class Mounted {
  public:
    /// `type` needs no device: tmpfs, ramfs.
    Mounted(const std::string& type, const std::string& options, const std::string& where) : where_(where) {
        if (::geteuid() != 0)
            why_not_ = "no mounting without root";
        else if (std::string printed;
                 shell("mount -t " + type + " -o " + options + " none '" + where + "'", &printed) != 0)
            why_not_ = "mount: " + printed;
    }
    ~Mounted() {
        if (why_not_.empty()) shell("umount '" + where_ + "'");
    }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;

    explicit operator bool() const { return why_not_.empty(); }
    const std::string& why_not() const { return why_not_; }

  private:
    std::string where_;
    std::string why_not_;
};

}  // namespace raid56::device
