// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/text.h"

#include <iomanip>

#include "base/printable.h"
#include "report/words.h"

namespace raid56::report {
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

void TextWriter::hurt_trees(const HurtFiles& files) {
    if (files.trees.empty()) out_ << "    of no tree that can be read\n";
    for (const auto& tree : files.trees) out_ << "    of " << tree_words(tree) << '\n';
    uint64_t told = 0;
    for (const auto& hurt : files.objects) {
        if (told++ == kListed) out_ << "    ... and more: --format json lists everything\n";
        if (told > kListed) return;
        out_ << "    " << object_words(hurt) << '\n';
    }
}

void TextWriter::damage(const scrub::Damage& event, const HurtFiles* files) {
    open_list("Damage");
    if (list_is_full()) return;
    out_ << "  devid " << event.devid.v << " at " << event.physical.v << ", " << human_bytes(event.length) << ": "
         << role_words(event.role) << ", " << cause_words(event.cause);
    if (event.logical) out_ << ", logical " << event.logical->v;
    if (event.full_stripe)
        out_ << ", chunk " << event.chunk->v << " full stripe " << *event.full_stripe << " row " << *event.row;
    out_ << " - " << remedy_words(event);
    if (event.suspect) out_ << "; " << suspect_words(event);
    out_ << '\n';
    if (files == nullptr) return;
    if (event.role == scrub::Role::tree) return hurt_trees(*files);
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

void TextWriter::summary(const Summary& event) {
    if (has_figures(event)) {
        open_list("Checked");
        for (const auto& figure : checked_figures(event))
            out_ << "  " << std::left << std::setw(23) << figure.words << figure_value(figure) << '\n';
        out_ << "  " << std::left << std::setw(23) << "read" << read_words(event) << '\n';
        open_list("Found");
        for (const auto& figure : found_figures(event))
            if (figure.value != 0)
                out_ << "  " << std::left << std::setw(38) << figure.words << figure_value(figure) << '\n';
        if (damages_ == 0 && event.verdict == Verdict::clean) out_ << "  no damage\n";
        for (const uint64_t devid : event.distrust) out_ << "  " << distrust_sentence(devid) << '\n';
    }
    out_ << '\n' << verdict_sentence(event) << '\n';
    for (const auto& sentence : part_sentences(event)) out_ << sentence << '\n';
    out_ << modified_sentence(event) << '\n';
    if (event.files_incomplete) out_ << kFilesIncomplete << '\n';
    if (!event.next.empty()) open_list("Next");
    for (const auto& step : event.next) out_ << "  " << step << '\n';
}

}  // namespace raid56::report
