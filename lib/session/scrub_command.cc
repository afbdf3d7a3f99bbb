// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Open the volume.
// 2. Survey the trees: what has no checksum, which devices are behind; look the former up.
// 3. Say who is there; judge the superblock copies.
// 4. Scrub every chunk.
// 5. Sum up.
#include "session/scrub_command.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>

#include "report/json.h"
#include "report/progress.h"
#include "report/text.h"
#include "scrub/scrub.h"
#include "scrub/super_check.h"
#include "session/conclude.h"
#include "session/decide_states.h"

namespace raid56::session {
namespace {

// Hands findings on to the report and keeps what the verdict needs.
class Tally : public scrub::Sink {
  public:
    Tally(report::Writer& writer, report::ProgressLine& progress) : writer_(writer), progress_(progress) {}

    void damage(const scrub::Damage& damage) override {
        any_ = true;
        lost_ = lost_ || damage.repairable == scrub::Repairable::no;
        undecided_ = undecided_ || damage.repairable == scrub::Repairable::undecided;
        const bool refuted = damage.cause == scrub::Cause::checksum || damage.cause == scrub::Cause::header;
        if (refuted && (damage.role == scrub::Role::data || damage.role == scrub::Role::tree))
            refuted_[damage.devid.v] += damage.length;
        progress_.clear();
        writer_.damage(damage);
    }
    void unknown(const scrub::Unknown& unknown) override {
        (unknown.undecided ? undecided_ : lost_) = true;
        progress_.clear();
        writer_.unknown(unknown);
    }
    /// A missing device is damage even where it holds no part of any chunk.
    void note_missing() { any_ = true; }
    void progress(uint64_t done, uint64_t all) override { progress_.show(done, all); }

    report::Verdict verdict(const scrub::Counters& counters) const {
        if (lost_ || counters.unrepairable_sectors > 0) return report::Verdict::unrepairable;
        if (undecided_ || counters.undecided_sectors > 0) return report::Verdict::undecided;
        if (any_ || counters.repairable_sectors > 0) return report::Verdict::repairable;
        return report::Verdict::clean;
    }

    // Refuted sectors that gather on one device speak against all of it (DESIGN 3.2).
    std::vector<uint64_t> suspects(uint32_t sectorsize) const {
        constexpr uint64_t kFew = 16;
        uint64_t all = 0;
        for (const auto& [devid, bytes] : refuted_) all += bytes;
        std::vector<uint64_t> found;
        for (const auto& [devid, bytes] : refuted_)
            if (bytes >= kFew * sectorsize && bytes * 10 >= all * 9) found.push_back(devid);
        return found;
    }

  private:
    report::Writer& writer_;
    report::ProgressLine& progress_;
    bool any_ = false, lost_ = false, undecided_ = false;
    std::map<uint64_t, uint64_t> refuted_;  // bytes by devid
};

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
        return finish(scrub_volume(*open));
    }

    int fail(const Error& error) {
        progress_.clear();
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return end(report::Verdict::failed, {}, {});
    }

    scrub::Counters scrub_volume(OpenVolume& open) {
        auto& volume = *open.volume;
        sectorsize_ = volume.sectorsize();
        const auto survey = survey_and_decide(open, world_);
        const auto silent = tree::explain_silence(*open.reader, open.roots, open.log, survey.without_checksum);
        if (world_.stop) return {};

        scrub::Counters counters;
        tell_volume(open, counters);
        const auto extra = extra_extents(open);
        tree::ExtentStream extents(*open.reader, open.roots.find(format::objectid::kExtentTree), extra, open.end());
        tree::CsumStream csums(*open.reader, open.roots.find(format::objectid::kCsumTree), open.log);
        scrub::WindowBuilder windows(volume, extents, csums, silent);
        const scrub::Context context{volume, *engine_, *open.reader, world_.stop};
        counters.add(scrub::scrub_chunks(context, windows, tally_, {options_.threads}, survey.allocated_bytes));
        return counters;
    }

    void tell_volume(const OpenVolume& open, scrub::Counters& counters) {
        progress_.clear();
        writer_.volume(report::volume_event(*open.volume));
        std::vector<volume::Member> members = open.volume->members();
        std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.devid < b.devid; });
        for (const auto& member : members) {
            writer_.device(report::device_event(member));
            if (member.device == nullptr) tally_.note_missing();
        }
        std::vector<scrub::Damage> supers;
        scrub::check_supers(*open.volume, open.scans, supers, counters);
        for (const auto& damage : supers) tally_.damage(damage);
        for (const auto& unknown : open.unknown) tally_.unknown(unknown);
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
    report::JsonWriter json(world.out);
    report::TextWriter text(world.out);
    report::Writer& writer = options.format == Format::json ? static_cast<report::Writer&>(json) : text;
    const bool shown =
        options.progress == Progress::always || (options.progress == Progress::automatic && world.err_is_terminal);
    report::ProgressLine progress(world.err, shown, world.err_is_terminal, world.clock);
    return ScrubRun(options, world, writer, progress).run();
}

}  // namespace raid56::session
