// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/page_rows.h"

#include <optional>

#include "report/marks.h"
#include "report/words.h"

namespace raid56::report {
namespace {

struct Head {
    Markup::Literal text;
    bool of_numbers = false;
};

Markup heads(const std::vector<Head>& all) {
    Markup html;
    html << "<tr>";
    for (const auto& head : all)
        html << (head.of_numbers ? Markup::Literal("<th class=\"number\">") : Markup::Literal("<th>")) << head.text
             << "</th>";
    return html << "</tr>";
}

Markup number_cell(std::optional<uint64_t> number) {
    Markup html;
    html << "<td class=\"number\">";
    if (number) html << *number;
    return html << "</td>";
}

Markup state_cell(State state, const std::string& words) {
    Markup html;
    return html << "<td class=\"state " << state_words(state) << "\">" << words << "</td>";
}

Markup file_count_cell(const scrub::Damage& event, const HurtFiles& files) {
    Markup html;
    if (event.role == scrub::Role::tree) return number_cell(files.objects.size());
    if (!files.parts.empty()) return number_cell(files.parts.size());
    return html << "<td>" << std::string(files.incomplete ? "not known" : "none any more") << "</td>";
}

std::optional<uint64_t> value_of(const std::optional<Logical>& address) {
    return address ? std::optional(address->v) : std::nullopt;
}

}  // namespace

Markup finding_heads(bool with_files) {
    std::vector<Head> all = {{"devid", true}, {"at byte", true},   {"length", true}, {"what"},
                             {"why"},         {"logical", true},   {"chunk", true},  {"full stripe", true},
                             {"row", true},   {"what can be done"}};
    if (with_files) all.push_back({"parts of files, or what hangs on it", true});
    return heads(all);
}

Markup finding_row(const scrub::Damage& event, const HurtFiles* files) {
    std::string words = remedy_words(event);
    if (event.suspect) words += "; " + suspect_words(event);
    Markup html;
    html << "<tr>" << number_cell(event.devid.v) << number_cell(event.physical.v) << "<td class=\"number\">"
         << human_bytes(event.length) << "</td><td>" << role_words(event.role) << "</td><td>"
         << cause_words(event.cause) << "</td>" << number_cell(value_of(event.logical))
         << number_cell(value_of(event.chunk)) << number_cell(event.full_stripe)
         << number_cell(event.row ? std::optional<uint64_t>(*event.row) : std::nullopt)
         << state_cell(state_of(event.repairable), words);
    if (files != nullptr) html << file_count_cell(event, *files);
    return html << "</tr>\n";
}

Markup object_heads() { return heads({{"what it loses"}, {"subvolume", true}, {"inode", true}, {"tree block", true}}); }

Markup object_row(const scrub::Damage& event, const HurtObject& hurt) {
    Markup html;
    return html << "<tr><td>" << object_words(hurt) << "</td>" << number_cell(hurt.subvolume) << number_cell(hurt.inode)
                << number_cell(value_of(event.logical)) << "</tr>\n";
}

Markup unknown_row(const scrub::Unknown& event) {
    Markup html;
    html << "<tr>" << number_cell({}) << number_cell({}) << "<td class=\"number\">" << human_bytes(event.length)
         << "</td><td>unknown</td><td>nothing is known here (" << event.cause << ")</td>"
         << number_cell(event.logical.v) << number_cell({}) << number_cell({}) << number_cell({});
    const State state = event.undecided ? State::undecided : State::lost;
    return html << state_cell(state, event.undecided ? "undecided" : "unknown") << "</tr>\n";
}

Markup write_heads() {
    return heads({{"devid", true}, {"at byte", true}, {"length", true}, {"what"}, {"why"}, {"proof"}, {"done"}});
}

Markup write_row(const ActionEvent& event) {
    const auto& what = event.write.what;
    Markup html;
    html << "<tr>" << number_cell(what.devid.v) << number_cell(what.physical.v) << "<td class=\"number\">"
         << human_bytes(what.length) << "</td><td>";
    if (!event.whole_part)
        html << role_words(what.role) << "</td><td>" << cause_words(what.cause) << "</td><td>"
             << proof_words(what.proof);
    else if (what.logical)
        html << "part of the chunk at logical " << what.logical->v << "</td><td></td><td>";
    else
        html << role_words(what.role) << " copy</td><td></td><td>";
    return html << "</td><td>" << std::string(event.done ? "done" : "not done") << "</td></tr>\n";
}

Markup file_heads() { return heads({{"file"}, {"subvolume", true}, {"inode", true}, {"bytes of it"}}); }

Markup file_rows(const FileList& list) {
    Markup html;
    for (const auto& [key, entry] : list.files()) {
        const auto& [path, kind, subvolume, inode] = key;
        FilePart file;
        file.path = path;
        file.kind = kind;
        file.subvolume = subvolume;
        file.inode = inode;
        html << "<tr><td class=\"path\">" << isolated(file_words(file)) << "</td>" << number_cell(subvolume)
             << number_cell(inode) << "<td>";
        for (const auto& place : entry.places) html << place.start << " to " << place.end - 1 << "<br>";
        if (entry.more_places) html << "and more<br>";
        if (entry.compressed) html << "(compressed)";
        html << "</td></tr>\n";
    }
    return html;
}

}  // namespace raid56::report
