// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/text.h"

#include <cstdio>
#include <iomanip>

#include "base/printable.h"

namespace raid56::report {
namespace {

const char* role_words(scrub::Role role) {
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

const char* cause_words(scrub::Cause cause) {
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

const char* proof_words(scrub::Proof proof) {
    switch (proof) {
        case scrub::Proof::none: return "nothing proves the result";
        case scrub::Proof::checksum: return "proven by checksum";
        case scrub::Proof::tree: return "proven by the tree";
        case scrub::Proof::parity: return "proven by parity";
    }
    return "?";
}

std::string further_words(std::optional<unsigned> losses) {
    if (!losses) return "";
    if (*losses == 0) return "; bears no further loss";
    return "; bears " + std::to_string(*losses) + (*losses == 1 ? " more loss" : " more losses");
}

std::string remedy_words(const scrub::Damage& event) {
    // A whole chunk's part of a device: each of its sectors has a proof, or none, of its own.
    const bool part_of_chunk = !event.full_stripe && event.proof == scrub::Proof::none &&
                               (event.cause == scrub::Cause::missing || event.cause == scrub::Cause::stale ||
                                event.cause == scrub::Cause::distrusted);
    switch (event.repairable) {
        case scrub::Repairable::yes:
            if (part_of_chunk) return "can be made anew from the other devices" + further_words(event.further_losses);
            return std::string("repairable, ") + proof_words(event.proof);
        case scrub::Repairable::no: return "LOST";
        case scrub::Repairable::undecided: return "undecided";
    }
    return "?";
}

std::string verdict_sentence(const Summary& s) {
    switch (s.verdict) {
        case Verdict::clean:
            return "CLEAN: everything allocated is proven or known to carry no checksum, and every parity fits.";
        case Verdict::repairable:
            return s.command == "rebuild" ? "REBUILT; other devices are damaged, and all of that can be put right."
                                          : "REPAIRABLE: there is damage, and all of it can be put right.";
        case Verdict::repaired:
            return "REPAIRED: all damage was put right; what was written was read back, and its rows checked again.";
        case Verdict::unrepairable:
            return "UNREPAIRABLE: something is lost; what is marked LOST above, or unknown, cannot be had back from "
                   "these devices.";
        case Verdict::undecided:
            return "UNDECIDED: nothing is known to be lost, but something cannot be decided from these devices.";
        case Verdict::done: return s.command == "rebuild" ? "REBUILT: all of it could be made anew." : "Done.";
        case Verdict::failed: return "FAILED: the work could not be done.";
        case Verdict::interrupted: return "INTERRUPTED: this report covers only what was checked before.";
    }
    return "?";
}

}  // namespace

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

void TextWriter::open_list(const char* title) {
    if (list_ == title) return;
    list_ = title;
    out_ << '\n' << title << '\n';
}

void TextWriter::volume(const VolumeEvent& event) {
    sectorsize_ = event.sectorsize;
    out_ << "File system " << event.fsid;
    if (!event.label.empty()) out_ << " (" << printable(event.label) << ')';
    out_ << "\n  generation " << event.generation << ", checksum " << event.checksum << ", sectors of "
         << event.sectorsize << ", nodes of " << event.nodesize << " bytes\n  features:";
    for (const auto& feature : event.features) out_ << ' ' << feature;
    out_ << '\n';
    open_list("Chunks");
    for (const auto& sum : event.chunks)
        out_ << "  " << sum.kind << ' ' << sum.profile << " on " << sum.devices
             << (sum.devices == 1 ? " device: " : " devices: ") << sum.count
             << (sum.count == 1 ? " chunk, " : " chunks, ") << human_bytes(sum.length) << '\n';
}

void TextWriter::device(const DeviceEvent& event) {
    open_list("Devices");
    out_ << "  devid " << event.devid << "  " << std::left << std::setw(10) << event.state << ' '
         << (event.path.empty() ? "(not given)" : printable(event.path)) << "  " << human_bytes(event.total_bytes)
         << ", generation " << event.generation << (event.seed ? ", seed" : "");
    if (event.behind != 0)
        out_ << ", " << event.behind << (event.behind == 1 ? " generation behind" : " generations behind");
    if (event.short_by != 0) out_ << ", " << human_bytes(event.short_by) << " short";
    out_ << '\n';
}

bool TextWriter::list_is_full() {
    damages_++;
    if (damages_ == kListed + 1) out_ << "  ... and more: --format json lists everything\n";
    return damages_ > kListed;
}

namespace {

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

}  // namespace

void TextWriter::damage(const scrub::Damage& event, const HurtFiles* files) {
    open_list("Damage");
    if (list_is_full()) return;
    out_ << "  devid " << event.devid.v << " at " << event.physical.v << ", " << human_bytes(event.length) << ": "
         << role_words(event.role) << ", " << cause_words(event.cause);
    if (event.logical) out_ << ", logical " << event.logical->v;
    if (event.full_stripe)
        out_ << ", chunk " << event.chunk->v << " full stripe " << *event.full_stripe << " row " << *event.row;
    out_ << " - " << remedy_words(event);
    if (event.suspect) out_ << "; devid " << event.suspect->v << " is suspect in " << event.differing_bytes << " bytes";
    out_ << '\n';
    if (files == nullptr) return;
    if (files->parts.empty())
        out_ << (files->incomplete ? "    it is not known which files have data there\n"
                                   : "    no file has data there any more\n");
    for (const auto& part : files->parts)
        out_ << "    " << file_words(part) << ", bytes " << part.offset << " to " << part.offset + part.length - 1
             << (part.compressed ? " (compressed)" : "") << '\n';
}

void TextWriter::unknown(const scrub::Unknown& event) {
    open_list("Damage");
    if (list_is_full()) return;
    out_ << "  logical " << event.logical.v << ", " << human_bytes(event.length) << ": nothing is known here ("
         << event.cause << ")\n";
}

void TextWriter::action(const ActionEvent& event) {
    open_list("Writes");
    actions_++;
    if (actions_ == kListed + 1) out_ << "  ... and more: --format json lists everything\n";
    if (actions_ > kListed) return;
    const auto& what = event.write.what;
    out_ << "  devid " << what.devid.v << " at " << what.physical.v << ", " << human_bytes(what.length) << ": ";
    if (event.whole_part) {
        if (what.logical)
            out_ << "part of the chunk at logical " << what.logical->v << '\n';
        else
            out_ << role_words(what.role) << " copy\n";
        return;
    }
    out_ << role_words(what.role) << ", " << cause_words(what.cause) << ", " << proof_words(what.proof)
         << (event.done ? " - done" : " - not done") << '\n';
}

void TextWriter::say_modified(const Summary& event) {
    if (event.begun)
        out_ << "The target is begun, and not complete.\n";
    else if (event.sectors_written == 0)
        out_ << "Nothing was modified.\n";
    else
        out_ << event.sectors_written
             << (event.command == "undo" ? " sectors were put back.\n" : " sectors were written.\n");
}

void TextWriter::summary(const Summary& event) {
    const auto& c = event.counters;
    if (event.command == "scrub" || event.command == "repair" || event.command == "rebuild") {
        open_list("Checked");
        out_ << "  data proven            " << human_bytes(c.data_bytes_verified) << '\n'
             << "  data without checksum  " << human_bytes(c.no_checksum_bytes) << '\n'
             << "  tree blocks proven     " << human_bytes(c.tree_bytes_verified) << '\n'
             << "  raid5/6 rows           " << c.rows_checked << '\n'
             << "  read                   " << human_bytes(c.bytes_read) << " in " << std::fixed << std::setprecision(2)
             << event.seconds << " s (" << event.engine;
        if (c.engine_fallbacks > 0)
            out_ << "; " << c.engine_fallbacks << (c.engine_fallbacks == 1 ? " job" : " jobs") << " done in software";
        out_ << ")\n";
        open_list("Found");
        const auto count = [&](const char* what, uint64_t n) {
            if (n != 0) out_ << "  " << std::left << std::setw(38) << what << n << '\n';
        };
        count("corrupt data sectors", c.corrupt_data_sectors);
        count("corrupt tree blocks", c.corrupt_tree_blocks);
        count("P that does not fit", c.p_mismatches);
        count("Q that does not fit", c.q_mismatches);
        count("unreadable sectors", c.unreadable_sectors);
        count("bad superblock copies", c.super_errors);
        count("rows that cannot be decided", c.ambiguous_rows);
        count("sectors that a repair would write", c.repairable_sectors);
        count("of them or of missing ones unproven", c.unproven_sectors);
        count("sectors that are lost", c.unrepairable_sectors);
        if (damages_ == 0 && event.verdict == Verdict::clean) out_ << "  no damage\n";
        for (const uint64_t devid : event.distrust)
            out_ << "  Bad sectors gather on devid " << devid << ": consider --distrust " << devid << ".\n";
    }
    out_ << '\n' << verdict_sentence(event) << '\n';
    say_modified(event);
    if (event.files_incomplete)
        out_ << "Parts of the trees cannot be had: files may be hurt that are not named above.\n";
    if (!event.next.empty()) open_list("Next");
    for (const auto& step : event.next) out_ << "  " << step << '\n';
}

}  // namespace raid56::report
