// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/support/volume_run.h"

#include <algorithm>
#include <sstream>

#include "fuzz/support/expect.h"
#include "fuzz/support/memory_file.h"
#include "repair/super_image.h"
#include "report/json.h"
#include "report/text.h"
#include "session/conclude.h"
#include "session/scrub_volume.h"
#include "session/targets.h"

namespace raid56::fuzz {
namespace {

double no_clock() { return 1; }

// Writes the report, where there is to be one, and keeps what was found.
class Recorder final : public report::Writer {
  public:
    Recorder(report::Writer* inner, VolumeRun& run) : inner_(inner), run_(run) {}
    void volume(const report::VolumeEvent& event) override {
        if (inner_ != nullptr) inner_->volume(event);
    }
    void device(const report::DeviceEvent& event) override {
        if (inner_ != nullptr) inner_->device(event);
    }
    using Writer::damage;
    void damage(const scrub::Damage& event, const report::HurtFiles* files) override {
        run_.damages.push_back(event);
        if (inner_ != nullptr) inner_->damage(event, files);
    }
    void unknown(const scrub::Unknown& event) override {
        run_.unknowns.push_back(event);
        if (inner_ != nullptr) inner_->unknown(event);
    }
    void action(const report::ActionEvent& event) override {
        if (inner_ != nullptr) inner_->action(event);
    }
    void summary(const report::Summary& event) override {
        if (inner_ == nullptr) return;
        auto same = event;
        same.counters.bytes_read = same.counters.engine_fallbacks = 0;
        inner_->summary(same);
    }

  private:
    report::Writer* inner_;
    VolumeRun& run_;
};

void add_supers(VolumeRun& run, const session::OpenVolume& open, const std::vector<scrub::Damage>& supers,
                repair::Planner& planner) {
    const auto& members = open.volume->members();
    for (const repair::Phase phase : {repair::Phase::super, repair::Phase::last_super})
        for (const auto& damage : supers) {
            const auto at = std::find_if(members.begin(), members.end(), [&](const volume::Member& m) {
                return m.devid == damage.devid && m.device != nullptr;
            });
            if (damage.repairable != scrub::Repairable::yes || at == members.end()) continue;
            const auto& scan = open.scans[static_cast<size_t>(at - members.begin())];
            const auto made = repair::make_super_write(*open.volume, *at, scan, damage);
            if (!made) {
                planner.planned().limited = true;
                continue;
            }
            if (made->write.phase == phase)
                FUZZ_EXPECT(planner.add(made->write, {made->old_bytes, made->new_bytes}) == 0);
        }
    run.blocked = planner.is_blocked();
}

void read_plan(VolumeRun& run, MemoryFile& file) {
    repair::LogReader reader(file);
    const auto state = reader.scan();
    if (!state) std::fprintf(stderr, "%s\n", state.error().message.c_str());
    FUZZ_EXPECT(state && state->planned && !state->torn);
    std::vector<uint8_t> bytes;
    for (const repair::Phase phase : repair::kPhases)
        FUZZ_EXPECT(reader.each_write(*state, phase, false, [&](const auto& place, const auto& decoded) {
            FUZZ_EXPECT(reader.read_bytes(place, bytes) == 0 && decoded.has_old && decoded.has_new);
            const auto half = bytes.begin() + static_cast<ptrdiff_t>(decoded.write.what.length);
            run.writes.push_back({decoded.write, {bytes.begin(), half}, {half, bytes.end()}});
            return true;
        }) == 0);
    FUZZ_EXPECT(run.writes.size() == run.planned.writes);
}

}  // namespace

VolumeRun run_volume(const std::vector<OverlayDevice*>& devices, const session::Options& base_options,
                     parity::Engine& engine, std::atomic<bool>& stop, Told told) {
    VolumeRun run;
    session::Options options = base_options;
    options.devices.clear();
    for (const auto* device : devices) options.devices.push_back(device->path());
    options.threads = 1;
    std::ostringstream out, err;
    const session::World world{out, err, false, opener_of(devices), no_clock, stop};
    report::JsonWriter json(out);
    report::TextWriter text(out);
    report::Writer& inner = options.format == session::Format::json ? static_cast<report::Writer&>(json) : text;
    Recorder recorder(told == Told::all ? &inner : nullptr, run);
    report::ProgressLine progress(err, report::ProgressStyle::none, nullptr, nullptr);
    session::Tally tally(recorder, progress);

    auto open = session::open_volume(options, world, engine);
    if (!open) {
        run.error = open.error().message;
        run.interrupted = stop;
        FUZZ_EXPECT(!run.error.empty() || stop);
        return run;
    }
    run.opened = true;
    const auto& members = open->volume->members();
    run.whole_devices = std::all_of(members.begin(), members.end(), [](const volume::Member& m) {
        return m.device == nullptr ? m.total_bytes < 16 << 20 : m.device->size() >= m.total_bytes;
    });
    if (options.files) tally.hold_findings();

    std::vector<uint8_t> journal;
    MemoryFile file(journal, 256 << 20);
    repair::LogWriter log(file, 1);
    FUZZ_EXPECT(log.header(session::header_of(*open->volume, repair::FileKind::journal)) == 0);
    std::optional<repair::Planner> planner;
    std::vector<scrub::Damage> supers;
    run.counters = session::scrub_volume(
        {*open, engine, options, world}, recorder, tally, progress,
        [&] {
            planner.emplace(log, repair::Keep::journal, options.limits, *open->volume);
            tally.plan_with(*planner, *open->volume, "journal");
        },
        &supers);
    tally.tell_held(*open, stop);
    run.interrupted = stop;
    if (run.interrupted) return run;
    add_supers(run, *open, supers, *planner);
    planner->finish();
    run.planned = planner->planned();
    FUZZ_EXPECT(log.planned(run.planned) == 0);
    read_plan(run, file);

    report::Summary summary;
    summary.command = "scrub";
    summary.verdict = run.verdict = tally.verdict(run.counters);
    summary.counters = run.counters;
    summary.distrust = tally.suspects(open->volume->sectorsize());
    summary.files_incomplete = tally.files_incomplete();
    run.exit_status = session::conclude(world, recorder, std::move(summary));
    run.report = out.str();
    return run;
}

}  // namespace raid56::fuzz
