// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/scrub_volume.h"

#include <algorithm>

#include "scrub/scrub.h"
#include "scrub/super_check.h"
#include "session/decide_states.h"

namespace raid56::session {
namespace {

scrub::Counters scrub_allocated(const ScrubParts& parts, const scrub::Survey& survey, scrub::Sink& sink,
                                const scrub::StripeSet* only, bool want_fixes) {
    auto& open = parts.open;
    const auto silent = tree::explain_silence(*open.reader, open.roots, open.log, survey.without_checksum);
    const auto extra = extra_extents(open);
    auto extents = extents_of(open, extra);
    tree::CsumStream csums(*open.reader, open.roots.find(format::objectid::kCsumTree), open.log);
    scrub::WindowBuilder windows(*open.volume, extents, csums, silent);
    windows.know(open.reader->hurt());
    if (only != nullptr) windows.keep_to(*only);
    if (parts.part != nullptr) windows.select(*parts.part);
    // A log tree that cannot be had may use any free sector.
    const bool free_rows = parts.options.part.free && only == nullptr && !open.log.incomplete;
    if (free_rows) windows.take_free_rows();
    const scrub::Context context{*open.volume,        parts.engine, *open.reader,
                                 parts.world.stop,    want_fixes,   parts.options.no_checksum,
                                 open.log.incomplete, {},           free_rows};
    scrub::Options how{parts.options.threads, only == nullptr, {}, {}};
    if (parts.checkpoint != nullptr && parts.checkpoint->last()) {
        how.so_far = parts.checkpoint->last()->counters;
        how.from = parts.checkpoint->last()->position;
    }
    return scrub::scrub_chunks(context, windows, sink, how, windows.bytes_of_all(survey.allocated));
}

// Of the devices that are looked at.
std::vector<std::vector<volume::SuperCopy>> wanted_scans(const ScrubParts& parts) {
    auto scans = parts.open.scans;
    for (size_t i = 0; i < scans.size(); i++)
        if (parts.part != nullptr && !parts.part->wants_supers_of(parts.open.volume->members()[i].devid))
            scans[i].clear();
    return scans;
}

}  // namespace

void tell_members(const OpenVolume& open, report::Writer& writer, report::ProgressLine& progress) {
    progress.clear();
    writer.volume(report::volume_event(*open.volume));
    std::vector<volume::Member> members = open.volume->members();
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.devid < b.devid; });
    for (const auto& member : members) writer.device(report::device_event(*open.volume, member));
}

scrub::Counters scrub_volume(const ScrubParts& parts, report::Writer& writer, Tally& tally,
                             report::ProgressLine& progress, const std::function<void()>& begin,
                             std::vector<scrub::Damage>* supers) {
    auto& open = parts.open;
    const auto survey = survey_and_decide(open, parts.world, parts.part);
    if (parts.world.stop) return {};

    scrub::Counters counters;
    tell_members(open, writer, progress);
    for (const auto& member : open.volume->members())
        if (member.device == nullptr) tally.note_missing();
    if (begin) begin();
    std::vector<scrub::Damage> bad_copies;
    scrub::check_supers(*open.volume, wanted_scans(parts), bad_copies, counters);
    for (const auto& damage : bad_copies) tally.damage(damage);
    if (supers != nullptr) *supers = std::move(bad_copies);
    for (const auto& unknown : open.unknown) tally.unknown(unknown);
    scrub::Sink* sink = &tally;
    if (parts.checkpoint != nullptr) {
        if (auto told = parts.checkpoint->begin(tally); !told) throw CheckpointFailed(told.error().message);
        sink = parts.checkpoint;
    }
    counters.add(scrub_allocated(parts, survey, *sink, nullptr, static_cast<bool>(begin)));
    return counters;
}

scrub::Counters scrub_again(const ScrubParts& parts, const scrub::StripeSet& stripes, scrub::Sink& sink) {
    parts.open.reader->forget();
    return scrub_allocated(parts, survey_and_decide(parts.open, parts.world), sink, &stripes, false);
}

}  // namespace raid56::session
