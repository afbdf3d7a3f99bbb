// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/progress_file.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"
#include "session/file_lines.h"

namespace raid56::session {
namespace {

constexpr size_t kLongestLine = 1 << 20;  // a header of 65535 devices; anything longer is no file of ours
constexpr std::string_view kHeaderBegins = "{\"type\":\"header\",";

Error cannot(const std::string& path, const char* what, int error) {
    return Error{printable(path) + ": cannot be " + what + ": " + std::strerror(error)};
}

Json typed(const Json& header) {
    Json object = {{"type", "header"}};
    object.update(header);
    return object;
}

}  // namespace

std::string ProgressFile::first_line(const Json& header) { return encode_line(typed(header)); }

Result<ProgressFile> ProgressFile::begin(std::unique_ptr<device::WriteDevice> file, Json header) {
    ProgressFile begun(std::move(file));
    begun.header_ = typed(header);
    begun.unwritten_ = encode_line(begun.header_);
    if (const int error = begun.append(); error != 0) return cannot(begun.path(), "written", error);
    return begun;
}

Result<ProgressFile> ProgressFile::go_on(std::unique_ptr<device::WriteDevice> file) {
    ProgressFile found(std::move(file));
    bool ours = false;
    const int error = each_line(*found.file_, kLongestLine, [&](const std::string& line, uint64_t end) {
        const auto object = decode_line(line);
        if (!object) return false;  // torn: whatever follows was not reached
        const std::string type = type_of(*object);
        if (!ours && type != "header") return false;
        if (type == "header") {
            ours = true;
            found.header_ = *object;
            found.end_ = end;
        }
        if (type == "reached") {
            auto reached = decode_reached(*object);
            if (!reached) return false;
            found.last_ = *reached;
            found.last_more_ = object->value("more", Json::object());
            found.end_ = end;
        }
        if (type == "passed" && object->contains("stage") && (*object)["stage"].is_string()) {
            found.passed_.insert((*object)["stage"].get<std::string>());
            found.end_ = end;
        }
        return true;
    });
    if (error != 0) return cannot(found.path(), "read", error);
    if (!ours) return Error{printable(found.path()) + ": does not say how far a run came"};
    return found;
}

// A header is one line, synced before anything follows: no line ends before the end of the file. Units of a
// disk that did not arrive read as zeros.
bool ProgressFile::is_hardly_begun(device::WriteDevice& file) {
    if (file.size() > kLongestLine) return false;
    std::vector<uint8_t> bytes(file.size());
    if (file.read(0, bytes) != 0) return false;
    const std::string text(bytes.begin(), bytes.end());
    const bool whole_line = text.ends_with('\n') && decode_line(std::string_view(text).substr(0, text.size() - 1));
    const bool other_lines = text.find('\n') < text.size() - 1;
    const bool is_text =
        std::ranges::all_of(text, [](char c) { return c == 0 || c == '\t' || c == '\n' || (c >= ' ' && c <= '~'); });
    const size_t length = std::min(text.size(), kHeaderBegins.size());
    const bool begins = text.compare(0, length, kHeaderBegins, 0, length) == 0;
    return text.empty() || (!whole_line && !other_lines && is_text && (begins || text[0] == 0));
}

Result<void> ProgressFile::tell_again(scrub::Sink& sink) {
    const int error = each_line(*file_, kLongestLine, [&](const std::string& line, uint64_t end) {
        const auto object = decode_line(line);
        if (!object || end > end_) return false;
        if (type_of(*object) == "damage")
            if (const auto damage = decode_damage(*object)) sink.damage(*damage);
        if (type_of(*object) == "unknown")
            if (const auto unknown = decode_unknown(*object)) sink.unknown(*unknown);
        if (type_of(*object) == "free")
            if (const auto rows = decode_free_rows(*object)) sink.free_rows(*rows);
        return true;
    });
    if (error != 0) return cannot(path(), "read", error);
    return {};
}

int ProgressFile::reached(const scrub::Position& position, const scrub::Counters& counters, const Json& more) {
    Json object = encode(position, counters);
    object["more"] = more;
    const std::string later = unwritten_.substr(marked_.value_or(unwritten_.size()));
    unwritten_.resize(unwritten_.size() - later.size());
    unwritten_ += encode_line(object);
    marked_.reset();
    const int error = append();
    unwritten_ += later;
    return error;
}

int ProgressFile::pass(const std::string& stage) {
    unwritten_ += encode_line({{"type", "passed"}, {"stage", stage}});
    return append();
}

int ProgressFile::append() {
    const auto* bytes = reinterpret_cast<const uint8_t*>(unwritten_.data());
    // Not before: a file that is refused stays as it was.
    int error = file_->size() > end_ ? file_->resize(end_) : 0;
    if (error == 0) error = file_->write(end_, ByteView(bytes, unwritten_.size()));
    if (error == 0) error = file_->sync();
    if (error != 0) return error;
    end_ += unwritten_.size();
    unwritten_.clear();
    return 0;
}

}  // namespace raid56::session
