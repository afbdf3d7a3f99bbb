// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. A journal that is there already and unfinished is gone on with: from 5.
// 2. Open the volume; for --write its devices too, for writing. Refuse what must not be written.
// 3. Scrub; each thing that can be put right goes into the plan: a journal, a plan file, or a list that is
//    only printed. Of a plan that was saved all of it must be found again, and nothing else is taken.
// 4. The plan is complete and on stable storage. A dry run prints it and ends here.
// 5. Data, then parity, then superblocks go to the devices, read back and committed batch by batch.
// 6. The full stripes touched are scrubbed again; then the superblocks of devices that were behind.
// 7. Sum up.
#include "session/repair_command.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <ostream>

#include "base/printable.h"
#include "repair/approved.h"
#include "repair/super_image.h"
#include "scrub/super_check.h"
#include "session/choose_engine.h"
#include "session/conclude.h"
#include "session/decide_states.h"
#include "session/maps.h"
#include "session/random_id.h"
#include "session/reporting.h"
#include "session/scrub_volume.h"
#include "session/targets.h"
#include "volume/super_scan.h"

namespace raid56::session {
namespace {

using repair::FileKind;
using repair::Keep;
using repair::Phase;

// What a second look finds, without telling it.
class Recheck final : public scrub::Sink {
  public:
    void damage(const scrub::Damage&) override {}
    void unknown(const scrub::Unknown&) override {}
    void progress(uint64_t, uint64_t) override {}
};

class RepairRun final : public repair::Listener {
  public:
    RepairRun(const Options& options, const MappedWorld& mapped, Reporting& reporting)
        : options_(options),
          world_(mapped.world),
          maps_(mapped.maps),
          reporting_(reporting),
          writer_(reporting.writer()),
          tally_(reporting.writer(), reporting.progress()),
          progress_(reporting.progress()),
          limits_(options.limits),
          start_(world_.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory, no threads, a full journal
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
        if (options_.write && world_.writing.exists(options_.journal)) {
            auto resumed = open_journal();
            if (!resumed) return fail(resumed.error());
            if (*resumed) return resume();
        }
        if (auto ready = open_everything(); !ready) return world_.stop ? interrupted() : fail(ready.error());
        if (auto planned = plan(); !planned) return world_.stop ? interrupted() : fail(planned.error());
        if (world_.stop) return interrupted();
        if (!options_.write) return print_plan();
        return write_plan();
    }

    // ---- 1. an unfinished journal

    // True where there are writes to go on with. A journal without a finished plan has brought nothing to
    // the devices: it is begun anew.
    Result<bool> open_journal() {
        auto file = world_.writing.open(options_.journal);
        if (!file) return file.error();
        file_ = std::move(*file);
        repair::LogReader reader(*file_);
        if (!reader.is_blank()) {
            auto scanned = reader.scan();
            if (!scanned) return scanned.error();
            state_ = std::move(*scanned);
            const std::string name = printable(options_.journal);
            if (state_.header.kind != FileKind::journal) return Error{name + ": is a plan, no journal"};
            if (state_.undone) return Error{name + ": is of a repair that was undone; name another file"};
            if (state_.undoing) return Error{name + ": an undo was begun with it; end that with undo"};
            if (state_.finished) return Error{name + ": is of a repair that is finished; name another file"};
        }
        if (state_.planned) return true;
        if (state_.header.generation.v != 0) {
            if (auto same = check_same_volume(); !same) return same.error();
        }
        // Made anew: whether its name lasts is not known.
        state_ = {};
        world_.writing.remove(options_.journal);
        file_.reset();
        return false;
    }

    // A journal of another file system is not overwritten, even where nothing came of it.
    Result<void> check_same_volume() {
        auto open = open_volume(options_, world_, *engine_);
        if (!open) return open.error();
        if (open->volume->super().fsid == state_.header.fsid) return {};
        return Error{printable(options_.journal) + ": is of another file system"};
    }

    Error journal_error(int error) const {
        return Error{printable(file_->path()) + ": cannot be written: " + std::strerror(error)};
    }

