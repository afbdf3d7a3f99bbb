// SPDX-License-Identifier: GPL-2.0-or-later
// The progress line: one line that changes on a terminal, a line for each tenth in a log.
#pragma once

#include <cstdint>
#include <ostream>

namespace raid56::report {

class ProgressLine {
  public:
    ProgressLine(std::ostream& err, bool shown, bool terminal, double (*clock)())
        : err_(err), shown_(shown), terminal_(terminal), clock_(clock) {}

    void show(uint64_t done, uint64_t all);
    /// Takes the line off the terminal before something else is written there.
    void clear();

  private:
    std::ostream& err_;
    bool shown_, terminal_;
    double (*clock_)();
    double start_ = -1, last_ = -1;
    uint64_t tenth_ = 0;
    bool visible_ = false;
};

}  // namespace raid56::report
