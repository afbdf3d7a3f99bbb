// SPDX-License-Identifier: GPL-2.0-or-later
// A file descriptor with an owner. Thread rule: a plain value, no sharing.
#pragma once

#include <unistd.h>

#include <utility>

namespace raid56::device {

class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }

    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

  private:
    int fd_ = -1;
};

}  // namespace raid56::device
