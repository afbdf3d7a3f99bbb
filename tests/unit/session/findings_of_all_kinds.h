// SPDX-License-Identifier: GPL-2.0-or-later
// Findings and counts to be kept and brought back, and what they are as text, every member of them.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "scrub/findings.h"

namespace raid56::session {

/// Every member of a finding; two that differ anywhere differ here.
inline std::string text(const scrub::Damage& damage) {
    std::ostringstream out;
    const auto put = [&](const auto& number) { number ? out << *number << ' ' : out << "- "; };
    out << damage.devid.v << ' ' << damage.physical.v << ' ' << damage.length << ' ' << static_cast<int>(damage.role)
        << ' ' << static_cast<int>(damage.cause) << ' ';
    put(damage.logical ? std::optional(damage.logical->v) : std::nullopt);
    put(damage.chunk ? std::optional(damage.chunk->v) : std::nullopt);
    put(damage.full_stripe);
    put(damage.row);
    out << static_cast<int>(damage.repairable) << ' ' << static_cast<int>(damage.proof) << ' ';
    put(damage.suspect ? std::optional(damage.suspect->v) : std::nullopt);
    out << damage.differing_bytes << ' ';
    put(damage.further_losses);
    return out.str();
}

inline std::string text(const scrub::Unknown& unknown) {
    return std::to_string(unknown.logical.v) + ' ' + std::to_string(unknown.length) + ' ' + unknown.cause + ' ' +
           std::to_string(unknown.undecided);
}

/// As an array: whatever counter is added to the struct is one of them.
inline std::vector<uint64_t> numbers(const scrub::Counters& counters) {
    const auto* first = reinterpret_cast<const uint64_t*>(&counters);
    return {first, first + sizeof counters / sizeof(uint64_t)};
}

/// Each counter another number, from `first` on.
inline scrub::Counters counted(uint64_t first) {
    scrub::Counters counters;
    auto* all = reinterpret_cast<uint64_t*>(&counters);
    for (size_t i = 0; i < sizeof counters / sizeof(uint64_t); i++) all[i] = first + i;
    return counters;
}

/// One with every member filled, and other numbers for each `seed`.
inline scrub::Damage full_damage(uint64_t seed = 0) {
    scrub::Damage damage;
    damage.devid = DevId(3 + seed);
    damage.physical = Physical((uint64_t{1} << 60) + seed);
    damage.length = 8192;
    damage.role = scrub::Role::tree;
    damage.cause = scrub::Cause::header;
    damage.logical = Logical(UINT64_MAX - seed);
    damage.chunk = Logical(uint64_t{1} << 40);
    damage.full_stripe = 77 + seed;
    damage.row = 15;
    damage.repairable = scrub::Repairable::yes;
    damage.proof = scrub::Proof::tree;
    damage.suspect = DevId(4);
    damage.differing_bytes = 512;
    damage.further_losses = 0;  // not the same as none
    return damage;
}

inline scrub::Unknown full_unknown(uint64_t seed = 0) {
    return {Logical(uint64_t{1} << 63 | seed), 65536, "extent-tree", true};
}

}  // namespace raid56::session
