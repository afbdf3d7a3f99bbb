// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/next_steps.h"

namespace raid56::session {

std::vector<std::string> steps_after_scrub(const report::Summary& summary, const Circumstances& circumstances) {
    using report::Verdict;
    const Verdict verdict = summary.verdict;
    const auto& counters = summary.counters;
    if (verdict == Verdict::failed || verdict == Verdict::interrupted) return {};
    const bool lost = verdict == Verdict::unrepairable, undecided = verdict == Verdict::undecided;
    const struct {
        bool applies;
        const char* step;
    } all[] = {
        {counters.unreadable_sectors > 0,
         "copy each device that has unreadable sectors with ddrescue before anything else, and scrub the copies with "
         "--map DEVICE=MAPFILE: every sector that it still gets may save others"},
        {counters.free_rows_unreadable > 0, "replace the disk whose free sectors cannot be read before it costs data"},
        {circumstances.missing && lost, "look for the missing device: what it holds may save what is lost without it"},
        {circumstances.missing,
         "where a device is gone for good, btrfs-raid56 rebuild --onto DEVID=TARGET makes it anew on another"},
        {(lost || undecided) && !circumstances.files_named,
         "run this again with --files: it names the files and directories that are hurt"},
        {counters.ambiguous_rows > 0,
         "look at data without checksums that contradict their parity with btrfs-raid56 inspect --logical; repair "
         "--no-checksum trust-parity or trust-data settles them, once you know which is right"},
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
