// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/words.h"

#include <cstdio>

#include "base/printable.h"
#include "format/key.h"

namespace raid56::report {

std::string human_bytes(uint64_t bytes) {
    static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < std::size(kUnits)) {
        value /= 1024;
        unit++;
    }
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.2f %s", value, kUnits[unit]);
    return text;
}

std::string role_words(scrub::Role role) {
    switch (role) {
        case scrub::Role::data: return "data";
        case scrub::Role::tree: return "tree block";
        case scrub::Role::p: return "P";
        case scrub::Role::q: return "Q";
        case scrub::Role::free: return "free";
        case scrub::Role::super: return "superblock";
    }
    return "?";
}

std::string cause_words(scrub::Cause cause) {
    switch (cause) {
        case scrub::Cause::checksum: return "checksum does not hold";
        case scrub::Cause::header: return "belongs elsewhere or is out of date";
        case scrub::Cause::unreadable: return "unreadable";
        case scrub::Cause::parity: return "parity does not fit its row";
        case scrub::Cause::mirror: return "copies differ";
        case scrub::Cause::csum_missing: return "checksum is missing";
        case scrub::Cause::missing: return "device is missing";
        case scrub::Cause::stale: return "out of date";
        case scrub::Cause::distrusted: return "device is distrusted";
        case scrub::Cause::excluded: return "allocated under a superblock copy";
    }
    return "?";
}

std::string proof_words(scrub::Proof proof) {
    switch (proof) {
        case scrub::Proof::none: return "nothing proves the result";
        case scrub::Proof::checksum: return "proven by checksum";
        case scrub::Proof::tree: return "proven by the tree";
        case scrub::Proof::parity: return "proven by parity";
    }
    return "?";
}

namespace {

std::string further_words(std::optional<unsigned> losses) {
    if (!losses) return "";
    if (*losses == 0) return "; bears no further loss";
    return "; bears " + std::to_string(*losses) + (*losses == 1 ? " more loss" : " more losses");
}

}  // namespace

std::string remedy_words(const scrub::Damage& event) {
    // A whole chunk's part of a device: each of its sectors has a proof, or none, of its own.
    const bool part_of_chunk = !event.full_stripe && event.proof == scrub::Proof::none &&
                               (event.cause == scrub::Cause::missing || event.cause == scrub::Cause::stale ||
                                event.cause == scrub::Cause::distrusted);
    switch (event.repairable) {
        case scrub::Repairable::yes:
            if (part_of_chunk) return "can be made anew from the other devices" + further_words(event.further_losses);
            return "repairable, " + proof_words(event.proof);
        case scrub::Repairable::no: return "LOST";
        case scrub::Repairable::undecided: return "undecided";
    }
    return "?";
}

std::string suspect_words(const scrub::Damage& event) {
    if (!event.suspect) return "";
    return "devid " + std::to_string(event.suspect->v) + " is suspect in " + std::to_string(event.differing_bytes) +
           " bytes";
}

std::string file_words(const FilePart& part) {
    const std::string inode = "inode " + std::to_string(part.inode) + " of subvolume " + std::to_string(part.subvolume);
    switch (part.kind) {
        case FileKind::file: return printable(part.path);
        case FileKind::deleted: return "a deleted file (" + inode + ")";
        case FileKind::unnamed: return "a file whose name cannot be had (" + inode + ")";
        case FileKind::space_cache: return "the free-space cache (the kernel makes it anew)";
        case FileKind::relocation: return "a copy that a balance was making";
    }
    return "?";
}

std::string figure_value(const Figure& figure) {
    return figure.bytes ? human_bytes(figure.value) : std::to_string(figure.value);
}

bool has_figures(const Summary& event) {
    return event.command == "scrub" || event.command == "repair" || event.command == "rebuild";
}

std::vector<Figure> checked_figures(const Summary& event) {
    const auto& c = event.counters;
    std::vector<Figure> figures = {{"data_bytes_verified", "data proven", c.data_bytes_verified, true},
                                   {"no_checksum_bytes", "data without checksum", c.no_checksum_bytes, true},
                                   {"tree_bytes_verified", "tree blocks proven", c.tree_bytes_verified, true},
                                   {"rows_checked", "raid5/6 rows", c.rows_checked}};
    if (event.free) figures.push_back({"free_rows_checked", "free raid5/6 rows", c.free_rows_checked});
    return figures;
}

std::vector<Figure> found_figures(const Summary& event) {
    const auto& c = event.counters;
    std::vector<Figure> figures = {{"corrupt_data_sectors", "corrupt data sectors", c.corrupt_data_sectors},
                                   {"corrupt_tree_blocks", "corrupt tree blocks", c.corrupt_tree_blocks},
                                   {"p_mismatches", "P that does not fit", c.p_mismatches},
                                   {"q_mismatches", "Q that does not fit", c.q_mismatches},
                                   {"unreadable_sectors", "unreadable sectors", c.unreadable_sectors},
                                   {"super_errors", "bad superblock copies", c.super_errors},
                                   {"ambiguous_rows", "rows that cannot be decided", c.ambiguous_rows},
                                   {"repairable_sectors", "sectors that a repair would write", c.repairable_sectors},
                                   {"unproven_sectors", "of them or of missing ones unproven", c.unproven_sectors},
                                   {"unrepairable_sectors", "sectors that are lost", c.unrepairable_sectors}};
    if (event.free) {
        figures.push_back({"free_rows_differing", "free rows whose parity does not fit", c.free_rows_differing});
        figures.push_back({"free_rows_unreadable", "free rows that cannot be read", c.free_rows_unreadable});
    }
    return figures;
}

