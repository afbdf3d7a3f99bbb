// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/page.h"

#include <algorithm>

#include "report/page_rows.h"
#include "report/page_style.h"
#include "report/words.h"

namespace raid56::report {
namespace {

// A shape for each verdict, and the look of the states that it is alike.
struct Look {
    Markup::Literal look, sign;
};
Look look_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::clean:
        case Verdict::repaired:
        case Verdict::done: return {"fine", "\u2713"};
        case Verdict::repairable: return {"repairable", "!"};
        case Verdict::undecided: return {"undecided", "?"};
        case Verdict::unrepairable: return {"lost", "\u2715"};
        case Verdict::failed: return {"lost", "\u2715"};
        case Verdict::interrupted: return {"undecided", "\u2026"};
    }
    return {"lost", "?"};
}

Markup heading(const PageContent& content) {
    Markup html;
    html << "btrfs-raid56 " << content.summary.command;
    if (content.volume)
        html << " of " << (content.volume->label.empty() ? content.volume->fsid : content.volume->label);
    return html;
}

Markup head(const PageContent& content) {
    Markup html;
    return html << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                   "'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>"
                << heading(content) << "</title>\n<style>" << kPageStyle << "</style>\n</head>\n";
}

// ---- what it comes to

Markup places_words(uint64_t count, Markup::Literal what) {
    Markup html;
    return html << count << (count == 1 ? Markup::Literal(" place") : Markup::Literal(" places")) << what;
}

Markup verdict(const PageContent& content) {
    const auto& summary = content.summary;
    const Look look = look_of(summary.verdict);
    Markup html;
    html << "<section class=\"verdict " << look.look << "\" id=\"verdict\" data-verdict=\""
         << std::string(verdict_name(summary.verdict)) << "\"><span class=\"sign\" aria-hidden=\"true\">" << look.sign
         << "</span><div><p class=\"sentence\">" << verdict_sentence(summary) << "</p><p>";
    if (content.lost.total() > 0)
        html << "<a href=\"#lost\">" << places_words(content.lost.total(), " lost or undecided") << "</a>. ";
    if (content.repairable.total() > 0)
        html << "<a href=\"#repairable\">" << places_words(content.repairable.total(), " repairable") << "</a>. ";
    for (const auto& sentence : part_sentences(summary)) html << sentence << " ";
    return html << modified_sentence(summary) << "</p></div></section>\n";
}

Markup next(const Summary& summary) {
    Markup html;
    if (summary.next.empty() && summary.distrust.empty() && !summary.files_incomplete) return html;
    html << "<section id=\"next\"><h2>What to do next</h2><ul>\n";
    for (const uint64_t devid : summary.distrust) html << "<li>" << distrust_sentence(devid) << "</li>\n";
    for (const auto& step : summary.next) html << "<li>" << step << "</li>\n";
    if (summary.files_incomplete) html << "<li>" << std::string(kFilesIncomplete) << "</li>\n";
    return html << "</ul></section>\n";
}

Markup figure_rows(const std::vector<Figure>& figures) {
    Markup html;
    for (const auto& figure : figures) {
        html << "<tr";
        if (figure.value == 0) html << " class=\"zero\"";
        html << "><th scope=\"row\">" << std::string(figure.words) << "</th><td class=\"number\" id=\""
             << std::string(figure.field) << "\" data-value=\"" << figure.value << "\">" << figure_value(figure)
             << "</td></tr>\n";
    }
    return html;
}

Markup figures(const Summary& summary) {
    Markup html;
    if (!has_figures(summary)) return html;
    return html << "<section class=\"figures\"><div><h2>Checked</h2><table>\n"
                << figure_rows(checked_figures(summary)) << "<tr><th scope=\"row\">read</th><td class=\"number\">"
                << read_words(summary) << "</td></tr>\n</table></div><div><h2>Found</h2><table>\n"
                << figure_rows(found_figures(summary)) << "</table></div></section>\n";
}

// ---- drawings

std::vector<std::string> byte_scale(uint64_t length) {
    std::vector<std::string> labels;
    for (uint64_t i = 0; i <= 4; i++) labels.push_back(human_bytes(i == 4 ? length : length / 4 * i));
    return labels;
}

std::vector<std::string> scale_of(const ChunkPlace& chunk) {
    if (chunk.profile != format::Profile::raid5 && chunk.profile != format::Profile::raid6)
        return byte_scale(chunk.part_length);
    std::vector<std::string> labels;
    const uint64_t stripes = chunk.part_length / kStripLen;
    for (uint64_t i = 0; i <= 4; i++)
        labels.push_back((i == 0 ? "full stripe " : "") + std::to_string(stripes * i / 4));
    return labels;
}

