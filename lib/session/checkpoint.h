// SPDX-License-Identifier: GPL-2.0-or-later
// The file from which a scrub goes on after a kill or a reboot (--checkpoint): what was found, and how far it came.
//
// Thread rule: one thread. Does not see what was changed on the devices but by mounting them: a checkpoint is refused
// where a generation moved on, or a device is another one.
#pragma once

#include <set>

#include "report/progress.h"
#include "session/progress_file.h"
#include "session/resume.h"

namespace raid56::session {

class Checkpoint final : public scrub::Sink {
  public:
    /// Makes the file, or goes on with it. Errors: it is of another scrub, file system or generation; I/O.
    static Result<Checkpoint> open(const Options& options, const World& world, const Maps& maps,
                                   const volume::Volume& volume);

    /// Whether an earlier run has told something.
    bool goes_on() const { return file_.last().has_value(); }
    const std::optional<Reached>& last() const { return file_.last(); }
    /// Tells `next` what that run found; from now on everything is noted, and then handed on to `next`.
    Result<void> begin(scrub::Sink& next);
    /// What was told so far is on stable storage. A file that can take no more is told of once, and left as it is.
    void keep();
    /// After the end: nobody needs it.
    void remove();

    void damage(const scrub::Damage& damage) override;
    void unknown(const scrub::Unknown& unknown) override;
    void free_rows(const scrub::FreeRows& rows) override;
    void progress(uint64_t done, uint64_t all) override { next_->progress(done, all); }
    void reached(const scrub::Position& position, const scrub::Counters& so_far) override;

  private:
    Checkpoint(ProgressFile file, const World& world) : file_(std::move(file)), world_(&world) {}
    static Result<Checkpoint> go_on(std::unique_ptr<device::WriteDevice> file, const Json& header, const World& world);

    ProgressFile file_;
    const World* world_;
    scrub::Sink* next_ = nullptr;
    bool failed_ = false;
    std::optional<Reached> position_;                     // told, and not in the file yet
    double last_kept_ = 0;                                // by the world's clock
    std::set<std::pair<Logical, uint64_t>> told_before_;  // unknown ranges, by start and length
};

}  // namespace raid56::session
