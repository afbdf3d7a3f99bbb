// SPDX-License-Identifier: GPL-2.0-or-later
// Hands findings on to the report and the plan, and keeps what the verdict needs.
// Thread rule: one thread.
#pragma once

#include <map>
#include <stdexcept>

#include "repair/planner.h"
#include "report/model.h"
#include "report/progress.h"
#include "scrub/findings.h"
#include "session/name_files.h"
#include "session/new_maps.h"

namespace raid56::session {

/// The file of a plan or journal can take no more; ends the scrub behind it. The message is a sentence.
struct PlanFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Tally final : public scrub::Sink {
  public:
    Tally(report::Writer& writer, report::ProgressLine& progress) : writer_(writer), progress_(progress) {}

    /// From now on fixes go to that plan; both must outlive the tally's use.
    void plan_with(repair::Planner& planner, const volume::Volume& volume, std::string file) {
        planner_ = &planner;
        volume_ = &volume;
        file_ = std::move(file);
    }

    /// From now on damage is noted there, too.
    void note_in(NewMaps& maps) { new_maps_ = &maps; }
    /// From now on findings are held back, until tell_held().
    void hold_findings() { holds_ = true; }
    /// Tells them with the files behind them; nothing where none are held back.
    void tell_held(const OpenVolume& open, const std::atomic<bool>& stop);
    /// Whether some file may not have been found.
    bool files_incomplete() const { return files_incomplete_; }

    void damage(const scrub::Damage& damage) override { this->damage(damage, nullptr); }
    /// `files`: that it hurts, where they are known already.
    void damage(const scrub::Damage& damage, const report::HurtFiles* files);
    void unknown(const scrub::Unknown& unknown) override;
    void fixes(const scrub::FixList& fixes) override;
    void free_rows(const scrub::FreeRows& rows) override;
    void reached(const scrub::Position& position, const scrub::Counters& so_far) override;
    void progress(uint64_t done, uint64_t all) override;
    /// A missing device is damage even where it holds no part of any chunk.
    void note_missing() { any_ = missing_ = true; }

    bool lost(const scrub::Counters& counters) const { return lost_ || counters.unrepairable_sectors > 0; }
    bool undecided(const scrub::Counters& counters) const { return undecided_ || counters.undecided_sectors > 0; }
    bool has_missing() const { return missing_; }
    report::Verdict verdict(const scrub::Counters& counters) const;
    /// Refuted sectors that gather on one device speak against all of it (DESIGN 3.2).
    std::vector<uint64_t> suspects(uint32_t sectorsize) const;

  private:
    void keep_behind(const scrub::Damage& damage);

    report::Writer& writer_;
    report::ProgressLine& progress_;
    report::Progress so_far_;
    repair::Planner* planner_ = nullptr;
    NewMaps* new_maps_ = nullptr;
    const volume::Volume* volume_ = nullptr;
    std::string file_;
    bool any_ = false, lost_ = false, undecided_ = false, missing_ = false;
    std::map<uint64_t, uint64_t> refuted_;  // bytes by devid
    bool holds_ = false, files_incomplete_ = false;
    HeldFindings held_;
};

}  // namespace raid56::session