    int resume() {
        auto matched = match_targets(options_.devices, *file_, state_, Needed::all, world_);
        if (!matched) return fail(matched.error());
        targets_ = std::move(*matched);
        if (const int unread = forget_erasures(); unread != 0) return fail(journal_error(unread));
        int error = file_->resize(state_.end);
        // Whoever was killed may not have come to it.
        if (error == 0) error = file_->sync();
        if (error != 0) return fail(journal_error(error));
        log_.emplace(*file_, state_);
        planned_ = *state_.planned;
        applier_.emplace(*file_, state_, *log_, targets_.targets, *this, world_.stop, world_.writing.batch_bytes);
        if (auto fine = applier_->check(); !fine) return fail(fine.error());
        world_.err << printable(options_.journal) << ": an unfinished repair is gone on with, as it was planned\n";
        return apply(true);
    }

    // What the run before wrote, or will now be written, is data: --map tells of the first state. Returns 0 or an
    // errno.
    int forget_erasures() {
        repair::LogReader reader(*file_);
        for (const Phase phase : repair::kPhases) {
            const int error = reader.each_write(state_, phase, false, [&](const auto& place, const auto& decoded) {
                const auto& what = decoded.write.what;
                for (const auto& target : targets_.targets)
                    if (const auto erased = maps_->of(target.device->path());
                        erased && target.devid == what.devid && !state_.failed.contains(place.head.number))
                        erased->remove({what.physical.v, what.physical.v + what.length});
                return true;
            });
            if (error != 0) return error;
        }
        return 0;
    }

    // ---- 2. and 3. the plan

    Result<void> open_everything() {
        auto open = open_volume(options_, world_, *engine_);
        if (!open) return open.error();
        open_ = std::move(*open);
        engine_ = engine_for(options_, world_, engine_, *open_);
        if (open_->replace_under_way)
            return Error{"a device replace is under way: nothing is repaired until it is ended or cancelled"};
        if (options_.write) {
            auto targets = open_targets(*open_, world_);
            if (!targets) return targets.error();
            targets_ = std::move(*targets);
        }
        auto file = options_.write               ? world_.writing.create(options_.journal)
                    : options_.save_plan.empty() ? world_.writing.temporary()
                                                 : world_.writing.create(options_.save_plan);
        if (!file) return file.error();
        file_ = std::move(*file);
        if (options_.write) created_ = options_.journal;
        if (!options_.write) created_ = options_.save_plan;
        if (options_.files) tally_.hold_findings();
        return {};
    }

    Keep keep() const {
        if (options_.write) return Keep::journal;
        return options_.save_plan.empty() ? Keep::places : Keep::plan;
    }

    Result<void> plan() {
        state_.id = random_id();
        state_.header = header_of(*open_->volume, options_.write ? FileKind::journal : FileKind::plan);
        log_.emplace(*file_, state_.id);
        int error = log_->header(state_.header);
        if (error == 0) error = sync_plan();
        if (error != 0) return journal_error(error);
        auto filled = options_.plan.empty() ? plan_by_scrub() : plan_by_file();
        if (!filled) return filled;
        if (world_.stop) return {};
        for (const auto& member : open_->volume->members())
            if (member.seed && planner_->devices().contains(member.devid))
                return Error{printable(member.path) + ": devid " + std::to_string(member.devid.v) +
                             " is a seed device and would have to be written; nothing is done"};
        planned_.max_writes = limits_.max_writes;
        planned_.missing = tally_.has_missing();
        planned_.no_checksum = options_.no_checksum;
        // Where `planned` can be read, everything before it can.
        error = sync_plan();
        if (error == 0) error = log_->planned(planned_);
        if (error == 0) error = sync_plan();
        if (error != 0) return journal_error(error);
        state_.planned = planned_;
        state_.end = log_->end();
        state_.previous = log_->last_length();
        state_.next_number = log_->last_number() + 1;
        created_.clear();  // it is worth keeping
        return {};
    }

    int sync_plan() { return keep() == Keep::places ? 0 : log_->sync(); }