std::vector<State> lanes_of(const PerState& bytes) {
    std::vector<State> lanes;
    std::ranges::copy_if(kStates, std::back_inserter(lanes), [&](State state) { return bytes[state] != 0; });
    return lanes;
}

Markup legend() {
    Markup html;
    html << "<p class=\"legend\">Chunks: ";
    html << "<span><i class=\"chunk data\"></i>data</span> <span><i class=\"chunk metadata\"></i>metadata</span> "
            "<span><i class=\"chunk system\"></i>system</span> <span><i class=\"chunk mixed\"></i>several</span> "
            "Damage: <span><i class=\"mark lost\"></i><i class=\"mark undecided\"></i><i class=\"mark repairable\"></i>"
            "of data, tree blocks or superblocks</span> <span><i class=\"mark lost aside\"></i><i class=\"mark "
            "undecided "
            "aside\"></i><i class=\"mark repairable aside\"></i>low: of P, Q or free sectors alone</span></p>\n";
    return html;
}

Markup damage_words(const PageContent::Device& device) {
    Markup html;
    if (device.findings == 0) return html << "no damage";
    html << places_words(device.findings, "");
    for (const State state : lanes_of(device.marks.bytes()))
        html << ", " << human_bytes(device.marks.bytes()[state]) << " " << state_words(state);
    return html;
}

Markup device_words(const DeviceEvent& event) {
    Markup html;
    html << human_bytes(event.total_bytes) << ", generation " << event.generation;
    if (event.seed) html << ", seed";
    if (event.behind != 0)
        html << ", " << event.behind
             << (event.behind == 1 ? Markup::Literal(" generation behind") : Markup::Literal(" generations behind"));
    if (event.short_by != 0) html << ", " << human_bytes(event.short_by) << " short";
    return html;
}

Markup device(const PageContent::Device& device, const DamagedChunks& chunks) {
    const auto& event = device.event;
    Markup html;
    html << "<article class=\"device\" data-devid=\"" << event.devid << "\" data-findings=\"" << device.findings
         << "\"";
    for (const State state : kStates)
        html << " data-" << state_words(state) << "=\"" << device.marks.bytes()[state] << "\"";
    html << "><h3>devid " << event.devid << " <span class=\"badge " << event.state << "\">" << event.state
         << "</span> ";
    if (event.path.empty())
        html << "(not given)";
    else
        html << isolated(event.path);
    html << "</h3><p>" << device_words(event);
    if (device.drawn) html << "; " << damage_words(device);
    html << "</p>\n";
    if (device.drawn)
        html << draw({device.marks.place(), "chunks", device.bands, lanes_of(device.marks.bytes()), device.marks,
                      [&](uint64_t chunk) { return chunks.shows(chunk); }, byte_scale(device.marks.place().length())});
    return html << "</article>\n";
}

Markup devices(const PageContent& content) {
    Markup html;
    if (content.devices.empty()) return html;
    html << "<section id=\"devices\"><h2>Devices</h2>\n" << legend();
    if (content.summary.command == "repair" && content.summary.sectors_written > 0)
        html << "<p>What is drawn and listed is what was found before the writes.</p>\n";
    if (!content.chunks.shown().empty()) html << "<p>A chunk that is outlined is shown alone below: click on it.</p>\n";
    for (const auto& one : content.devices) html << device(one, content.chunks);
    if (content.devices_left_out > 0)
        html << "<p>... and " << content.devices_left_out << " more: --format json lists all of them.</p>\n";
    return html << "</section>\n";
}

PerState bytes_of(const DamagedChunks::Entry& entry) {
    PerState all;
    for (const auto& part : entry.parts)
        for (const State state : kStates) all[state] += part.bytes()[state];
    return all;
}

Markup damaged_chunk(const DamagedChunks::Entry& entry) {
    const auto& chunk = *entry.place;
    const auto lanes = lanes_of(bytes_of(entry));
    Markup html;
    html << "<article class=\"alone\" id=\"" << place_of_chunk(chunk.logical) << "\" data-findings=\"" << entry.findings
         << "\"><h3>Chunk " << chunk.logical << ": " << format::kind_name(chunk.kind) << " "
         << std::string(format::profile_name(chunk.profile)) << ", " << human_bytes(chunk.length) << "</h3><p>"
         << places_words(entry.findings, "") << "</p>\n";
    for (size_t i = 0; i < entry.parts.size(); i++) {
        const Range place = entry.parts[i].place();
        const bool last = i + 1 == entry.parts.size();
        html << draw({place,
                      "devid " + std::to_string(chunk.parts[i].devid),
                      {{place, chunk.logical, chunk.kind, chunk.profile}},
                      lanes,
                      entry.parts[i],
                      {},
                      last ? scale_of(chunk) : std::vector<std::string>()});
    }
    return html << "</article>\n";
}

