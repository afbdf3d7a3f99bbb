// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/rate_limit.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace raid56::device {
namespace {

constexpr double kSlice = 0.1;  // seconds: how long an interrupt waits, and what is caught up

}  // namespace

void sleep_seconds(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

// The time at which this read may start; those behind it come after it.
double RateLimit::reserve(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    const double at = std::max(next_, clock_() - kSlice);
    next_ = at + static_cast<double>(bytes) / static_cast<double>(bytes_);
    return at;
}

void RateLimit::take(uint64_t bytes) {
    const double at = reserve(bytes);
    while (!stop_) {
        const double left = at - clock_();
        if (left <= 0) return;
        sleep_(std::min(left, kSlice));
    }
}

Result<Opened> LimitedWriter::open_reader() {
    auto opened = inner_->open_reader();
    if (!opened) return opened.error();
    return Opened{std::make_unique<LimitedDevice>(std::move(opened->device), limit_), opened->identity};
}

}  // namespace raid56::device
