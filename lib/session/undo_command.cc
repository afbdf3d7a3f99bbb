// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Read the journal. Where no plan was finished nothing was written: done.
// 2. Find its devices; every place must hold what the journal left there.
// 3. Say in the journal that an undo has begun; put everything back; say that it is done.
#include "session/undo_command.h"

#include <cstring>
#include <exception>

#include "base/printable.h"
#include "checksum/checksum.h"
#include "session/conclude.h"
#include "session/reporting.h"
#include "session/targets.h"

namespace raid56::session {
namespace {

class UndoRun final : public repair::Listener {
  public:
    UndoRun(const Options& options, const World& world, report::Writer& writer)
        : options_(options), world_(world), writer_(writer), start_(world.clock()) {}

    int run() {
        try {
            return run_stages();
        } catch (const std::exception& error) {  // out of memory: nothing else throws
            return fail(Error{error.what()});
        }
    }

  private:
    int run_stages() {
        if (auto fine = checksum::self_test(); !fine) return fail(fine.error());
        auto file = world_.writing.open(options_.journal);
        if (!file) return fail(file.error());
        file_ = std::move(*file);
        repair::LogReader reader(*file_);
        if (reader.is_blank()) return nothing();
        auto scanned = reader.scan();
        if (!scanned) return fail(scanned.error());
        state_ = std::move(*scanned);
        if (state_.header.kind != repair::FileKind::journal)
            return fail(Error{printable(options_.journal) + ": is a plan, no journal"});
        if (!state_.planned || state_.planned->writes == 0 || state_.undone) return nothing();
        return undo();
    }

    int undo() {
        auto matched = match_targets(options_.devices, *file_, state_, Needed::reached, world_);
        if (!matched) return fail(matched.error());
        targets_ = std::move(*matched);
        if (const int error = file_->resize(state_.end); error != 0) return fail(journal_error(error));
        repair::LogWriter log(*file_, state_);
        applier_.emplace(*file_, state_, log, targets_.targets, *this, world_.stop, world_.writing.batch_bytes);
        if (auto fine = applier_->check(); !fine) return fail(fine.error());
        for (const auto& target : targets_.targets)
            if (auto free = target.device->still_free(); !free) return fail(free.error());
        if (const int error = mark(log, repair::RecordType::undoing); error != 0) return fail(journal_error(error));
        applier_->undo();
        const auto& done = applier_->applied();
        if (done.kept > 0)
            complain(std::to_string(done.kept) +
                     " sectors had been unreadable before the repair and stay as they were written");
        if (world_.stop) return finish(report::Verdict::interrupted);
        if (done.stopped || done.failed > 0) return finish(report::Verdict::failed);
        if (const int error = mark(log, repair::RecordType::undone); error != 0) return fail(journal_error(error));
        return finish(report::Verdict::done);
    }

    static int mark(repair::LogWriter& log, repair::RecordType type) {
        const int error = log.mark(type);
        return error != 0 ? error : log.sync();
    }

    Error journal_error(int error) const {
        return Error{printable(options_.journal) + ": cannot be written: " + std::strerror(error)};
    }

    int nothing() {
        world_.err << printable(options_.journal) << ": there is nothing to undo\n";
        return finish(report::Verdict::done);
    }
    int fail(const Error& error) {
        complain(error.message);
        return finish(report::Verdict::failed);
    }

    void action(const repair::Write& write, bool done) override { writer_.action({write, done}); }
    void complain(const std::string& sentence) override { world_.err << "btrfs-raid56: " << sentence << '\n'; }

    int finish(report::Verdict verdict) {
        report::Summary summary;
        summary.command = "undo";
        summary.verdict = verdict;
        if (applier_) summary.sectors_written = applier_->applied().sectors;
        summary.seconds = world_.clock() - start_;
        summary.engine = "none";
        return conclude(world_, writer_, std::move(summary));
    }

    const Options& options_;
    const World& world_;
    report::Writer& writer_;
    double start_;
    std::unique_ptr<device::WriteDevice> file_;
    repair::LogState state_;
    Targets targets_;
    std::optional<repair::Applier> applier_;
};

}  // namespace

int undo_command(const Options& options, const World& world) {
    Reporting reporting(options, world);
    return UndoRun(options, world, reporting.writer()).run();
}

}  // namespace raid56::session
