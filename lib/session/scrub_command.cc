// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Open the volume.
// 2. Check everything and tell it.
// 3. Sum up.
#include "session/scrub_command.h"

#include <exception>

#include "session/choose_engine.h"
#include "session/conclude.h"
#include "session/reporting.h"
#include "session/scrub_volume.h"

namespace raid56::session {
namespace {

class ScrubRun {
  public:
    ScrubRun(const Options& options, const World& world, report::Writer& writer, report::ProgressLine& progress)
        : options_(options),
          world_(world),
          writer_(writer),
          tally_(writer, progress),
          progress_(progress),
          start_(world.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory, no threads: nothing else throws
            return fail(Error{error.what()});
        }
    }

  private:
    int run_stages() {
        const auto engine = choose_engine(options_, world_);
        if (!engine) return fail(engine.error());
        engine_ = *engine;
        auto open = open_volume(options_, world_, *engine_);
        if (!open) return world_.stop ? finish(scrub::Counters{}) : fail(open.error());
        sectorsize_ = open->volume->sectorsize();
        if (options_.files) tally_.hold_findings();
        const auto counters = scrub_volume({*open, *engine_, options_, world_}, writer_, tally_, progress_);
        tally_.tell_held(*open, world_.stop);
        return finish(counters);
    }

    int fail(const Error& error) {
        progress_.clear();
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return end(report::Verdict::failed, {}, {});
    }

    int finish(const scrub::Counters& counters) {
        progress_.clear();
        const auto verdict = world_.stop ? report::Verdict::interrupted : tally_.verdict(counters);
        return end(verdict, counters, tally_.suspects(sectorsize_));
    }

    int end(report::Verdict verdict, const scrub::Counters& counters, std::vector<uint64_t> suspects) {
        report::Summary summary;
        summary.command = "scrub";
        summary.verdict = verdict;
        summary.counters = counters;
        summary.seconds = world_.clock() - start_;
        summary.engine = engine_ != nullptr ? engine_->name() : "none";
        summary.distrust = std::move(suspects);
        summary.files_incomplete = tally_.files_incomplete();
        return conclude(world_, writer_, std::move(summary));
    }

    const Options& options_;
    const World& world_;
    report::Writer& writer_;
    Tally tally_;
    report::ProgressLine& progress_;
    double start_;
    parity::Engine* engine_ = nullptr;
    uint32_t sectorsize_ = 4096;
};

}  // namespace

int scrub_command(const Options& options, const World& world) {
    Reporting reporting(options, world);
    return ScrubRun(options, world, reporting.writer(), reporting.progress()).run();
}

}  // namespace raid56::session
