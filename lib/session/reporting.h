// SPDX-License-Identifier: GPL-2.0-or-later
// Where a command tells: the writer that the user asked for, and the progress line.
#pragma once

#include "report/json.h"
#include "report/progress.h"
#include "report/text.h"
#include "session/options.h"

namespace raid56::session {

class Reporting {
  public:
    Reporting(const Options& options, const World& world)
        : json_(world.out),
          text_(world.out),
          is_json_(options.format == Format::json),
          progress_(world.err, is_shown(options, world), world.err_is_terminal, world.clock) {}

    report::Writer& writer() { return is_json_ ? static_cast<report::Writer&>(json_) : text_; }
    report::ProgressLine& progress() { return progress_; }

  private:
    static bool is_shown(const Options& options, const World& world) {
        return options.progress == Progress::always ||
               (options.progress == Progress::automatic && world.err_is_terminal);
    }

    report::JsonWriter json_;
    report::TextWriter text_;
    bool is_json_;
    report::ProgressLine progress_;
};

}  // namespace raid56::session
