// SPDX-License-Identifier: GPL-2.0-or-later
// Where a command tells: the writer that the user asked for, a page beside it, and the progress line.
#pragma once

#include "report/json.h"
#include "report/progress.h"
#include "report/tee.h"
#include "report/text.h"
#include "session/options.h"
#include "session/page_file.h"

namespace raid56::session {

class Reporting {
  public:
    Reporting(const Options& options, const World& world)
        : json_(world.out),
          text_(world.out),
          is_json_(options.format == Format::json),
          page_(options, world),
          both_(out(), page_.writer()),
          progress_(world.err, style_of(options, world), world.clock, world.width) {}

    /// What goes to stdout.
    report::Writer& out() { return is_json_ ? static_cast<report::Writer&>(json_) : text_; }
    PageFile& page() { return page_; }
    /// Both; but for the summary, which conclude() tells.
    report::Writer& writer() { return page_.is_asked() ? both_ : out(); }
    report::ProgressLine& progress() { return progress_; }

  private:
    static report::ProgressStyle style_of(const Options& options, const World& world) {
        using report::ProgressStyle;
        const bool terminal = world.err_is_terminal;
        switch (options.progress) {
            case Progress::automatic: return terminal ? ProgressStyle::terminal : ProgressStyle::none;
            case Progress::always: return terminal ? ProgressStyle::terminal : ProgressStyle::log;
            case Progress::never: break;
            case Progress::json: return ProgressStyle::json;
        }
        return ProgressStyle::none;
    }

    report::JsonWriter json_;
    report::TextWriter text_;
    bool is_json_;
    PageFile page_;
    report::Tee both_;
    report::ProgressLine progress_;
};

}  // namespace raid56::session
