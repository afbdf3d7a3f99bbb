// SPDX-License-Identifier: GPL-2.0-or-later
// Names and labels from disks and command lines, as a terminal or a JSON line may hold them. Pure;
// safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace raid56 {

/// For people: control characters, characters that turn the direction of writing, and bytes that are
/// not UTF-8 as \xNN. Not reversible.
std::string printable(std::string_view text);

/// Whether every byte belongs to a well-formed UTF-8 character.
bool is_utf8(std::string_view text);

/// For programs, where is_utf8() says no: each byte that is not UTF-8 as \xNN and each backslash as
/// \\, so that the bytes can be had back.
std::string escape_bytes(std::string_view text);
/// What escape_bytes() was given; what it cannot have made is left as it is.
std::string unescape_bytes(std::string_view text);

}  // namespace raid56
