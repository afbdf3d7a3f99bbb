// SPDX-License-Identifier: GPL-2.0-or-later
// The report as a page in a file of its own (--html). The file is made at the end, so that a run that is killed leaves
// none in the way of the same command.
//
// Thread rule: one thread.
#pragma once

#include <string>

#include "report/html.h"
#include "session/options.h"

namespace raid56::session {

class PageFile {
  public:
    PageFile(const Options& options, const World& world)
        : path_(options.html), goes_on_(!options.checkpoint.empty()), world_(world) {}

    bool is_asked() const { return !path_.empty(); }
    /// Is told what the page is to show, but for the summary.
    report::Writer& writer() { return page_; }

    /// Before anything is looked at: whether the file could be made. Errors: it is there, or the folder cannot be
    /// written; nothing is left.
    Result<void> check() const;
    /// Makes and writes the file, on stable storage, where the run leaves one. Errors: as check(), I/O; then
    /// nothing is left.
    Result<void> end(const report::Summary& summary);

  private:
    bool leaves_one(const report::Summary& summary) const;
    int write(device::WriteDevice& file) const;

    std::string path_;
    bool goes_on_;  // a scrub that is stopped is gone on with
    const World& world_;
    report::HtmlWriter page_;
};

}  // namespace raid56::session
