// SPDX-License-Identifier: GPL-2.0-or-later
// How far the work is, on stderr: one line that changes on a terminal, sparse lines in a log, JSON lines for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "base/units.h"

namespace raid56::report {

enum class ProgressStyle : uint8_t {
    none,
    terminal,  // one line, drawn again at most five times a second
    log,       // a line whenever a twentieth more is done, or half a minute has passed
    json,      // an object a line, at most one a second, and one at the end
};

struct Progress {
    uint64_t done = 0, all = 0;    // bytes of what is allocated (scrub::Sink::progress)
    uint64_t read = 0;             // bytes, from all devices
    uint64_t findings = 0;         // lines of damage, and of ranges of which nothing is known
    std::optional<Logical> chunk;  // under way: its start
};

class ProgressLine {
  public:
    /// `clock` gives seconds, `width` the columns of the terminal; both are asked only where the style needs them.
    ProgressLine(std::ostream& err, ProgressStyle style, double (*clock)(), unsigned (*width)());

    void show(const Progress& progress);
    /// Takes the line off the terminal before something else is written there.
    void clear();

  private:
    struct Pace {
        double seconds = 0;                    // since the command began
        uint64_t rate = 0;                     // bytes a second
        std::optional<uint64_t> seconds_left;  // where the rate tells
    };

    bool is_due(const Progress& progress, double now) const;
    Pace pace_of(const Progress& progress, double now) const;
    static std::string in_words(const Progress& progress, const Pace& pace);
    static std::string in_json(const Progress& progress, const Pace& pace);

    std::ostream& err_;
    ProgressStyle style_;
    double (*clock_)();
    unsigned (*width_)();
    double start_ = 0;
    // The first call: what was done before it says nothing of the pace.
    double first_ = -1;
    uint64_t first_done_ = 0;
    double last_ = 0;
    uint64_t twentieth_ = 0;
    bool visible_ = false;
};

}  // namespace raid56::report