    Result<void> plan_by_scrub() {
        auto& volume = *open_->volume;
        std::vector<scrub::Damage> supers;
        counters_ = scrub_volume(
            parts(), writer_, tally_, progress_,
            [&] {
                planner_.emplace(*log_, keep(), limits_, volume, approved_ ? &*approved_ : nullptr);
                tally_.plan_with(*planner_, volume, file_->path());
            },
            &supers);
        progress_.clear();
        tally_.tell_held(*open_, world_.stop);
        if (world_.stop) return {};
        // Devices that were behind come last, and only where nothing of theirs is left over.
        for (const Phase phase : {Phase::super, Phase::last_super})
            for (const auto& damage : supers)
                if (auto added = add_super(damage, phase); !added) return added;
        planner_->finish();
        if (planner_->is_blocked())
            complain(
                "the superblocks contradict each other, half against half: nothing is written until --distrust "
                "says which devices are not to be believed");
        planned_ = planner_->planned();
        planned_.lost = tally_.lost(counters_);
        planned_.undecided = tally_.undecided(counters_);
        return {};
    }

    Result<void> add_super(const scrub::Damage& damage, Phase phase) {
        const auto& members = open_->volume->members();
        const auto at = std::find_if(members.begin(), members.end(), [&](const volume::Member& m) {
            return m.devid == damage.devid && m.device != nullptr;
        });
        if (damage.repairable != scrub::Repairable::yes || at == members.end()) return {};
        const auto& scan = open_->scans[static_cast<size_t>(at - members.begin())];
        const auto made = repair::make_super_write(*open_->volume, *at, scan, damage);
        if (!made) {
            complain("devid " + std::to_string(damage.devid.v) +
                     ": its superblock cannot be made, because nothing is left of its device item");
            planner_->planned().limited = true;
            return {};
        }
        if (made->write.phase != phase) return {};
        const int error = planner_->add(made->write, {made->old_bytes, made->new_bytes});
        return error == 0 ? Result<void>() : journal_error(error);
    }

    // Everything is looked at anew; what the plan has is taken, if it is still just that.
    Result<void> plan_by_file() {
        auto file = world_.writing.read(options_.plan);
        if (!file) return file.error();
        auto state = repair::LogReader(**file).scan();
        if (!state) return state.error();
        const std::string name = printable(options_.plan);
        if (state->header.kind != FileKind::plan) return Error{name + ": is a journal, no plan"};
        if (!state->planned) return Error{name + ": is not complete"};
        if (auto same = check_binding(state->header, name); !same) return same;
        auto approved = repair::Approved::read(**file, *state);
        if (!approved) return approved.error();
        approved_ = std::move(*approved);
        options_.no_checksum = state->planned->no_checksum;
        if (state->planned->max_writes)
            limits_.max_writes = std::min(*state->planned->max_writes, limits_.max_writes.value_or(UINT64_MAX));
        if (auto filled = plan_by_scrub(); !filled || world_.stop) return filled;
        planned_.limited = planned_.limited || state->planned->limited;
        const auto left = approved_->first_left(**file, *state);
        if (!left) return {};
        return Error{name + ": " + path_of(left->what.devid) + ": devid " + std::to_string(left->what.devid.v) +
                     " at " + std::to_string(left->what.physical.v) + ", " + std::to_string(left->what.length) +
                     " bytes: this or its row has changed since the plan was made; nothing is done"};
    }

    std::string path_of(DevId devid) const {
        for (const auto& member : open_->volume->members())
            if (member.devid == devid && member.device != nullptr) return printable(member.path);
        return "(not given)";
    }

    Result<void> check_binding(const repair::Header& header, const std::string& name) const {
        const auto own = header_of(*open_->volume, FileKind::plan);
        if (header.fsid != own.fsid || header.sectorsize != own.sectorsize)
            return Error{name + ": is of another file system"};
        if (header.generation != own.generation)
            return Error{name + ": was made for generation " + std::to_string(header.generation.v) +
                         ", the file system has " + std::to_string(own.generation.v) + ": somebody mounted it since"};
        for (const auto& device : header.devices) {
            const bool here = std::find(own.devices.begin(), own.devices.end(), device) != own.devices.end();
            if (!here)
                return Error{name + ": was made for a devid " + std::to_string(device.devid.v) +
                             " of another length, generation or uuid, or it is not here"};
        }
        return {};
    }

    // ---- 4. a dry run

