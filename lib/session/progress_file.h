// SPDX-License-Identifier: GPL-2.0-or-later
// A file that a long run leaves behind it, so that another can go on where it stopped: what binds it to the
// file system, what was found, how far it came. Lines as progress_lines.h has them, only ever appended.
//
// Thread rule: one thread. Does not promise that a line lasts before reached() returned 0.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "device/write_device.h"
#include "scrub/findings.h"
#include "session/progress_lines.h"

namespace raid56::session {

class ProgressFile {
  public:
    /// Begins an empty file. `header`: what it is bound to; its type is set here.
    static Result<ProgressFile> begin(std::unique_ptr<device::WriteDevice> file, Json header);
    /// Goes on with one; what was not reached yet is cut off before anything is added. Errors: no such file, no whole
    /// header, I/O.
    static Result<ProgressFile> go_on(std::unique_ptr<device::WriteDevice> file);
    /// Whether it is empty, or holds what is left of a header where the power went while that was written.
    /// Nothing was done yet by the run that made it.
    static bool is_hardly_begun(device::WriteDevice& file);

    const Json& header() const { return header_; }
    /// Nothing where the run before stopped before its first position.
    const std::optional<Reached>& last() const { return last_; }
    const Json& last_more() const { return last_more_; }
    /// Whether the run before passed that stage.
    bool has_passed(const std::string& stage) const { return passed_.contains(stage); }
    /// Tells the findings of the run before once more, in their order.
    Result<void> tell_again(scrub::Sink& sink);

    void add(const scrub::Damage& damage) { unwritten_ += encode_line(encode(damage)); }
    void add(const scrub::Unknown& unknown) { unwritten_ += encode_line(encode(unknown)); }
    void add(const scrub::FreeRows& rows) { unwritten_ += encode_line(encode(rows)); }
    /// The first line of a file that begin() makes.
    static std::string first_line(const Json& header);
    /// What is added from now on lies behind the next position that is reached.
    void mark() { marked_ = unwritten_.size(); }
    /// What was added, or where mark() was called what was added before, and that position, are on stable storage.
    /// Returns 0 or an errno. `more`: what else a later run needs to know of that moment; last_more() gives it back.
    int reached(const scrub::Position& position, const scrub::Counters& counters, const Json& more = Json::object());
    /// That a stage is passed is on stable storage, with everything added before. Returns 0 or an errno.
    int pass(const std::string& stage);

    const std::string& path() const { return file_->path(); }
    /// Where what was reached ends in the file, bytes.
    uint64_t end() const { return end_; }

  private:
    explicit ProgressFile(std::unique_ptr<device::WriteDevice> file) : file_(std::move(file)) {}
    int append();

    std::unique_ptr<device::WriteDevice> file_;
    Json header_;
    std::optional<Reached> last_;
    Json last_more_ = Json::object();
    std::set<std::string> passed_;
    uint64_t end_ = 0;
    std::string unwritten_;
    std::optional<size_t> marked_;  // of unwritten_: what belongs to the next position
};

}  // namespace raid56::session
