// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/conclude.h"

namespace raid56::session {
namespace {

int exit_status(report::Verdict verdict) {
    switch (verdict) {
        case report::Verdict::clean:
        case report::Verdict::done: return report::kExitFine;
        case report::Verdict::repairable:
        case report::Verdict::repaired: return report::kExitDamage;
        case report::Verdict::unrepairable:
        case report::Verdict::undecided: return report::kExitLost;
        case report::Verdict::failed: return report::kExitFailed;
        case report::Verdict::interrupted: return report::kExitInterrupted;
    }
    return report::kExitFailed;
}

}  // namespace

int conclude(const World& world, report::Writer& writer, report::Summary summary) {
    summary.exit_status = exit_status(summary.verdict);
    summary.interrupted = summary.verdict == report::Verdict::interrupted;
    writer.summary(summary);
    world.out.flush();
    if (world.out) return summary.exit_status;
    world.err << "btrfs-raid56: the report could not be written\n";
    return report::kExitFailed;
}

int conclude(const World& world, Reporting& reporting, report::Summary summary) {
    if (auto written = reporting.page().end(summary); !written) {
        world.err << "btrfs-raid56: " << written.error().message << '\n';
        summary.verdict = report::Verdict::failed;
    }
    return conclude(world, reporting.out(), std::move(summary));
}

}  // namespace raid56::session