std::string read_words(const Summary& event) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.2f", event.seconds);
    std::string words = human_bytes(event.counters.bytes_read) + " in " + seconds + " s (" + event.engine;
    if (const uint64_t jobs = event.counters.engine_fallbacks; jobs > 0)
        words += "; " + std::to_string(jobs) + (jobs == 1 ? " job" : " jobs") + " done in software";
    return words + ")";
}

std::string verdict_sentence(const Summary& event) {
    switch (event.verdict) {
        case Verdict::clean:
            if (event.shard || !event.part.empty())
                return "CLEAN, as far as it was looked at: everything allocated there is proven or known to carry no "
                       "checksum, and every parity fits.";
            return "CLEAN: everything allocated is proven or known to carry no checksum, and every parity fits.";
        case Verdict::repairable:
            return event.command == "rebuild" ? "REBUILT; other devices are damaged, and all of that can be put right."
                                              : "REPAIRABLE: there is damage, and all of it can be put right.";
        case Verdict::repaired:
            return "REPAIRED: all damage was put right; what was written was read back, and its rows checked again.";
        case Verdict::unrepairable:
            return "UNREPAIRABLE: something is lost; what is marked LOST or unknown cannot be had back from these "
                   "devices.";
        case Verdict::undecided:
            return "UNDECIDED: nothing is known to be lost, but something cannot be decided from these devices.";
        case Verdict::done: return event.command == "rebuild" ? "REBUILT: all of it could be made anew." : "Done.";
        case Verdict::failed: return "FAILED: the work could not be done.";
        case Verdict::interrupted: return "INTERRUPTED: this report covers only what was checked before.";
    }
    return "?";
}

std::string modified_sentence(const Summary& event) {
    if (event.begun) return "The target is begun, and not complete.";
    if (event.sectors_written == 0) return "Nothing was modified.";
    return std::to_string(event.sectors_written) +
           (event.command == "undo" ? " sectors were put back." : " sectors were written.");
}

std::string distrust_sentence(uint64_t devid) {
    const std::string id = std::to_string(devid);
    return "Bad sectors gather on devid " + id + ": consider --distrust " + id + ".";
}

namespace {

std::string name_words(const HurtTree& tree) {
    const std::string id = std::to_string(tree.tree);
    switch (tree.kind) {
        case TreeKind::root_tree: return "the tree of roots";
        case TreeKind::extent_tree: return "the extent tree";
        case TreeKind::chunk_tree: return "the chunk tree";
        case TreeKind::device_tree: return "the device tree";
        case TreeKind::subvolume:
            return "subvolume " + id + (tree.path.empty() ? "" : " \"" + printable(tree.path) + "\"");
        case TreeKind::checksum_tree: return "the checksum tree";
        case TreeKind::quota_tree: return "the quota tree";
        case TreeKind::uuid_tree: return "the uuid tree";
        case TreeKind::free_space_tree: return "the free-space tree";
        case TreeKind::block_group_tree: return "the block-group tree";
        case TreeKind::data_relocation_tree: return "the data relocation tree";
        case TreeKind::relocation_tree: return "a relocation tree";
        case TreeKind::log_tree: return format::is_subvolume(tree.tree) ? "the log of subvolume " + id : "the log";
        case TreeKind::other: return "tree " + id;
    }
    return "?";
}

std::string range_words(const HurtTree& tree) {
    std::string words = ", level " + std::to_string(tree.level);
    if (tree.first_inode) words += ", inodes from " + std::to_string(*tree.first_inode);
    if (tree.last_inode) words += " to " + std::to_string(*tree.last_inode);
    return words;
}

std::string loss_words(const HurtObject& hurt) {
    switch (hurt.loses) {
        case Loss::all: return hurt.directory ? ": lost, and what is below it" : ": lost";
        case Loss::entries: return ": loses names, and what is below these";
        case Loss::data:
            return hurt.length ? ", bytes " + std::to_string(*hurt.offset) + " to " +
                                     std::to_string(*hurt.offset + *hurt.length - 1) + ": lost"
                               : ", from byte " + std::to_string(*hurt.offset) + " on: lost";
        case Loss::attributes: return ": loses extended attributes, perhaps";
        case Loss::name: return ": is not found by this name";
        case Loss::listing: return ": is not listed in its directory";
    }
    return "?";
}

}  // namespace

std::string tree_words(const HurtTree& tree) { return name_words(tree) + range_words(tree); }

std::string object_words(const HurtObject& hurt) {
    const std::string what = hurt.directory ? "a directory" : "a file";
    const std::string name = hurt.path.empty()
                                 ? what + " whose path cannot be had (inode " + std::to_string(hurt.inode) +
                                       " of subvolume " + std::to_string(hurt.subvolume) + ")"
                                 : printable(hurt.path);
    return name + loss_words(hurt);
}

std::vector<std::string> part_sentences(const Summary& event) {
    std::vector<std::string> sentences;
    if (event.shard)
        sentences.push_back("Shard " + std::to_string(event.shard->number) + " of " + std::to_string(event.shard->of) +
                            " of the file system was looked at; btrfs-raid56 merge folds the reports of all of them "
                            "into one.");
    if (event.free && event.counters.free_rows_differing + event.counters.free_rows_unreadable > 0)
        sentences.push_back(
            "Free rows hold nothing that could be lost, and on disks that were not blank their parity "
            "never fits; --format json lists those that differ or cannot be read.");
    if (!event.part.empty()) sentences.push_back("Only a part of the file system was looked at: " + event.part + ".");
    return sentences;
}

}  // namespace raid56::report
