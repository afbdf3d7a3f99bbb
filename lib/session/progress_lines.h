// SPDX-License-Identifier: GPL-2.0-or-later
// Findings, counts and positions as lines of text, so that a run that was cut off can be gone on with. Pure.
//
// A line is one JSON object, a tab, the crc32c of the object's text in eight hexadecimal digits, a newline.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "scrub/findings.h"

namespace raid56::session {

using Json = nlohmann::ordered_json;

/// An object, within bounds that lines of ours keep: how deep it is, how many members an object of it has, how much is
/// in it. Nothing where it is none.
std::optional<Json> parse_object(std::string_view text);

std::string encode_line(const Json& object);
/// Nothing where the line is torn or is no such line. `line`: without its newline.
std::optional<Json> decode_line(std::string_view line);

Json encode(const scrub::Damage& damage);
Json encode(const scrub::Unknown& unknown);
Json encode(const scrub::FreeRows& rows);
Json encode(const scrub::Position& position, const scrub::Counters& counters);

/// Nothing where a member is missing, has another type or a value that there is not.
std::optional<scrub::Damage> decode_damage(const Json& object);
std::optional<scrub::Unknown> decode_unknown(const Json& object);
std::optional<scrub::FreeRows> decode_free_rows(const Json& object);
struct Reached {
    scrub::Position position;
    scrub::Counters counters;
};
std::optional<Reached> decode_reached(const Json& object);

/// A member of an object; nothing where it is not there or of another type.
std::optional<std::string> text(const Json& object, const char* name);
std::optional<uint64_t> number(const Json& object, const char* name);

/// What an object is: "header", "damage", "unknown", "free", "reached" ...; empty where it does not say.
std::string type_of(const Json& object);

}  // namespace raid56::session
