// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/part_name.h"

#include <sys/stat.h>

#include <charconv>

#include "base/printable.h"

namespace raid56::device {
namespace {

std::optional<uint64_t> parse_bytes(std::string_view text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > INT64_MAX) return std::nullopt;
    return number;
}

bool is_there(const std::string& path) {
    struct stat st;
    return ::lstat(path.c_str(), &st) == 0;
}

}  // namespace

std::optional<Range> parse_part(std::string_view text) {
    const size_t plus = text.find('+');
    const auto offset = parse_bytes(text.substr(0, plus));
    if (!offset) return std::nullopt;
    if (plus == std::string_view::npos) return Range{*offset, UINT64_MAX};
    const auto length = parse_bytes(text.substr(plus + 1));
    if (!length || *length == 0 || *length > INT64_MAX - *offset) return std::nullopt;
    return Range{*offset, *offset + *length};
}

Result<Place> locate(const std::string& name) {
    const size_t at = name.rfind('@');
    const Place whole{name};
    if (at == std::string::npos || at == 0 || is_there(name)) return whole;
    const std::string file = name.substr(0, at);
    // Whatever is wrong is then said of the name as it was given.
    if (!is_there(file)) return whole;
    const auto part = parse_part(std::string_view(name).substr(at + 1));
    if (part) return Place{file, *part, true};
    return Error{printable(name) + ": there is nothing of that name, and a part of " + printable(file) +
                 " is named by @OFFSET or @OFFSET+LENGTH, in bytes"};
}

}  // namespace raid56::device
