// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Open the survivors; choose what is rebuilt, and refuse what cannot be meant.
// 2. Open the targets and the state file: that of an earlier run is gone on with, if it is bound to the same
//    devices and the targets carry its mark.
// 3. Begin: wipe the targets, mark them; say so in the state file.
// 4. Scrub every full stripe of every chunk that has a part on a target; the parts are written as they come,
//    and every few seconds, on stable storage, the state file says how far that is.
// 5. When all of it is on stable storage, the superblock copies; then the state file goes.
// 6. Sum up.
#include "session/rebuild_command.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <set>
#include <stdexcept>

#include "base/printable.h"
#include "checksum/checksum.h"
#include "scrub/scrub.h"
#include "scrub/super_check.h"
#include "session/choose_engine.h"
#include "session/conclude.h"
#include "session/decide_states.h"
#include "session/maps.h"
#include "session/progress_file.h"
#include "session/random_id.h"
#include "session/rebuild_targets.h"
#include "session/reporting.h"
#include "session/resume.h"
#include "session/scrub_volume.h"
#include "volume/assemble.h"

namespace raid56::session {
namespace {

constexpr double kBetweenPositions = 5;  // seconds: what a kill costs at most, against a flush of the targets
const std::string kBegun = "begun";      // the targets are wiped and marked
const std::string kWritten = "written";  // all but the superblocks is on stable storage

// A target or the state file can take no more; ends the scrub behind it. The message is a sentence.
struct WriteFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::string cannot_write(const std::string& path, int error) {
    return printable(path) + ": cannot be written: " + std::strerror(error);
}

class RebuildRun final : public scrub::Sink {
  public:
    RebuildRun(const Options& options, const MappedWorld& mapped, Reporting& reporting)
        : options_(options),
          world_(mapped.world),
          maps_(mapped.maps),
          reporting_(reporting),
          writer_(reporting.writer()),
          tally_(reporting.writer(), reporting.progress()),
          progress_line_(reporting.progress()),
          start_(world_.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory, no threads, a full target
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
        if (auto chosen = choose(); !chosen) return world_.stop ? interrupted() : fail(chosen.error());
        if (auto opened = open_targets(); !opened) return fail(opened.error());
        if (auto begun = begin(); !begun) return fail(begun.error());
        if (auto rebuilt = rebuild(); !rebuilt) return fail(rebuilt.error());
        tally_.tell_held(*open_, world_.stop);
        if (world_.stop) return interrupted();
        if (auto finished = finish_targets(); !finished) return fail(finished.error());
        return finish(verdict());
    }

    // ---- 1. who is there, what is wanted

    Result<void> choose() {
        auto open = open_volume(options_, world_, *engine_);
        if (!open) return open.error();
        open_ = std::move(*open);
        engine_ = engine_for(options_, world_, engine_, *open_);
        if (open_->replace_under_way && !options_.abandon_replace)
            return Error{
                "a device replace is under way, or was when the system stopped; with --abandon-replace the lost "
                "device is made anew all the same, and what the replace has written so far is of no use any more"};
        auto wanted = choose_targets(*open_, options_);
        if (!wanted) return wanted.error();
        wanted_ = std::move(*wanted);
        made_anew_.assign(volume().members().size(), false);
        for (const auto& target : wanted_) made_anew_[target.member] = true;
        for (const auto& mapped : volume().chunks())
            chunks_.push_back(
                std::any_of(mapped.members.begin(), mapped.members.end(), [&](unsigned m) { return made_anew_[m]; }));
        return {};
    }

    const volume::Volume& volume() const { return *open_->volume; }

    // ---- 2. targets and state file

    Result<void> open_targets() {
        state_path_ = options_.state.empty() ? first_path() + ".rebuild" : options_.state;
        for (const auto& target : wanted_)
            if (target.path == state_path_) return Error{printable(state_path_) + ": cannot be target and state file"};
        state_was_there_ = world_.writing.exists(state_path_);
        if (state_was_there_)
            if (auto found = read_state(); !found) return found;
        if (state_)
            if (auto same = options_.restart ? check_file_system() : check_binding(); !same) return same;
        Earlier earlier;
        if (state_) earlier.id = number(state_->header(), "id");
        earlier.begun = state_ && !options_.restart && state_->has_passed(kBegun);
        auto opened = open_rebuild_targets(*open_, wanted_, options_, world_, earlier);
        if (!opened) return opened.error();
        opened_ = std::move(*opened);
        // After the targets: what is held here makes its disk busy for a target on another part of it.
        auto ready = hold_survivors();
        if (ready) ready = bind(earlier.begun);
        if (!ready && !earlier.begun) remove_created();
        return ready;
    }