Markup damaged_chunks(const DamagedChunks& chunks) {
    Markup html;
    if (chunks.shown().empty() && chunks.left_out() == 0) return html;
    html << "<section id=\"chunks\"><h2>Damaged chunks</h2>\n<p>A strip is the part of the chunk on one device. What "
            "stands one below the other is of the same full stripes.</p>\n";
    for (const auto& [logical, entry] : chunks.shown()) html << damaged_chunk(entry);
    if (chunks.left_out() > 0) html << "<p>" << chunks.left_out() << " more damaged chunks are not shown alone.</p>\n";
    return html << "</section>\n";
}

// ---- lists

Markup list(Markup::Literal id, Markup::Literal title, const Markup& heads, const Listed& listed) {
    Markup html;
    if (listed.total() == 0) return html;
    html << "<section id=\"" << id << "\" data-total=\"" << listed.total() << "\"><h2>" << title << " ("
         << listed.total() << ")</h2><div class=\"wide\"><table class=\"list\"><thead>" << heads << "</thead><tbody>\n"
         << listed.rows() << "</tbody></table></div>\n";
    if (listed.total() > listed.listed())
        html << "<p>... and " << listed.total() - listed.listed() << " more: --format json lists everything.</p>\n";
    return html << "</section>\n";
}

Markup file_list(Markup::Literal id, Markup::Literal title, const FileList& list) {
    Markup html;
    if (list.files().empty() && list.left_out() == 0) return html;
    html << "<section id=\"" << id << "\" data-total=\"" << list.files().size() << "\"><h2>" << title
         << "</h2><div class=\"wide\"><table class=\"list\"><thead>" << file_heads() << "</thead><tbody>\n"
         << file_rows(list) << "</tbody></table></div>\n";
    if (list.left_out() > 0)
        html << "<p>... and " << list.left_out() << " parts of more files: --format json lists everything.</p>\n";
    return html << "</section>\n";
}

Markup facts(const VolumeEvent& volume) {
    Markup html;
    html << "<section id=\"volume\"><h2>File system</h2><table>\n<tr><th scope=\"row\">label</th><td id=\"label\">"
         << isolated(volume.label) << "</td></tr>\n<tr><th scope=\"row\">fsid</th><td id=\"fsid\">" << volume.fsid
         << "</td></tr>\n<tr><th scope=\"row\">generation</th><td>" << volume.generation
         << "</td></tr>\n<tr><th scope=\"row\">checksum</th><td>" << volume.checksum
         << "</td></tr>\n<tr><th scope=\"row\">sectors</th><td>" << volume.sectorsize
         << " bytes</td></tr>\n<tr><th scope=\"row\">nodes</th><td>" << volume.nodesize
         << " bytes</td></tr>\n<tr><th scope=\"row\">features</th><td>";
    for (const auto& feature : volume.features) html << feature << " ";
    html << "</td></tr>\n";
    for (const auto& sum : volume.chunks)
        html << "<tr><th scope=\"row\">" << sum.kind << " " << sum.profile << "</th><td>" << sum.count
             << (sum.count == 1 ? Markup::Literal(" chunk") : Markup::Literal(" chunks")) << " on "
             << uint64_t{sum.devices}
             << (sum.devices == 1 ? Markup::Literal(" device, ") : Markup::Literal(" devices, "))
             << human_bytes(sum.length) << "</td></tr>\n";
    return html << "</table></section>\n";
}

}  // namespace

std::string page(const PageContent& content) {
    const bool with_files = content.with_files;
    Markup html;
    html << head(content) << "<body><main>\n<h1>" << heading(content) << "</h1>\n"
         << verdict(content) << next(content.summary) << figures(content.summary) << devices(content)
         << damaged_chunks(content.chunks)
         << file_list("files-lost", "Files of which something is lost or undecided", content.lost_files)
         << file_list("files-repairable", "Files of which something is damaged and can be put right",
                      content.repairable_files)
         << list("objects", "Files and directories that lose something with tree blocks", object_heads(),
                 content.objects)
         << list("lost", "Lost or undecided", finding_heads(with_files), content.lost)
         << list("repairable", "Repairable", finding_heads(with_files), content.repairable)
         << list("writes", "Writes", write_heads(), content.writes);
    if (content.volume) html << facts(*content.volume);
    html << "</main></body>\n</html>\n";
    return html.html();
}

}  // namespace raid56::report
