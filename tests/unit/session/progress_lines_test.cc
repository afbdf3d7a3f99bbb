// SPDX-License-Identifier: GPL-2.0-or-later
// What is kept as a line comes back as it was; a line that was hurt, or says what there is not, does not.
#include "session/progress_lines.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>

#include "checksum/checksum.h"
#include "findings_of_all_kinds.h"

namespace raid56::session {
namespace {

using scrub::Cause;
using scrub::Proof;
using scrub::Repairable;
using scrub::Role;

std::string line_of(const Json& object) {
    std::string line = encode_line(object);
    EXPECT_EQ(line.back(), '\n');
    EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
    line.pop_back();
    return line;
}

/// Through text and back.
template <class Value, class Decode>
std::string again(const Value& value, Decode&& decode) {
    const auto object = decode_line(line_of(encode(value)));
    if (!object) return "no object";
    const auto decoded = decode(*object);
    return decoded ? text(*decoded) : "not decoded";
}

void expect_same(const scrub::Damage& damage) { EXPECT_EQ(again(damage, decode_damage), text(damage)); }

// ---- there and back

TEST(ProgressLines, DamageComesBackWithEveryMember) {
    expect_same({});
    expect_same(full_damage());
    const std::vector<std::function<void(scrub::Damage&)>> without = {
        [](auto& d) { d.logical.reset(); },
        [](auto& d) { d.suspect.reset(); },
        [](auto& d) { d.further_losses.reset(); },
        [](auto& d) { d.row.reset(), d.full_stripe.reset(); },
        [](auto& d) { d.row.reset(), d.full_stripe.reset(), d.chunk.reset(); },
    };
    for (const auto& leave_out : without) {
        auto damage = full_damage();
        leave_out(damage);
        EXPECT_NE(text(damage), text(full_damage()));
        expect_same(damage);
    }
}

TEST(ProgressLines, DamageComesBackWithEveryEnumerator) {
    auto damage = full_damage();
    for (const auto role : {Role::data, Role::tree, Role::p, Role::q, Role::free, Role::super})
        for (const auto cause : {Cause::checksum, Cause::header, Cause::unreadable, Cause::parity, Cause::mirror,
                                 Cause::csum_missing, Cause::missing, Cause::stale, Cause::distrusted, Cause::excluded})
            for (const auto repairable : {Repairable::no, Repairable::yes, Repairable::undecided})
                for (const auto proof : {Proof::none, Proof::checksum, Proof::tree, Proof::parity}) {
                    damage.role = role;
                    damage.cause = cause;
                    damage.repairable = repairable;
                    damage.proof = proof;
                    expect_same(damage);
                }
}

TEST(ProgressLines, UnknownComesBack) {
    for (const bool undecided : {false, true}) {
        auto unknown = full_unknown();
        unknown.undecided = undecided;
        EXPECT_EQ(again(unknown, decode_unknown), text(unknown));
    }
}

TEST(ProgressLines, APositionComesBackWithEveryCounter) {
    const scrub::Position position{Logical(UINT64_MAX), StripeNo(uint64_t{1} << 50)};
    const auto object = decode_line(line_of(encode(position, counted(1000))));
    ASSERT_TRUE(object);
    const auto reached = decode_reached(*object);
    ASSERT_TRUE(reached);
    EXPECT_EQ(reached->position, position);
    EXPECT_EQ(numbers(reached->counters), numbers(counted(1000)));
}

TEST(ProgressLines, EachSaysWhatItIs) {
    EXPECT_EQ(type_of(encode(full_damage())), "damage");
    EXPECT_EQ(type_of(encode(full_unknown())), "unknown");
    EXPECT_EQ(type_of(encode(scrub::Position{}, {})), "reached");
    EXPECT_EQ(type_of(Json::object()), "");
    EXPECT_EQ(type_of({{"type", 7}}), "");
}

// ---- hurt lines

TEST(ProgressLines, ALineThatIsCutAnywhereIsNone) {
    const std::string line = line_of(encode(full_damage()));
    ASSERT_TRUE(decode_line(line));
    for (size_t length = 0; length < line.size(); length++) EXPECT_FALSE(decode_line(line.substr(0, length))) << length;
    for (size_t from = 1; from <= line.size(); from++) EXPECT_FALSE(decode_line(line.substr(from))) << from;
    EXPECT_FALSE(decode_line(line + "0"));
    EXPECT_FALSE(decode_line(line + " "));
    EXPECT_FALSE(decode_line(line + "\n"));
}

// A bit of the sum that turns a small letter into a capital one leaves the number; the object is as it was.
TEST(ProgressLines, AFlippedBitIsFound) {
    const std::string line = line_of(encode(full_damage()));
    const size_t sum_at = line.size() - 8;
    for (size_t i = 0; i < line.size(); i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            std::string flipped = line;
            flipped[i] = static_cast<char>(flipped[i] ^ 1 << bit);
            if (i >= sum_at && std::tolower(flipped[i]) == line[i]) continue;
            EXPECT_FALSE(decode_line(flipped)) << "bit " << bit << " of byte " << i;
        }
}

TEST(ProgressLines, AnObjectThatIsNoneIsNone) {
    for (const Json& value : {Json(7), Json("text"), Json::array({1, 2}), Json(nullptr), Json(true)})
        EXPECT_FALSE(decode_line(line_of(value))) << value.dump();
    EXPECT_TRUE(decode_line(line_of(Json::object())));
}

// ---- what lines may not say

TEST(ProgressLines, ARowIsOneOfAFullStripeAndThatOneOfAChunk) {
    scrub::Damage damage;
    damage.chunk = Logical(1 << 20);
    damage.full_stripe = 3;
    damage.row = 5;
    const Json whole = encode(damage);
    ASSERT_TRUE(decode_damage(whole));
    for (const char* field : {"chunk", "full_stripe", "row"}) {
        Json part = whole;
        part.erase(field);
        EXPECT_FALSE(decode_damage(part)) << field;
    }
    Json far = whole;
    far["row"] = (uint64_t{1} << 32) + 5;
    EXPECT_FALSE(decode_damage(far));
}

/// Every object that lacks a member of `whole`, or has one of another type, and is not to be decoded.
template <class Decode>
void expect_needed(const Json& whole, const std::vector<std::string>& needed, Decode&& decode) {
    ASSERT_TRUE(decode(whole));
    for (const auto& name : needed) {
        ASSERT_TRUE(whole.contains(name)) << name;
        Json without = whole;
        without.erase(name);
        EXPECT_FALSE(decode(without)) << "without " << name;
        for (const Json& other : {Json(-1), Json(1.5), Json("no such word"), Json::array(), Json::object()}) {
            Json wrong = whole;
            wrong[name] = other;
            if (whole[name].is_string() && name == "cause" && type_of(whole) == "unknown" && other.is_string())
                continue;
            EXPECT_FALSE(decode(wrong)) << name << " is " << other.dump();
        }
    }
}

TEST(ProgressLines, DamageNeedsItsMembers) {
    expect_needed(encode(full_damage()),
                  {"devid", "physical", "length", "role", "cause", "repairable", "proof", "differing_bytes"},
                  decode_damage);
}

TEST(ProgressLines, UnknownNeedsItsMembers) {
    expect_needed(encode(full_unknown()), {"logical", "length", "cause", "undecided"}, decode_unknown);
}

TEST(ProgressLines, APositionNeedsEveryCounter) {
    const Json whole = encode(scrub::Position{Logical(1), StripeNo(2)}, counted(10));
    std::vector<std::string> needed;
    for (const auto& [name, value] : whole.items())
        if (name != "type" && !name.starts_with("free_rows_")) needed.push_back(name);
    EXPECT_EQ(needed.size() + 3, 2 + numbers({}).size());
    expect_needed(whole, needed, decode_reached);
}

// Files of a time when they were not counted.
TEST(ProgressLines, FreeRowsNeedNotBeCounted) {
    Json object = encode(scrub::Position{Logical(1), StripeNo(2)}, counted(10));
    object["free_rows_checked"] = "many";
    EXPECT_FALSE(decode_reached(object)) << "no number";
    for (const char* name : {"free_rows_checked", "free_rows_differing", "free_rows_unreadable"}) object.erase(name);
    const auto reached = decode_reached(object);
    ASSERT_TRUE(reached);
    EXPECT_EQ(reached->counters.free_rows_checked, 0u);
    EXPECT_NE(reached->counters.rows_checked, 0u);
}

TEST(ProgressLines, FreeRowsComeBackAsTheyWere) {
    const scrub::FreeRows rows{
        Logical(1), 2, 3, 4, true, false, {{DevId(5), Physical(6), 7}, {DevId(8), Physical(9), 10}}};
    const Json whole = encode(rows);
    const auto back = decode_free_rows(whole);
    ASSERT_TRUE(back);
    EXPECT_EQ(encode(*back), whole);
    std::vector<std::string> needed;
    for (const auto& [name, value] : whole.items())
        if (name != "type" && name != "unreadable") needed.push_back(name);
    expect_needed(whole, needed, decode_free_rows);
    for (const Json& other : {Json(), Json(1), Json::object(), Json::array({1})}) {
        Json wrong = whole;
        wrong["unreadable"] = other;
        EXPECT_FALSE(decode_free_rows(wrong)) << other.dump();
    }
    for (const char* name : {"devid", "physical", "length"}) {
        Json torn = whole;
        torn["unreadable"][1].erase(name);
        EXPECT_FALSE(decode_free_rows(torn)) << name;
    }
    Json wide = whole;
    wide["row"] = uint64_t{1} << 32;
    EXPECT_FALSE(decode_free_rows(wide));
}

// Whatever takes a line apart does so by recursion.
TEST(ProgressLines, ALineThatIsNestedDeepIsNone) {
    for (const size_t depth : {size_t{9}, size_t{500000}}) {
        const std::string object = R"({"type":"header","x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
        const auto digest = checksum::digest(CsumKind::crc32c,
                                             ByteView(reinterpret_cast<const uint8_t*>(object.data()), object.size()));
        char sum[16];
        std::snprintf(sum, sizeof sum, "\t%02x%02x%02x%02x", digest[3], digest[2], digest[1], digest[0]);
        EXPECT_FALSE(decode_line(object + sum)) << depth;
    }
}

}  // namespace
}  // namespace raid56::session