    // Whatever the order on the command line.
    std::string first_path() const {
        const auto first = std::min_element(wanted_.begin(), wanted_.end(), [&](const Wanted& a, const Wanted& b) {
            return volume().members()[a.member].devid < volume().members()[b.member].devid;
        });
        return first->path;
    }

    Result<void> hold_survivors() {
        for (const auto& path : options_.devices) {
            auto held = world_.writing.hold(path);
            if (!held) return held.error();
            holds_.push_back(std::move(*held));
        }
        return check_survivors();
    }

    // Files cannot be held against a mount through a loop device: who wrote to them has changed a superblock, or is
    // still at it.
    Result<void> check_survivors() {
        for (auto& hold : holds_)
            if (auto free = hold->still_free(); !free) return free;
        for (unsigned i = 0; i < volume().members().size(); i++) {
            const auto& member = volume().members()[i];
            if (member.device == nullptr) continue;
            const auto now = volume::scan_supers(*member.device);
            for (size_t copy = 0; copy < now.size(); copy++)
                if (now[copy].bytes != open_->scans[i][copy].bytes)
                    return Error{printable(member.path) +
                                 ": was changed by somebody else since the rebuild began to read it; nothing that was "
                                 "made of it can be relied on: begin anew with --restart"};
        }
        return {};
    }

    // No state where the run that made the file was cut off before it did anything.
    Result<void> read_state() {
        auto file = world_.writing.open(state_path_);
        if (!file) return file.error();
        if (ProgressFile::is_hardly_begun(**file)) return {};
        auto state = ProgressFile::go_on(std::move(*file));
        if (!state) return state.error();
        if (text(state->header(), "what") != "rebuild") return Error{printable(state_path_) + ": is of no rebuild"};
        state_ = std::move(*state);
        return {};
    }

    // Nobody else's state is taken away, asked or not.
    Result<void> check_file_system() const {
        if (text(state_->header(), "fsid") == volume::uuid_text(volume().super().fsid)) return {};
        return Error{printable(state_path_) + ": is of another file system"};
    }

    Result<void> check_binding() const {
        if (auto same = check_file_system(); !same) return same;
        const std::string name = printable(state_path_);
        const Json own = header(0);
        const auto differs = [&](const char* field) {
            return !state_->header().contains(field) || state_->header()[field] != own[field];
        };
        if (differs("generation"))
            return Error{name +
                         ": is of another generation of the file system: somebody mounted it since; --restart "
                         "begins anew"};
        for (const char* field : {"version", "survivors", "onto", "distrust"})
            if (differs(field))
                return Error{name + ": is of a rebuild from or onto other devices; --restart begins anew"};
        return {};
    }

    // What binds a state file to this rebuild.
    Json header(uint64_t id) const {
        Json onto = Json::array(), distrust = Json::array();
        for (const auto& target : wanted_) onto.push_back(volume().members()[target.member].devid.v);
        for (const DevId devid : options_.distrust) distrust.push_back(devid.v);
        std::sort(onto.begin(), onto.end());
        return {{"what", "rebuild"},
                {"version", 1},
                {"id", id},
                {"fsid", volume::uuid_text(volume().super().fsid)},
                {"generation", volume().super().generation.v},
                {"survivors", bound_devices(volume(), *maps_)},
                {"onto", onto},
                {"distrust", distrust}};
    }

    Result<void> bind(bool resume) {
        if (opened_.any_block() && options_.state.empty())
            return Error{
                "--state FILE is needed where a block device is written onto: the place that says how far "
                "the work is"};
        if (!resume)
            if (auto begun = begin_state(); !begun) return begun;
        const uint64_t id = number(state_->header(), "id").value_or(0);
        for (size_t i = 0; i < wanted_.size(); i++)
            targets_.emplace_back(volume(), wanted_[i].member, *opened_.devices[i], id);
        for (auto& target : targets_) {
            if (!resume) continue;
            const auto begun = target.is_begun(state_->has_passed(kWritten));
            if (!begun) return begun.error();
            if (!*begun)
                return Error{printable(target.device().path()) + ": is not what " + printable(state_path_) +
                             " says was begun; --restart begins anew"};
            if (auto same = check_witness(target); !same) return same;
        }
        return {};
    }

