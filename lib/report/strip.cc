// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/strip.h"

#include "report/words.h"

namespace raid56::report {
namespace {

// Units of the drawing: as wide as the page is at most, so that a piece of marks is two pixels.
constexpr uint64_t kWidth = 2 * Marks::kPieces;
constexpr uint64_t kLane = 16;  // height, as the style sheet has it
constexpr uint64_t kNarrowest = 2;

struct Span {
    uint64_t x = 0, width = 0;
};

// At least so wide that it can be seen, and within the strip.
Span span_of(Range all, Range place) {
    const auto x_of = [&](uint64_t at) {
        const double share = static_cast<double>(at - all.start) / static_cast<double>(all.length());
        return static_cast<uint64_t>(share * kWidth + 0.5);
    };
    const Range seen = intersect(all, place);
    if (seen.empty()) return {};
    const uint64_t x = std::min(x_of(seen.start), kWidth - kNarrowest);
    return {x, std::max(x_of(seen.end), x + kNarrowest) - x};
}

Markup rectangle(Span span, uint64_t y, uint64_t height) {
    Markup html;
    html << "x=\"" << span.x << "\" y=\"" << y << "\" width=\"" << span.width << "\" height=\"" << height << "\"";
    return html;
}

// From one byte to another of a device.
Markup place_words(Range place) {
    Markup html;
    html << human_bytes(place.start) << " to " << human_bytes(place.end) << " (" << place.start << " to "
         << place.end - 1 << ")";
    return html;
}

// Parts of chunks that are drawn as one.
struct Run {
    Span span;
    Range place;
    uint64_t chunks = 0, chunk = 0, kind = 0;
    format::Profile profile = format::Profile::single;
};

std::vector<Run> runs_of(const Strip& strip) {
    std::vector<Run> runs;
    for (const auto& band : strip.bands) {
        const Span span = span_of(strip.place, band.place);
        if (span.width == 0) continue;
        Run* last = runs.empty() ? nullptr : &runs.back();
        if (last == nullptr || span.x >= last->span.x + last->span.width) {
            runs.push_back({span, band.place, 1, band.chunk, band.kind, band.profile});
            continue;
        }
        last->span.width = std::max(last->span.x + last->span.width, span.x + span.width) - last->span.x;
        last->place.end = std::max(last->place.end, band.place.end);
        last->kind |= band.kind;
        last->chunks++;
    }
    return runs;
}

Markup draw_run(const Run& run, const Strip& strip) {
    const bool alone = run.chunks == 1 && strip.shown_alone && strip.shown_alone(run.chunk);
    Markup html;
    if (alone) html << "<a href=\"#" << place_of_chunk(run.chunk) << "\">";
    html << "<rect class=\"chunk " << kind_class(run.kind) << "\" " << rectangle(run.span, 1, kLane - 2) << "><title>";
    if (run.chunks > 1)
        html << run.chunks << " chunks, " << format::kind_name(run.kind);
    else
        html << "chunk " << run.chunk << ", " << format::kind_name(run.kind) << " "
             << std::string(format::profile_name(run.profile));
    html << ": " << place_words(run.place) << "</title></rect>";
    if (alone) html << "</a>";
    return html;
}

Markup draw_mark(const Mark& mark, Range place, uint64_t y) {
    Markup html;
    html << "<rect class=\"mark " << state_words(mark.state);
    if (!mark.is_content()) html << " aside";
    const uint64_t lower = mark.is_content() ? 2 : kLane / 2 + 1;  // low where it is of nothing that is kept
    html << "\" " << rectangle(span_of(place, mark.place), y + lower, kLane - lower - 1) << "><title>"
         << human_bytes(mark.bytes) << " " << state_words(mark.state) << ": ";
    for (size_t i = 0; i < mark.roles.size(); i++) {
        if (i > 0) html << ", ";
        html << role_words(mark.roles[i]);
    }
    html << "; within " << place_words(mark.place) << "</title></rect>";
    return html;
}

}  // namespace

Markup place_of_chunk(uint64_t chunk) {
    Markup html;
    html << "chunk-" << chunk;
    return html;
}

Markup kind_class(uint64_t kind) {
    using namespace format::chunk_kind;
    Markup html;
    const bool data = (kind & kData) != 0, trees = (kind & (kMetadata | kSystem)) != 0;
    if (data && trees) return html << "mixed";
    if (data) return html << "data";
    return (kind & kMetadata) != 0 ? html << "metadata" : html << "system";
}

Markup draw(const Strip& strip) {
    const uint64_t height = kLane * (1 + strip.lanes.size());
    Markup html;
    html << "<div class=\"strip\"><div class=\"lanes\"><span>" << strip.name << "</span>";
    for (const State state : strip.lanes)
        html << "<span class=\"" << state_words(state) << "\">" << state_words(state) << "</span>";
    html << "</div><div class=\"drawing\"><svg viewBox=\"0 0 " << kWidth << " " << height
         << "\" preserveAspectRatio=\"none\" height=\"" << height << "\">";
    for (uint64_t lane = 0; lane <= strip.lanes.size(); lane++)
        html << "<rect class=\"lane\" " << rectangle({0, kWidth}, lane * kLane + 1, kLane - 2) << "/>";
    for (const auto& run : runs_of(strip)) html << draw_run(run, strip);
    uint64_t y = kLane;
    for (const State state : strip.lanes) {
        for (const auto& mark : strip.marks.of(state)) html << draw_mark(mark, strip.place, y);
        y += kLane;
    }
    html << "</svg>";
    if (!strip.scale.empty()) html << "<div class=\"scale\">";
    for (const auto& label : strip.scale) html << "<span>" << label << "</span>";
    if (!strip.scale.empty()) html << "</div>";
    html << "</div></div>\n";
    return html;
}

}  // namespace raid56::report
