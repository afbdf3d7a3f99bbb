// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/progress.h"

#include <algorithm>

#include "report/text.h"

namespace raid56::report {

void ProgressLine::show(uint64_t done, uint64_t all) {
    if (!shown_ || all == 0) return;
    const double now = clock_();
    if (start_ < 0) start_ = now;
    constexpr double kBetween = 0.2;
    const uint64_t tenth = std::min<uint64_t>(10, done * 10 / all);
    if (terminal_ ? now - last_ < kBetween : tenth == tenth_) return;
    last_ = now;
    tenth_ = tenth;
    const double spent = now - start_;
    const auto rate = spent > 0 ? static_cast<uint64_t>(static_cast<double>(done) / spent) : 0;
    err_ << (terminal_ ? "\r" : "") << std::min<uint64_t>(100, done * 100 / all) << "% of " << human_bytes(all) << ", "
         << human_bytes(rate) << "/s";
    if (rate > 0 && all > done) err_ << ", " << (all - done) / rate << " s left";
    err_ << (terminal_ ? "   " : "\n") << std::flush;
    visible_ = terminal_;
}

void ProgressLine::clear() {
    if (!visible_) return;
    err_ << "\r\033[K" << std::flush;
    visible_ = false;
}

}  // namespace raid56::report
