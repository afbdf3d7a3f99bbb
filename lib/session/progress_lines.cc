// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/progress_lines.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "checksum/checksum.h"

namespace raid56::session {
namespace {

using scrub::Cause;
using scrub::Counters;
using scrub::Proof;
using scrub::Repairable;
using scrub::Role;

constexpr std::array kRoles = {Role::data, Role::tree, Role::p, Role::q, Role::free, Role::super};
constexpr std::array kCauses = {Cause::checksum,   Cause::header,       Cause::unreadable, Cause::parity,
                                Cause::mirror,     Cause::csum_missing, Cause::missing,    Cause::stale,
                                Cause::distrusted, Cause::excluded};
constexpr std::array kProofs = {Proof::none, Proof::checksum, Proof::tree, Proof::parity};

struct Counted {
    const char* name;
    uint64_t Counters::*member;
    bool optional = false;  // 0 where a file does not have it, as those of the first days
};
constexpr std::array<Counted, 20> kCounters = {{
    {"data_bytes_verified", &Counters::data_bytes_verified},
    {"no_checksum_bytes", &Counters::no_checksum_bytes},
    {"tree_bytes_verified", &Counters::tree_bytes_verified},
    {"rows_checked", &Counters::rows_checked},
    {"p_mismatches", &Counters::p_mismatches},
    {"q_mismatches", &Counters::q_mismatches},
    {"corrupt_data_sectors", &Counters::corrupt_data_sectors},
    {"corrupt_tree_blocks", &Counters::corrupt_tree_blocks},
    {"unreadable_sectors", &Counters::unreadable_sectors},
    {"super_errors", &Counters::super_errors},
    {"repairable_sectors", &Counters::repairable_sectors},
    {"unrepairable_sectors", &Counters::unrepairable_sectors},
    {"ambiguous_rows", &Counters::ambiguous_rows},
    {"unproven_sectors", &Counters::unproven_sectors},
    {"undecided_sectors", &Counters::undecided_sectors},
    {"bytes_read", &Counters::bytes_read},
    {"engine_fallbacks", &Counters::engine_fallbacks},
    {"free_rows_checked", &Counters::free_rows_checked, true},
    {"free_rows_differing", &Counters::free_rows_differing, true},
    {"free_rows_unreadable", &Counters::free_rows_unreadable, true},
}};
static_assert(sizeof(Counters) == kCounters.size() * sizeof(uint64_t), "a counter is missing above");

uint32_t sum_of(std::string_view text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    const auto digest = checksum::digest(CsumKind::crc32c, ByteView(bytes, text.size()));
    return digest[0] | digest[1] << 8 | digest[2] << 16 | uint32_t{digest[3]} << 24;
}

template <class Values, class Name>
auto named(const Values& values, Name name_of, const std::optional<std::string>& name)
    -> std::optional<typename Values::value_type> {
    for (const auto value : values)
        if (name && *name == name_of(value)) return value;
    return std::nullopt;
}

Json repairable_value(Repairable repairable) {
    switch (repairable) {
        case Repairable::yes: return true;
        case Repairable::no: return false;
        case Repairable::undecided: break;
    }
    return nullptr;
}

std::optional<Repairable> repairable_of(const Json& object) {
    const auto found = object.find("repairable");
    if (found == object.end() || !(found->is_boolean() || found->is_null())) return std::nullopt;
    if (found->is_null()) return Repairable::undecided;
    return found->get<bool>() ? Repairable::yes : Repairable::no;
}

// Deeper than any line of ours: what is nested is taken apart by recursion.
constexpr int kDeepest = 8;
constexpr size_t kMostMembers = 64;              // of an object: each is looked for among those before it
constexpr size_t kMostValues = size_t{4} << 20;  // paths of one damage may be many

}  // namespace

std::optional<uint64_t> number(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<uint64_t>();
}

std::optional<std::string> text(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
}

std::optional<Json> parse_object(std::string_view text) {
    std::array<size_t, kDeepest + 2> members{};  // of the object under way, by depth
    size_t values = 0;
    bool too_much = false;
    const auto bounded = [&](int depth, Json::parse_event_t event, Json&) {
        too_much = too_much || depth > kDeepest || ++values > kMostValues;
        if (too_much) return false;
        const auto at = static_cast<size_t>(depth);
        if (event == Json::parse_event_t::object_start) members[at + 1] = 0;
        if (event == Json::parse_event_t::key) too_much = ++members[at] > kMostMembers;
        return !too_much;
    };
    Json object = Json::parse(text, bounded, false);
    if (too_much || !object.is_object()) return std::nullopt;
    return object;
}

std::string encode_line(const Json& object) {
    std::string line = object.dump();
    char sum[16];
    std::snprintf(sum, sizeof sum, "\t%08x\n", sum_of(line));
    return line + sum;
}

std::optional<Json> decode_line(std::string_view line) {
    const size_t tab = line.rfind('\t');
    if (tab == std::string_view::npos || line.size() - tab != 9) return std::nullopt;
    uint32_t sum = 0;
    const auto [end, error] = std::from_chars(line.data() + tab + 1, line.data() + line.size(), sum, 16);
    if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
    line = line.substr(0, tab);
    if (sum != sum_of(line)) return std::nullopt;
    return parse_object(line);
}

Json encode(const scrub::Damage& damage) {
    Json object = {
        {"type", "damage"}, {"devid", damage.devid.v}, {"physical", damage.physical.v}, {"length", damage.length}};
    object["role"] = scrub::role_name(damage.role);
    object["cause"] = scrub::cause_name(damage.cause);
    if (damage.logical) object["logical"] = damage.logical->v;
    if (damage.chunk) object["chunk"] = damage.chunk->v;
    if (damage.full_stripe) object["full_stripe"] = *damage.full_stripe;
    if (damage.row) object["row"] = *damage.row;
    object["repairable"] = repairable_value(damage.repairable);
    object["proof"] = scrub::proof_name(damage.proof);
    if (damage.suspect) object["suspect"] = damage.suspect->v;
    object["differing_bytes"] = damage.differing_bytes;
    if (damage.further_losses) object["further_losses"] = *damage.further_losses;
    return object;
}

std::optional<scrub::Damage> decode_damage(const Json& object) {
    const auto devid = number(object, "devid"), physical = number(object, "physical"),
               length = number(object, "length"), differing = number(object, "differing_bytes");
    const auto role = named(kRoles, scrub::role_name, text(object, "role"));
    const auto cause = named(kCauses, scrub::cause_name, text(object, "cause"));
    const auto proof = named(kProofs, scrub::proof_name, text(object, "proof"));
    const auto repairable = repairable_of(object);
    if (!devid || !physical || !length || !differing || !role || !cause || !proof || !repairable) return std::nullopt;
    scrub::Damage damage;
    damage.devid = DevId(*devid);
    damage.physical = Physical(*physical);
    damage.length = *length;
    damage.role = *role;
    damage.cause = *cause;
    if (const auto logical = number(object, "logical")) damage.logical = Logical(*logical);
    if (const auto chunk = number(object, "chunk")) damage.chunk = Logical(*chunk);
    damage.full_stripe = number(object, "full_stripe");
    if (const auto row = number(object, "row")) {
        if (*row >= kStripLen) return std::nullopt;
        damage.row = static_cast<unsigned>(*row);
    }
    // A row is one of a full stripe, and that one of a chunk.
    if (damage.full_stripe.has_value() != damage.row.has_value() || (damage.row && !damage.chunk)) return std::nullopt;
    damage.repairable = *repairable;
    damage.proof = *proof;
    if (const auto suspect = number(object, "suspect")) damage.suspect = DevId(*suspect);
    damage.differing_bytes = *differing;
    if (const auto losses = number(object, "further_losses")) damage.further_losses = static_cast<unsigned>(*losses);
    return damage;
}

Json encode(const scrub::Unknown& unknown) {
    return {{"type", "unknown"},
            {"logical", unknown.logical.v},
            {"length", unknown.length},
            {"cause", unknown.cause},
            {"undecided", unknown.undecided}};
}

std::optional<scrub::Unknown> decode_unknown(const Json& object) {
    const auto logical = number(object, "logical"), length = number(object, "length");
    const auto cause = text(object, "cause");
    const auto undecided = object.find("undecided");
    if (!logical || !length || !cause || undecided == object.end() || !undecided->is_boolean()) return std::nullopt;
    return scrub::Unknown{Logical(*logical), *length, *cause, undecided->get<bool>()};
}

Json encode(const scrub::FreeRows& rows) {
    Json unreadable = Json::array();
    for (const auto& part : rows.unreadable)
        unreadable.push_back({{"devid", part.devid.v}, {"physical", part.physical.v}, {"length", part.length}});
    return {{"type", "free"},
            {"chunk", rows.chunk.v},
            {"full_stripe", rows.full_stripe},
            {"row", rows.row},
            {"rows", rows.rows},
            {"p_differs", rows.p_differs},
            {"q_differs", rows.q_differs},
            {"unreadable", std::move(unreadable)}};
}

std::optional<scrub::FreeRows> decode_free_rows(const Json& object) {
    const auto chunk = number(object, "chunk"), full_stripe = number(object, "full_stripe"),
               row = number(object, "row"), count = number(object, "rows");
    const auto p = object.find("p_differs"), q = object.find("q_differs"), parts = object.find("unreadable");
    const auto end = object.end();
    if (!chunk || !full_stripe || !row || !count || p == end || !p->is_boolean() || q == end || !q->is_boolean() ||
        parts == end || !parts->is_array())
        return std::nullopt;
    scrub::FreeRows rows{Logical(*chunk),
                         *full_stripe,
                         static_cast<unsigned>(*row),
                         static_cast<unsigned>(*count),
                         p->get<bool>(),
                         q->get<bool>(),
                         {}};
    if (rows.row != *row || rows.rows != *count) return std::nullopt;
    for (const auto& part : *parts) {
        if (!part.is_object()) return std::nullopt;
        const auto devid = number(part, "devid"), physical = number(part, "physical"), length = number(part, "length");
        if (!devid || !physical || !length) return std::nullopt;
        rows.unreadable.push_back({DevId(*devid), Physical(*physical), *length});
    }
    return rows;
}

Json encode(const scrub::Position& position, const scrub::Counters& counters) {
    Json object = {{"type", "reached"}, {"chunk", position.chunk.v}, {"next", position.next.v}};
    for (const auto& [name, member, optional] : kCounters) object[name] = counters.*member;
    return object;
}

std::optional<Reached> decode_reached(const Json& object) {
    const auto chunk = number(object, "chunk"), next = number(object, "next");
    if (!chunk || !next) return std::nullopt;
    Reached reached{{Logical(*chunk), StripeNo(*next)}, {}};
    for (const auto& [name, member, optional] : kCounters) {
        if (optional && !object.contains(name)) continue;
        const auto value = number(object, name);
        if (!value) return std::nullopt;
        reached.counters.*member = *value;
    }
    return reached;
}

std::string type_of(const Json& object) { return text(object, "type").value_or(""); }

}  // namespace raid56::session
