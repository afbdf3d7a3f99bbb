// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Read the maps; make the files of new ones.
// 2. Open the volume, and the checkpoint where one is kept.
// 3. Check everything and tell it.
// 4. Write the new maps; sum up.
#include "session/scrub_command.h"

#include <algorithm>
#include <exception>

#include "base/printable.h"
#include "session/checkpoint.h"
#include "session/choose_engine.h"
#include "session/conclude.h"
#include "session/maps.h"
#include "session/new_maps.h"
#include "session/next_steps.h"
#include "session/part.h"
#include "session/reporting.h"
#include "session/resume.h"
#include "session/scrub_volume.h"

namespace raid56::session {
namespace {

class ScrubRun {
  public:
    ScrubRun(const Options& options, const MappedWorld& mapped, Reporting& reporting)
        : options_(options),
          world_(mapped.world),
          maps_(mapped.maps),
          reporting_(reporting),
          writer_(reporting.writer()),
          tally_(reporting.writer(), reporting.progress()),
          progress_(reporting.progress()),
          start_(world_.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory, no threads: nothing else throws
            return fail(Error{error.what()});
        }
    }

  private:
    int run_stages() {
        if (!maps_) return fail(maps_.error());
        const auto engine = choose_engine(options_, world_);
        if (!engine) return fail(engine.error());
        engine_ = *engine;
        if (auto possible = reporting_.page().check(); !possible) return fail(possible.error());
        auto new_maps = NewMaps::create(options_, world_);
        if (!new_maps) return fail(new_maps.error());
        new_maps_ = std::move(*new_maps);
        tally_.note_in(new_maps_);
        auto open = open_volume(options_, world_, *engine_);
        if (!open) return world_.stop ? finish(scrub::Counters{}) : fail(open.error());
        sectorsize_ = open->volume->sectorsize();
        for (const auto& member : open->volume->members()) {
            cut_short_ = cut_short_ || member.short_by() > 0;
            if (const auto erased = maps_->of(member.path)) map_sums_[member.devid.v] = sum_of_erased(*erased);
        }
        // Of chunks that were not read any more nobody knows whether they are those that were asked for.
        if (world_.stop) return finish(scrub::Counters{});
        auto part = scrub::Selection::make(*open->volume, options_.part);
        if (!part) return fail(part.error());
        if (!options_.checkpoint.empty())
            if (auto opened = open_checkpoint(*open, *part); !opened) return fail(opened.error());
        if (options_.files) tally_.hold_findings();
        engine_ = engine_for(options_, world_, engine_, *open);
        const auto counters =
            scrub_volume({*open, *engine_, options_, world_, &*part, checkpoint_ ? &*checkpoint_ : nullptr}, writer_,
                         tally_, progress_);
        tally_.tell_held(*open, world_.stop);
        if (options_.part.free && open->log.incomplete)
            world_.err
                << "free rows were not looked at: a part of the log tree cannot be had, and may use any of them\n";
        if (!world_.stop) {
            if (auto written = new_maps_.write(*open->volume, *maps_); !written) return fail(written.error());
            written_ = true;
        }
        return finish(counters);
    }

    Result<void> open_checkpoint(const OpenVolume& open, scrub::Selection& part) {
        auto checkpoint = Checkpoint::open(options_, world_, *maps_, *open.volume);
        if (!checkpoint) return checkpoint.error();
        checkpoint_ = std::move(*checkpoint);
        if (!checkpoint_->goes_on()) return {};
        if (!part.begin_at(checkpoint_->last()->position))
            return Error{printable(options_.checkpoint) + ": names a place that the file system does not have"};
        world_.err << printable(options_.checkpoint) << ": a scrub that was begun is gone on with\n";
        return {};
    }

    int fail(const Error& error) {
        progress_.clear();
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return end(report::Verdict::failed, {}, {});
    }

    int finish(const scrub::Counters& counters) {
        progress_.clear();
        const bool stopped = world_.stop;
        const auto verdict = stopped ? report::Verdict::interrupted : tally_.verdict(counters);
        if (stopped && checkpoint_) {
            checkpoint_->keep();
            world_.err << "the same command goes on from here (" << printable(options_.checkpoint) << ")\n";
        }
        const int status = end(verdict, counters, tally_.suspects(sectorsize_));
        // A report that nobody got is made again from it.
        if (!stopped && checkpoint_ && status != report::kExitFailed) checkpoint_->remove();
        return status;
    }

    int end(report::Verdict verdict, const scrub::Counters& counters, std::vector<uint64_t> suspects) {
        // Of what was not looked at nothing is known.
        if (!written_) new_maps_.remove(world_);
        report::Summary summary;
        summary.command = "scrub";
        summary.verdict = verdict;
        summary.counters = counters;
        summary.seconds = world_.clock() - start_;
        summary.engine = engine_ != nullptr ? engine_->name() : "none";
        tell_trouble(engine_, world_);
        summary.distrust = std::move(suspects);
        summary.part = part_words(options_.part);
        summary.shard = options_.part.shard;
        summary.free = options_.part.free;
        summary.maps = map_sums_;
        summary.files_named = options_.files;
        summary.files_incomplete = tally_.files_incomplete();
        summary.next = steps_after_scrub(summary, {tally_.has_missing(), cut_short_});
        return conclude(world_, reporting_, std::move(summary));
    }

    const Options& options_;
    const World& world_;
    const Result<Maps>& maps_;
    NewMaps new_maps_;
    bool written_ = false;                   // they are
    bool cut_short_ = false;                 // a device
    std::map<uint64_t, uint32_t> map_sums_;  // by devid
    Reporting& reporting_;
    report::Writer& writer_;
    Tally tally_;
    report::ProgressLine& progress_;
    std::optional<Checkpoint> checkpoint_;
    double start_;
    EnginePtr engine_;
    uint32_t sectorsize_ = 4096;
};

}  // namespace

int scrub_command(const Options& options, const World& world) {
    Reporting reporting(options, world);
    return ScrubRun(options, map_world(options, world), reporting).run();
}

}  // namespace raid56::session
