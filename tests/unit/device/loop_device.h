// SPDX-License-Identifier: GPL-2.0-or-later
// A real loop device for one test; there is none without root or without the kernel's help.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace raid56::device {

/// Runs a shell command; its status, and what it printed without the last line end.
inline int shell(const std::string& command, std::string* printed = nullptr) {
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return -1;
    std::string out;
    std::array<char, 256> part;
    while (std::fgets(part.data(), part.size(), pipe) != nullptr) out += part.data();
    const int status = ::pclose(pipe);
    if (!out.empty() && out.back() == '\n') out.pop_back();
    if (printed != nullptr) *printed = out;
    return status;
}

class LoopDevice {
  public:
    explicit LoopDevice(const std::string& file, const std::string& options = "-r") {
        if (::geteuid() != 0) {
            why_not_ = "no loop device without root";
        } else if (shell("losetup -f --show " + options + " '" + file + "'", &path_) != 0) {
            why_not_ = "losetup: " + path_;
            path_.clear();
        }
    }
    ~LoopDevice() {
        if (!path_.empty()) shell("losetup -d " + path_);
    }
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;

    explicit operator bool() const { return !path_.empty(); }
    const std::string& path() const { return path_; }
    const std::string& why_not() const { return why_not_; }

  private:
    std::string path_;
    std::string why_not_;
};

}  // namespace raid56::device
