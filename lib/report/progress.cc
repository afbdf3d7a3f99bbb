// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/progress.h"

#include <algorithm>

#include "report/json.h"
#include "report/words.h"

namespace raid56::report {
namespace {

constexpr double kBetweenDrawings = 0.2, kBetweenLines = 30, kBetweenObjects = 1;  // seconds

uint64_t twentieths(const Progress& progress) {
    return std::min<uint64_t>(
        20, static_cast<uint64_t>(20.0 * static_cast<double>(progress.done) / static_cast<double>(progress.all)));
}

std::string in_units(uint64_t seconds) {
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 2 * 3600) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds / 3600) + " h " + std::to_string(seconds % 3600 / 60) + " min";
}

}  // namespace

ProgressLine::ProgressLine(std::ostream& err, ProgressStyle style, double (*clock)(), unsigned (*width)())
    : err_(err), style_(style), clock_(clock), width_(width) {
    if (style_ != ProgressStyle::none) start_ = clock_();
}

bool ProgressLine::is_due(const Progress& progress, double now) const {
    const bool first = first_ < 0;
    switch (style_) {
        case ProgressStyle::none: return false;
        case ProgressStyle::terminal: return first || now - last_ >= kBetweenDrawings;
        case ProgressStyle::log:
            return twentieths(progress) > twentieth_ || now - (first ? start_ : last_) >= kBetweenLines;
        case ProgressStyle::json: return first || now - last_ >= kBetweenObjects || progress.done >= progress.all;
    }
    return false;
}

ProgressLine::Pace ProgressLine::pace_of(const Progress& progress, double now) const {
    Pace pace;
    pace.seconds = now - start_;
    const double spent = now - first_;
    if (spent > 0) pace.rate = static_cast<uint64_t>(static_cast<double>(progress.done - first_done_) / spent);
    if (progress.done >= progress.all)
        pace.seconds_left = 0;
    else if (pace.rate > 0)
        pace.seconds_left = (progress.all - progress.done) / pace.rate;
    return pace;
}

// What matters most comes first: a narrow terminal cuts off the rest.
std::string ProgressLine::in_words(const Progress& progress, const Pace& pace) {
    const auto percent = std::min<uint64_t>(
        100, static_cast<uint64_t>(100.0 * static_cast<double>(progress.done) / static_cast<double>(progress.all)));
    std::string line = std::to_string(percent) + "% of " + human_bytes(progress.all);
    if (pace.rate > 0) line += ", " + human_bytes(pace.rate) + "/s";
    if (pace.seconds_left.value_or(0) > 0) line += ", " + in_units(*pace.seconds_left) + " left";
    line += ", " + (progress.findings == 0 ? "no" : std::to_string(progress.findings)) +
            (progress.findings == 1 ? " finding" : " findings");
    if (progress.chunk) line += ", chunk " + std::to_string(progress.chunk->v);
    return line;
}

std::string ProgressLine::in_json(const Progress& progress, const Pace& pace) {
    Json object = typed("progress");
    object["bytes_done"] = progress.done;
    object["bytes_total"] = progress.all;
    object["bytes_read"] = progress.read;
    object["seconds"] = pace.seconds;
    object["rate"] = pace.rate;
    if (pace.seconds_left) object["seconds_left"] = *pace.seconds_left;
    object["findings"] = progress.findings;
    if (progress.chunk) object["chunk"] = progress.chunk->v;
    return object.dump();
}

void ProgressLine::show(const Progress& progress) {
    if (style_ == ProgressStyle::none || progress.all == 0) return;
    const double now = clock_();
    if (!is_due(progress, now)) return;
    if (first_ < 0) {
        first_ = now;
        first_done_ = progress.done;
    }
    last_ = now;
    twentieth_ = twentieths(progress);
    const Pace pace = pace_of(progress, now);
    if (style_ == ProgressStyle::json) {
        err_ << in_json(progress, pace) << std::endl;
    } else if (style_ == ProgressStyle::log) {
        err_ << in_words(progress, pace) << std::endl;
    } else {
        // The last column stays free: a terminal may go to the next line behind it.
        const size_t columns = std::max(width_(), 2u) - 1;
        err_ << '\r' << in_words(progress, pace).substr(0, columns) << "\033[K" << std::flush;
        visible_ = true;
    }
}

void ProgressLine::clear() {
    if (!visible_) return;
    err_ << "\r\033[K" << std::flush;
    visible_ = false;
}

}  // namespace raid56::report
