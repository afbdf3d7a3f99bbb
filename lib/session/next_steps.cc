// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/next_steps.h"

namespace raid56::session {

std::vector<std::string> steps_after_scrub(const report::Summary& summary, const Circumstances& circumstances) {
    using report::Verdict;
    const Verdict verdict = summary.verdict;
    const auto& counters = summary.counters;
    if (verdict == Verdict::failed || verdict == Verdict::interrupted) return {};
    const bool mapped = !summary.maps.empty();  // copies of ddrescue already
    const bool lost = verdict == Verdict::unrepairable;
    const struct {
        bool applies;
        const char* step;
    } all[] = {
        {circumstances.cut_short, "a device or image is shorter than it was: copy it again, whole, if that can be had"},
        {counters.unreadable_sectors > 0 && !circumstances.cut_short && !mapped,
         "copy each device that has unreadable sectors with ddrescue before anything else, and scrub the copies with "
         "--map DEVICE=MAPFILE: every sector that it still gets may save others"},
        {counters.free_rows_unreadable > 0 && !circumstances.cut_short && !mapped,
         "replace the disk whose free sectors cannot be read before it costs data"},
        {circumstances.missing && lost, "look for the missing device: what it holds may save what is lost without it"},
        {circumstances.missing && !lost,
         "where a device is gone for good, btrfs-raid56 rebuild --onto DEVID=TARGET makes it anew on another"},
        {lost && !summary.files_named,
         "run this again with --files: it names the files and directories that lose something"},
        {counters.ambiguous_rows > 0,
         "some data without checksums contradict their parity or their copy: btrfs-raid56(8) says under --no-checksum "
         "what can be done, and what that costs"},
        {counters.repairable_sectors > 0,
         "btrfs-raid56 repair, with the same devices, lists the writes that put right what can be; with --write "
         "--journal FILE it makes them, and btrfs-raid56 undo takes them back"},
        {lost, "get what is lost from a backup"},
    };
    std::vector<std::string> steps;
    for (const auto& [applies, step] : all)
        if (applies) steps.push_back(step);
    return steps;
}

}  // namespace raid56::session
