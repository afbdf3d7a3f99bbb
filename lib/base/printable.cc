// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/printable.h"

#include <cstdint>

namespace raid56 {
namespace {

// Bytes of the well-formed UTF-8 character that `text` starts with; 0 where it starts with none.
size_t utf8_length(std::string_view text) {
    const auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
    const auto tail = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
    const uint8_t first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const bool overlong = first == 0xe0 && at(1) < 0xa0;
        const bool surrogate = first == 0xed && at(1) >= 0xa0;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool overlong = first == 0xf0 && at(1) < 0x90;
        const bool too_large = first == 0xf4 && at(1) >= 0x90;
        return tail(1) && tail(2) && tail(3) && !overlong && !too_large ? 4 : 0;
    }
    return 0;
}

uint32_t code_point(std::string_view character) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(character[i])); };
    if (character.size() == 1) return byte(0);
    uint32_t code = byte(0) & (0x7fu >> character.size());
    for (size_t i = 1; i < character.size(); i++) code = code << 6 | (byte(i) & 0x3f);
    return code;
}

// C0, DEL and C1 drive terminals; bidi marks, overrides and isolates make a line read as another.
bool misleads(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_hex(std::string& out, std::string_view bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    for (const char c : bytes) {
        out += "\\x";
        out += kHex[static_cast<uint8_t>(c) >> 4];
        out += kHex[static_cast<uint8_t>(c) & 15];
    }
}

// Takes the text apart: take(character, well_formed) for each UTF-8 character or stray byte.
template <class Take>
void for_each_character(std::string_view text, Take&& take) {
    while (!text.empty()) {
        const size_t length = utf8_length(text);
        take(text.substr(0, length == 0 ? 1 : length), length != 0);
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    for_each_character(text, [&](std::string_view character, bool well_formed) {
        if (well_formed && !misleads(code_point(character)))
            out += character;
        else
            append_hex(out, character);
    });
    return out;
}

bool is_utf8(std::string_view text) {
    bool all = true;
    for_each_character(text, [&](std::string_view, bool well_formed) { all = all && well_formed; });
    return all;
}

std::string escape_bytes(std::string_view text) {
    std::string out;
    for_each_character(text, [&](std::string_view character, bool well_formed) {
        if (!well_formed)
            append_hex(out, character);
        else if (character == "\\")
            out += "\\\\";
        else
            out += character;
    });
    return out;
}

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string unescape_bytes(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
        const std::string_view rest = text.substr(i);
        if (rest.starts_with("\\\\")) {
            out += '\\';
            i++;
        } else if (rest.size() >= 4 && rest.starts_with("\\x") && hex_digit(rest[2]) >= 0 && hex_digit(rest[3]) >= 0) {
            out += static_cast<char>(hex_digit(rest[2]) << 4 | hex_digit(rest[3]));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace raid56