    // A target that was cut short and lengthened since, or copied in part, still has its mark.
    Result<void> check_witness(repair::RebuiltDevice& target) const {
        const auto& all = state_->last_more();
        const auto found = all.find(std::to_string(target.devid().v));
        if (found == all.end()) return {};
        const auto physical = number(*found, "physical"), length = number(*found, "length"),
                   sum = number(*found, "crc32c");
        if (!physical || !length || !sum)
            return Error{printable(state_path_) + ": says nothing that makes sense of its target"};
        const auto holds = target.holds({Physical(*physical), *length, static_cast<uint32_t>(*sum)});
        if (!holds) return holds.error();
        if (*holds) return {};
        return Error{printable(target.device().path()) + ": does not hold what was written to it at " +
                     std::to_string(*physical) + "; --restart begins anew"};
    }

    Json witnesses() const {
        Json all = Json::object();
        for (const auto& target : targets_)
            if (const auto& witness = target.witness())
                all[std::to_string(target.devid().v)] = {
                    {"physical", witness->physical.v}, {"length", witness->length}, {"crc32c", witness->sum}};
        return all;
    }

    // Where it cannot be begun, nothing is left of it.
    Result<void> begin_state() {
        state_.reset();
        // Nothing else is taken away: under another name it may be a target that was just made.
        if (state_was_there_) world_.writing.remove(state_path_);
        auto file = world_.writing.create(state_path_);
        if (!file) return file.error();
        auto state = ProgressFile::begin(std::move(*file), header(random_id()));
        if (!state) {
            world_.writing.remove(state_path_);
            return state.error();
        }
        state_ = std::move(*state);
        return {};
    }

    void remove_created() {
        opened_.devices.clear();
        for (const auto& path : opened_.created) world_.writing.remove(path);
    }

    // ---- 3. begin

    Result<void> begin() {
        begun_ = true;
        if (state_->has_passed(kBegun)) {
            world_.err << printable(state_path_) << ": a rebuild that was begun is gone on with\n";
            return {};
        }
        for (auto& target : targets_) {
            const uint64_t size = std::max(target.device().size(), volume().members()[target.member()].total_bytes);
            if (auto wiped = wipe_target(target.device(), size, world_); !wiped) return wiped;
            if (const int error = target.begin(); error != 0) return Error{cannot_write(target.device().path(), error)};
        }
        if (const int error = state_->pass(kBegun); error != 0) return Error{cannot_write(state_path_, error)};
        return {};
    }

    // ---- 4. every full stripe

    Result<void> rebuild() {
        const auto survey = survey_and_decide(*open_, world_);
        if (world_.stop) return {};
        tell_members(*open_, writer_, progress_line_);
        if (options_.files) tally_.hold_findings();
        for (unsigned i = 0; i < volume().members().size(); i++)
            if (volume().members()[i].device == nullptr && !made_anew_[i]) tally_.note_missing();
        std::vector<scrub::Damage> bad_copies;
        scrub::Counters supers;
        scrub::check_supers(volume(), open_->scans, bad_copies, supers);
        for (const auto& damage : bad_copies) tally_.damage(damage);
        for (const auto& unknown : open_->unknown) tally_.unknown(unknown);
        Again again(*this);
        if (auto told = state_->tell_again(again); !told) return told;
        if (state_->has_passed(kWritten)) {  // all of it was told, and lasts
            if (state_->last()) counters_ = state_->last()->counters;
            counters_.add(supers);
            return {};
        }

        const auto silent = tree::explain_silence(*open_->reader, open_->roots, open_->log, survey.without_checksum);
        const auto extra = extra_extents(*open_);
        auto extents = extents_of(*open_, extra);
        tree::CsumStream csums(*open_->reader, open_->roots.find(format::objectid::kCsumTree), open_->log);
        scrub::WindowBuilder windows(volume(), extents, csums, silent);
        windows.know(open_->reader->hurt());
        windows.take_whole(chunks_);
        scrub::Options how;
        how.threads = options_.threads;
        if (state_->last()) {
            how.from = state_->last()->position;
            how.so_far = state_->last()->counters;
            if (auto skipped = skip_to(windows, *how.from); !skipped) return skipped;
        }
        const scrub::Context context{
            volume(),  *engine_, *open_->reader, world_.stop, false, scrub::NoChecksum::report, open_->log.incomplete,
            made_anew_};
        last_position_ = world_.clock();
        counters_ = scrub::scrub_chunks(context, windows, *this, how, bytes_from(how.from));
        counters_.add(supers);
        keep_position();
        return {};
    }