    int print_plan() {
        uint64_t taken = 0;
        repair::LogReader reader(*file_);
        for (const Phase phase : repair::kPhases) {
            const int error = reader.each_write(state_, phase, false, [&](const auto&, const auto& decoded) {
                if (world_.stop || (planned_.max_writes && taken >= *planned_.max_writes)) return false;
                taken++;
                action(decoded.write, false);
                return true;
            });
            if (error != 0) return fail(journal_error(error));
        }
        if (world_.stop) return interrupted();
        return finish(tally_.verdict(counters_));
    }

    // ---- 5. and 6. writing

    int write_plan() {
        applier_.emplace(*file_, state_, *log_, targets_.targets, *this, world_.stop, world_.writing.batch_bytes);
        return apply(false);
    }

    int apply(bool resumed) {
        const repair::ApplyOptions how{resumed, planned_.max_writes};
        const auto& done = applier_->applied();
        if (planned_.writes > 0) applier_->lengthen();
        for (const Phase phase : {Phase::data, Phase::parity, Phase::super})
            if (!done.stopped) applier_->apply(phase, how);
        bool good = !done.stopped;
        if (good && planned_.writes > 0) good = recheck(resumed);
        if (good) applier_->apply(Phase::last_super, how);
        good = good && !done.stopped && recheck_supers();
        if (world_.stop) return interrupted();
        if (good && !state_.has_attempted_failure()) {
            int error = log_->mark(repair::RecordType::finished);
            if (error == 0) error = log_->sync();
            if (error != 0) complain(journal_error(error).message);
            good = error == 0;
        }
        if (!good || done.failed > 0) return finish(report::Verdict::failed);
        return finish(verdict_of_repair());
    }

    report::Verdict verdict_of_repair() const {
        if (planned_.lost) return report::Verdict::unrepairable;
        if (planned_.undecided) return report::Verdict::undecided;
        if (planned_.limited || left_over() || planned_.missing) return report::Verdict::repairable;
        if (planned_.writes > 0) return report::Verdict::repaired;
        return open_ ? tally_.verdict(counters_) : report::Verdict::clean;
    }

    bool left_over() const {
        return (planned_.max_writes && planned_.writes > *planned_.max_writes) ||
               (applier_ && applier_->applied().left_out > 0);
    }

    // What was said of the volume when it was first opened is not said again.
    World world_of_targets() {
        const World held = targets_.world_of(world_);
        const bool told = open_.has_value() || again_.has_value();
        return {held.out,
                told ? silence_ : held.err,
                held.err_is_terminal,
                held.open,
                held.clock,
                held.stop,
                held.engines,
                held.writing,
                held.partitions};
    }

    // Of records that can be read no more it is not known what they wrote.
    bool not_looked_at(int error) {
        complain(printable(file_->path()) + ": cannot be read: " + std::strerror(error) +
                 "; not all of what was written could be looked at again");
        return false;
    }

    // The rows written must be clean now, but for what was known to stay bad. Where only a part was written
    // they need not be.
    bool recheck(bool resumed) {
        const World held = world_of_targets();
        auto open = open_volume(options_, held, *engine_);
        if (!open) {
            complain(open.error().message);
            return false;
        }
        scrub::StripeSet touched;
        repair::LogReader reader(*file_);
        for (const Phase phase : {Phase::data, Phase::parity}) {
            const int error = reader.each_write(state_, phase, false, [&](const auto&, const auto& decoded) {
                repair::touch(touched, *open->volume, decoded.write);
                return true;
            });
            if (error != 0) return not_looked_at(error);
        }
        Recheck sink;
        again_ = std::move(*open);
        const auto now = scrub_again({*again_, *engine_, options_, world_}, touched, sink);
        if (world_.stop || planned_.limited || left_over()) return true;
        // What the scrub of this run counted is known; of an older one only whether there was any.
        const bool worse = !resumed && (now.unrepairable_sectors > counters_.unrepairable_sectors ||
                                        now.undecided_sectors > counters_.undecided_sectors ||
                                        now.ambiguous_rows > counters_.ambiguous_rows);
        const bool spoilt = now.unrepairable_sectors > 0 && !planned_.lost;
        const bool unclear = now.undecided_sectors + now.ambiguous_rows > 0 && !planned_.undecided && !planned_.lost;
        if (now.repairable_sectors == 0 && !worse && !spoilt && !unclear) return true;
        complain("the rows written are not clean: " + std::to_string(now.repairable_sectors) +
                 " sectors are damaged, " + std::to_string(now.unrepairable_sectors) + " lost, " +
                 std::to_string(now.undecided_sectors) + " undecided");
        return false;
    }

