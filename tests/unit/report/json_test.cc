// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/json.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "base/printable.h"
#include "events.h"

namespace raid56::report {
namespace {

/// What is written for one event: exactly one line, and that an object.
template <class Event>
std::string line_of(void (JsonWriter::*write)(const Event&), const Event& event) {
    std::ostringstream out;
    JsonWriter writer(out);
    (writer.*write)(event);
    const std::string text = out.str();
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    return text;
}
std::string volume(const VolumeEvent& event) { return line_of(&JsonWriter::volume, event); }
std::string device(const DeviceEvent& event) { return line_of(&JsonWriter::device, event); }
std::string damage(const scrub::Damage& event) { return line_of(&JsonWriter::damage, event); }
std::string unknown(const scrub::Unknown& event) { return line_of(&JsonWriter::unknown, event); }
std::string summary(const Summary& event) { return line_of(&JsonWriter::summary, event); }

enum Type { text, number, real, boolean, list };
Type type_of(const Json& value) {
    if (value.is_string()) return text;
    if (value.is_boolean()) return boolean;
    if (value.is_array()) return list;
    return value.is_number_integer() ? number : real;
}

/// Every field of this name is there, and of this type; "type" comes first.
void expect_fields(const std::string& line, const char* type, const std::map<std::string, Type>& fields) {
    const Json object = Json::parse(line);
    ASSERT_FALSE(object.empty());
    EXPECT_EQ(object.begin().key(), "type");
    EXPECT_EQ(object["type"], type);
    for (const auto& [name, expected] : fields) {
        ASSERT_TRUE(object.contains(name)) << name << " in " << line;
        EXPECT_EQ(type_of(object[name]), expected) << name << " in " << line;
    }
}

TEST(Json, TheTypeIsTheFirstFieldOfEveryLine) {
    for (const auto& line : {volume(some_volume()), device(some_device()), damage(some_damage()),
                             unknown(some_unknown()), summary(some_summary())})
        EXPECT_EQ(line.substr(0, 9), "{\"type\":\"") << line;
}

TEST(Json, AVolumeHasItsFields) {
    const auto line = volume(some_volume());
    expect_fields(line, "volume",
                  {{"fsid", text},
                   {"label", text},
                   {"checksum", text},
                   {"sectorsize", number},
                   {"nodesize", number},
                   {"generation", number},
                   {"features", list},
                   {"chunks", list}});
    const Json object = Json::parse(line);
    EXPECT_EQ(object["features"], (Json{"raid56", "no-holes"}));
    ASSERT_EQ(object["chunks"].size(), 2u);
    EXPECT_EQ(object["chunks"][0],
              (Json{{"kind", "data"}, {"profile", "raid6"}, {"devices", 5}, {"count", 3}, {"length", 123456}}));
}

TEST(Json, ADeviceHasItsFields) {
    expect_fields(device(some_device()), "device",
                  {{"devid", number},
                   {"path", text},
                   {"uuid", text},
                   {"generation", number},
                   {"state", text},
                   {"total_bytes", number},
                   {"seed", boolean}});
    EXPECT_FALSE(Json::parse(device(some_device())).contains("behind")) << "where it is not behind";
    auto late = some_device();
    late.behind = 3;
    EXPECT_EQ(Json::parse(device(late))["behind"], 3);
    auto missing = some_device();
    missing.path.clear();
    EXPECT_TRUE(Json::parse(device(missing))["path"].is_null());
}

TEST(Json, DamageHasItsFields) {
    auto event = some_damage();
    const std::map<std::string, Type> always = {{"devid", number},      {"physical", number}, {"length", number},
                                                {"role", text},         {"cause", text},      {"proof", text},
                                                {"repairable", boolean}};
    expect_fields(damage(event), "damage", always);
    expect_fields(damage(event), "damage",
                  {{"logical", number}, {"chunk", number}, {"full_stripe", number}, {"row", number}});
    EXPECT_FALSE(Json::parse(damage(event)).contains("suspect_devid"));
    event.suspect = DevId(9);
    event.differing_bytes = 17;
    expect_fields(damage(event), "damage", {{"suspect_devid", number}, {"differing_bytes", number}});

    event.further_losses = 0;  // none is a number, too
    EXPECT_EQ(Json::parse(damage(event))["further_losses"], 0);
    event.further_losses = 2;
    EXPECT_EQ(Json::parse(damage(event))["further_losses"], 2);

    scrub::Damage super;
    super.role = scrub::Role::super;
    const Json object = Json::parse(damage(super));
    for (const char* name : {"logical", "chunk", "full_stripe", "row", "suspect_devid", "further_losses"})
        EXPECT_FALSE(object.contains(name)) << name;
}

TEST(Json, RepairableIsTrueFalseOrNull) {
    auto event = some_damage();
    event.repairable = scrub::Repairable::yes;
    EXPECT_EQ(Json::parse(damage(event))["repairable"], true);
    event.repairable = scrub::Repairable::no;
    EXPECT_EQ(Json::parse(damage(event))["repairable"], false);
    event.repairable = scrub::Repairable::undecided;
    EXPECT_TRUE(Json::parse(damage(event))["repairable"].is_null());
}

TEST(Json, RolesCausesAndProofsHaveTheNamesOfTheContract) {
    using scrub::Cause, scrub::Proof, scrub::Role;
    const std::map<Role, const char*> roles = {{Role::data, "data"}, {Role::tree, "tree"}, {Role::p, "P"},
                                               {Role::q, "Q"},       {Role::free, "free"}, {Role::super, "super"}};
    const std::map<Cause, const char*> causes = {
        {Cause::checksum, "checksum"}, {Cause::header, "header"}, {Cause::unreadable, "unreadable"},
        {Cause::parity, "parity"},     {Cause::mirror, "mirror"}, {Cause::csum_missing, "csum-missing"},
        {Cause::missing, "missing"},   {Cause::stale, "stale"}};
    const std::map<Proof, const char*> proofs = {
        {Proof::checksum, "checksum"}, {Proof::tree, "tree"}, {Proof::parity, "parity"}, {Proof::none, "none"}};
    auto event = some_damage();
    for (const auto& [role, name] : roles) {
        event.role = role;
        EXPECT_EQ(Json::parse(damage(event))["role"], name);
    }
    for (const auto& [cause, name] : causes) {
        event.cause = cause;
        EXPECT_EQ(Json::parse(damage(event))["cause"], name);
    }
    for (const auto& [proof, name] : proofs) {
        event.proof = proof;
        EXPECT_EQ(Json::parse(damage(event))["proof"], name);
    }
}

TEST(Json, ASummaryHasItsFieldsEachFromItsOwnCount) {
    const auto line = summary(some_summary());
    expect_fields(line, "summary",
                  {{"command", text},
                   {"verdict", text},
                   {"exit_status", number},
                   {"sectors_written", number},
                   {"seconds", real},
                   {"engine", text},
                   {"interrupted", boolean}});
    const Json object = Json::parse(line);
    uint64_t count = 101;
    for (const char* name :
         {"data_bytes_verified", "no_checksum_bytes", "tree_bytes_verified", "rows_checked", "p_mismatches",
          "q_mismatches", "corrupt_data_sectors", "corrupt_tree_blocks", "unreadable_sectors", "super_errors",
          "repairable_sectors", "unrepairable_sectors", "ambiguous_rows", "unproven_sectors", "bytes_read"})
        EXPECT_EQ(object[name], count++) << name;
    EXPECT_EQ(object["sectors_written"], 0);
    EXPECT_FALSE(object.contains("further_losses")) << "of a scrub";
    auto shown = some_summary();
    shown.command = "inspect";
    shown.further_losses = 0;
    EXPECT_EQ(Json::parse(summary(shown))["further_losses"], 0);
}

TEST(Json, VerdictsHaveTheNamesOfTheContract) {
    const std::map<Verdict, const char*> verdicts = {{Verdict::clean, "clean"},
                                                     {Verdict::repairable, "repairable"},
                                                     {Verdict::unrepairable, "unrepairable"},
                                                     {Verdict::undecided, "undecided"},
                                                     {Verdict::done, "done"},
                                                     {Verdict::failed, "failed"},
                                                     {Verdict::interrupted, "interrupted"}};
    auto event = some_summary();
    for (const auto& [verdict, name] : verdicts) {
        event.verdict = verdict;
        EXPECT_EQ(Json::parse(summary(event))["verdict"], name);
    }
}

TEST(Json, NumbersUpToTheLargestArePlainIntegers) {
    auto event = some_damage();
    event.physical = Physical(UINT64_MAX);
    EXPECT_NE(damage(event).find("\"physical\":18446744073709551615,"), std::string::npos);
}

// ---- text that is not UTF-8

/// The bytes that an escaped field stands for.
std::string unescape(const std::string& escaped) {
    std::string bytes;
    for (size_t i = 0; i < escaped.size(); i++) {
        if (escaped[i] != '\\') {
            bytes += escaped[i];
        } else if (escaped[i + 1] == '\\') {
            bytes += '\\';
            i++;
        } else {
            EXPECT_EQ(escaped[i + 1], 'x');
            bytes += static_cast<char>(std::stoi(escaped.substr(i + 2, 2), nullptr, 16));
            i += 3;
        }
    }
    return bytes;
}

std::string read_back(const Json& object, const std::string& field) {
    const std::string value = object[field];
    return object.contains(field + "_escaped") ? unescape(value) : value;
}

TEST(JsonText, EveryLabelCanBeHadBack) {
    std::vector<std::string> labels = {"",
                                       "plain",
                                       "back\\slash",
                                       "quote\"",
                                       "tab\there",
                                       "\\xff",
                                       "ü€𝄞",
                                       "\xff",
                                       "a\xff\\b",
                                       "\\\xfe\\x41",
                                       "half \xe2\x82",
                                       "overlong \xc0\x80",
                                       "surrogate \xed\xa0\x80",
                                       "\x01\x1b[31m\x7f"};
    for (unsigned byte = 1; byte < 256; byte++) labels.push_back(std::string("x") + static_cast<char>(byte) + "\\y");
    for (const auto& label : labels) {
        auto event = some_volume();
        event.label = label;
        const Json object = Json::parse(volume(event));
        EXPECT_EQ(read_back(object, "label"), label);
        EXPECT_EQ(object.contains("label_escaped"), !is_utf8(label));
        auto named = some_device();
        named.path = "/dev/" + label;
        EXPECT_EQ(read_back(Json::parse(device(named)), "path"), "/dev/" + label);
    }
}

TEST(JsonText, WhatIsUtf8IsNotTouched) {
    auto event = some_volume();
    event.label = "back\\slash ü";
    const Json object = Json::parse(volume(event));
    EXPECT_EQ(object["label"], "back\\slash ü");
    EXPECT_FALSE(object.contains("label_escaped"));
}

TEST(JsonText, ALabelCannotEndItsLine) {
    auto event = some_volume();
    event.label = "one\ntwo\r\n{\"type\":\"summary\"}";
    EXPECT_EQ(Json::parse(volume(event))["label"], event.label);
}

}  // namespace
}  // namespace raid56::report