    Result<void> skip_to(scrub::WindowBuilder& windows, const scrub::Position& position) const {
        const auto& chunks = volume().chunks();
        const auto at =
            std::find_if(chunks.begin(), chunks.end(), [&](const auto& c) { return c.chunk.start == position.chunk; });
        if (at == chunks.end() || position.next.v > at->full_stripes())
            return Error{printable(state_path_) + ": names a place that the file system does not have"};
        windows.skip_to(static_cast<size_t>(at - chunks.begin()), position.next);
        return {};
    }

    // Bytes of the logical space that are still to be done.
    uint64_t bytes_from(const std::optional<scrub::Position>& from) const {
        uint64_t bytes = 0;
        for (size_t i = 0; i < chunks_.size(); i++) {
            const auto& mapped = volume().chunks()[i];
            if (!chunks_[i] || (from && mapped.chunk.start < from->chunk)) continue;
            bytes += mapped.chunk.length;
            if (from && mapped.chunk.start == from->chunk)
                bytes -= std::min(mapped.chunk.length, from->next.v * mapped.layout.data_length());
        }
        return bytes;
    }

    void damage(const scrub::Damage& damage) override {
        state_->add(damage);
        tally_.damage(damage);
    }
    // The trees are read from their beginning whichever full stripe a run goes on from.
    void unknown(const scrub::Unknown& unknown) override {
        if (told_before_.contains({unknown.logical, unknown.length})) return;
        state_->add(unknown);
        tally_.unknown(unknown);
    }
    void made(unsigned member, Physical physical, ByteView bytes) override {
        for (auto& target : targets_) {
            if (target.member() != member) continue;
            if (const int error = target.put(physical, bytes); error != 0)
                throw WriteFailed(printable(target.device().path()) + ": cannot be written at " +
                                  std::to_string(physical.v) + ": " + std::strerror(error));
            bytes_written_ += bytes.size();
        }
    }
    void reached(const scrub::Position& position, const scrub::Counters& so_far) override {
        position_ = {position, so_far};
        tally_.reached(position, so_far);
        if (world_.clock() - last_position_ < kBetweenPositions) return;
        keep_position();
    }
    void progress(uint64_t done, uint64_t all) override { tally_.progress(done, all); }

    // What was written is on stable storage before the state file says so.
    void keep_position() {
        sync_targets();
        if (position_)
            if (const int error = state_->reached(position_->position, position_->counters, witnesses()); error != 0)
                throw WriteFailed(cannot_write(state_path_, error));
        position_.reset();
        last_position_ = world_.clock();
    }

    void sync_targets() {
        for (auto& target : targets_)
            if (const int error = target.sync(); error != 0)
                throw WriteFailed(cannot_write(target.device().path(), error));
    }

    // What the run before has found.
    class Again final : public scrub::Sink {
      public:
        explicit Again(RebuildRun& run) : run_(run) {}
        void damage(const scrub::Damage& damage) override { run_.tally_.damage(damage); }
        void unknown(const scrub::Unknown& unknown) override {
            run_.told_before_.insert({unknown.logical, unknown.length});
            run_.tally_.unknown(unknown);
        }
        void progress(uint64_t, uint64_t) override {}

      private:
        RebuildRun& run_;
    };

    // ---- 5. superblocks

    Result<void> finish_targets() {
        if (auto same = check_survivors(); !same) return same;
        if (const int error = state_->pass(kWritten); error != 0) return Error{cannot_write(state_path_, error)};
        for (auto& target : targets_)
            if (const int error = target.finish(); error != 0)
                return Error{cannot_write(target.device().path(), error)};
        state_.reset();
        world_.writing.remove(state_path_);
        for (const auto& target : targets_) tell_written(target);
        return {};
    }

    void tell_written(const repair::RebuiltDevice& target) {
        for (const auto& mapped : volume().chunks())
            for (unsigned i = 0; i < mapped.layout.stripes; i++)
                if (mapped.members[i] == target.member())
                    action(target.devid(), mapped.chunk.stripes[i].offset, mapped.extent_length(), role_of(mapped),
                           mapped.chunk.start);
        for (const Physical place : target.supers())
            action(target.devid(), place, format::kSuperSize, scrub::Role::super, std::nullopt);
    }

    static scrub::Role role_of(const volume::MappedChunk& mapped) {
        return (mapped.chunk.kind & format::chunk_kind::kData) != 0 ? scrub::Role::data : scrub::Role::tree;
    }