    // Every superblock copy written must be what it should be.
    bool recheck_supers() {
        bool any = false;
        repair::LogReader reader(*file_);
        std::vector<scrub::Damage> written;
        for (const Phase phase : {Phase::super, Phase::last_super}) {
            const int error = reader.each_write(state_, phase, false, [&](const auto& place, const auto& decoded) {
                if (!state_.failed.contains(place.head.number)) written.push_back(decoded.write.what);
                any = true;
                return true;
            });
            if (error != 0) return not_looked_at(error);
        }
        if (!any || left_over() || applier_->applied().failed > 0) return true;
        const World held = world_of_targets();
        auto open = open_volume(options_, held, *engine_);
        if (!open) {
            complain(open.error().message);
            return false;
        }
        decide_states(*open, world_);
        scrub::Counters ignored;
        std::vector<scrub::Damage> bad;
        scrub::check_supers(*open->volume, open->scans, bad, ignored);
        for (const auto& damage : bad)
            for (const auto& write : written)
                if (write.devid == damage.devid && write.physical == damage.physical) {
                    complain("devid " + std::to_string(damage.devid.v) + ": its superblock copy at " +
                             std::to_string(damage.physical.v) + " is still not what it should be");
                    return false;
                }
        return true;
    }

    // ---- 7. ends

    void action(const repair::Write& write, bool done) override {
        progress_.clear();
        writer_.action({write, done});
    }
    void complain(const std::string& sentence) override {
        progress_.clear();
        world_.err << "btrfs-raid56: " << sentence << '\n';
    }

    int fail(const Error& error) {
        complain(error.message);
        return finish(report::Verdict::failed);
    }
    int interrupted() { return finish(report::Verdict::interrupted); }

    int finish(report::Verdict verdict) {
        progress_.clear();
        // Nothing was written yet that it could undo.
        if (!created_.empty()) world_.writing.remove(created_);
        if (open_) tally_.tell_held(*open_, world_.stop);
        report::Summary summary;
        summary.command = "repair";
        summary.verdict = verdict;
        summary.counters = counters_;
        if (applier_) {
            summary.sectors_written = applier_->applied().sectors;
            if (!open_) {
                summary.counters.repairable_sectors = planned_.sectors;
                summary.counters.unproven_sectors = planned_.unproven;
            }
        }
        summary.seconds = world_.clock() - start_;
        summary.engine = engine_ != nullptr ? engine_->name() : "none";
        tell_trouble(engine_, world_);
        summary.files_incomplete = tally_.files_incomplete();
        if (open_) summary.distrust = tally_.suspects(open_->volume->sectorsize());
        return conclude(world_, reporting_, std::move(summary));
    }

    ScrubParts parts() { return {*open_, *engine_, options_, world_}; }

    Options options_;
    const World& world_;
    const Result<Maps>& maps_;
    Reporting& reporting_;
    report::Writer& writer_;
    Tally tally_;
    report::ProgressLine& progress_;
    repair::Limits limits_;
    double start_;
    EnginePtr engine_;
    std::optional<OpenVolume> open_, again_;
    Targets targets_;
    std::ostream silence_{nullptr};
    std::unique_ptr<device::WriteDevice> file_;  // journal, plan or list
    std::string created_;                        // its name, while it may be taken away again
    repair::LogState state_;
    std::optional<repair::LogWriter> log_;
    std::optional<repair::Approved> approved_;  // with --plan
    std::optional<repair::Planner> planner_;
    std::optional<repair::Applier> applier_;
    repair::Planned planned_;
    scrub::Counters counters_;
};

}  // namespace

int repair_command(const Options& options, const World& world) {
    Reporting reporting(options, world);
    return RepairRun(options, map_world(options, world), reporting).run();
}

}  // namespace raid56::session