    void action(DevId devid, Physical physical, uint64_t length, scrub::Role role, std::optional<Logical> logical) {
        report::ActionEvent event;
        event.write.what.devid = devid;
        event.write.what.physical = physical;
        event.write.what.length = length;
        event.write.what.role = role;
        event.write.what.cause = scrub::Cause::missing;
        event.write.what.logical = logical;
        event.done = true;
        event.whole_part = true;
        sectors_written_ += role == scrub::Role::super ? 1 : length / volume().sectorsize();
        writer_.action(event);
    }

    // ---- 6. ends

    report::Verdict verdict() const {
        const auto verdict = tally_.verdict(counters_);
        return verdict == report::Verdict::clean ? report::Verdict::done : verdict;
    }

    int fail(const Error& error) {
        progress_line_.clear();
        world_.err << "btrfs-raid56: " << error.message << '\n';
        return finish(report::Verdict::failed);
    }

    int interrupted() {
        progress_line_.clear();
        if (state_) world_.err << "the same command goes on from here (" << printable(state_path_) << ")\n";
        return finish(report::Verdict::interrupted);
    }

    int finish(report::Verdict verdict) {
        progress_line_.clear();
        if (open_) tally_.tell_held(*open_, world_.stop);
        report::Summary summary;
        summary.command = "rebuild";
        summary.verdict = verdict;
        summary.counters = counters_;
        summary.sectors_written =
            sectors_written_ > 0 || !open_ ? sectors_written_ : bytes_written_ / volume().sectorsize();
        summary.begun = begun_ && sectors_written_ == 0;
        summary.seconds = world_.clock() - start_;
        summary.engine = engine_ != nullptr ? engine_->name() : "none";
        tell_trouble(engine_, world_);
        summary.files_incomplete = tally_.files_incomplete();
        if (open_) summary.distrust = tally_.suspects(volume().sectorsize());
        if (sectors_written_ > 0) summary.next = next_steps(verdict);
        return conclude(world_, reporting_, std::move(summary));
    }

    std::vector<std::string> next_steps(report::Verdict verdict) const {
        std::vector<std::string> steps;
        for (const auto& target : targets_)
            steps.push_back("devid " + std::to_string(target.devid().v) + " is now " +
                            printable(target.device().path()) +
                            ": wipe or disconnect the disk that it replaces before it comes back, both have the same "
                            "devid and uuid");
        if (verdict == report::Verdict::repairable)
            steps.push_back(
                "repair the damage that was met on the other devices: btrfs-raid56 repair, with all devices");
        if (verdict == report::Verdict::unrepairable || verdict == report::Verdict::undecided)
            steps.push_back(
                "what is listed as LOST or undecided was written as best known: get these files from a backup");
        if (open_->replace_under_way)
            steps.push_back(
                "the file system still waits for its device replace: disconnect or wipe the disk that the replace "
                "wrote to first, or the kernel goes on with it; then mount once with -o degraded and `btrfs replace "
                "cancel` it");
        steps.push_back("btrfs-raid56 scrub with all devices proves the result before it is mounted");
        return steps;
    }

    const Options& options_;
    const World& world_;
    const Result<Maps>& maps_;
    Reporting& reporting_;
    report::Writer& writer_;
    Tally tally_;
    report::ProgressLine& progress_line_;
    double start_;
    EnginePtr engine_;
    std::optional<OpenVolume> open_;
    std::vector<std::unique_ptr<device::Hold>> holds_;
    std::vector<Wanted> wanted_;
    std::vector<bool> made_anew_;  // by member
    std::vector<bool> chunks_;     // that have a part on a target
    OpenedTargets opened_;
    std::vector<repair::RebuiltDevice> targets_;
    std::string state_path_;
    bool state_was_there_ = false;  // and was read
    std::optional<ProgressFile> state_;
    std::optional<Reached> position_;                     // told, and not in the state file yet
    double last_position_ = 0;                            // when the state file got one
    std::set<std::pair<Logical, uint64_t>> told_before_;  // unknown ranges, by start and length
    scrub::Counters counters_;
    uint64_t sectors_written_ = 0;  // once all of it is
    uint64_t bytes_written_ = 0;    // by this run, so far
    bool begun_ = false;            // something may have reached a target
};

}  // namespace

int rebuild_command(const Options& options, const World& world) {
    Reporting reporting(options, world);
    return RebuildRun(options, map_world(options, world), reporting).run();
}

}  // namespace raid56::session
