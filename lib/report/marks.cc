// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/marks.h"

#include <algorithm>

namespace raid56::report {
namespace {

constexpr std::array kRoles = {scrub::Role::data, scrub::Role::tree, scrub::Role::p,
                               scrub::Role::q,    scrub::Role::free, scrub::Role::super};

bool has_content(scrub::Role role) {
    switch (role) {
        case scrub::Role::data:
        case scrub::Role::tree:
        case scrub::Role::super: return true;
        case scrub::Role::p:
        case scrub::Role::q:
        case scrub::Role::free: return false;
    }
    return true;
}

uint8_t bit_of(scrub::Role role) { return static_cast<uint8_t>(1u << static_cast<unsigned>(role)); }

std::vector<scrub::Role> roles_of(uint8_t bits) {
    std::vector<scrub::Role> roles;
    for (const auto role : kRoles)
        if ((bits & bit_of(role)) != 0) roles.push_back(role);
    return roles;
}

bool any_content(const std::vector<scrub::Role>& roles) { return std::ranges::any_of(roles, has_content); }

}  // namespace

State state_of(scrub::Repairable repairable) {
    switch (repairable) {
        case scrub::Repairable::no: return State::lost;
        case scrub::Repairable::undecided: return State::undecided;
        case scrub::Repairable::yes: return State::repairable;
    }
    return State::lost;
}

std::string state_words(State state) {
    switch (state) {
        case State::lost: return "lost";
        case State::undecided: return "undecided";
        case State::repairable: return "repairable";
    }
    return "?";
}

bool Mark::is_content() const { return any_content(roles); }

// The last one may be shorter.
Range Marks::piece(size_t number) const {
    const uint64_t start = place_.start + number * piece_length();
    return {start, place_.end - start > piece_length() ? start + piece_length() : place_.end};
}

size_t Marks::piece_at(uint64_t at) const {
    const uint64_t last = place_.empty() ? 0 : place_.length() - 1;
    const uint64_t offset = at < place_.start ? 0 : std::min(at - place_.start, last);
    return static_cast<size_t>(offset / piece_length());
}

void Marks::add(const scrub::Damage& damage) {
    if (damage.length == 0) return;
    const State state = state_of(damage.repairable);
    const uint64_t start = damage.physical.v;
    const uint64_t end = start + std::min(damage.length, UINT64_MAX - start);
    const size_t first = piece_at(start), last = piece_at(end - 1);
    if (pieces_.empty()) pieces_.resize(piece_at(UINT64_MAX) + 1);
    uint64_t left = damage.length;
    for (size_t i = first; i <= last; i++) {
        const uint64_t here = i == last ? left : std::min(left, piece(i).end - std::max(piece(i).start, start));
        pieces_[i].bytes[state] += here;
        pieces_[i].roles[static_cast<size_t>(state)] |= bit_of(damage.role);
        left -= here;
    }
    bytes_[state] += damage.length;
}

std::vector<Mark> Marks::of(State state) const {
    std::vector<Mark> marks;
    uint8_t bits = 0;
    for (size_t i = 0; i < pieces_.size(); i++) {
        const uint64_t bytes = pieces_[i].bytes[state];
        const uint8_t roles = pieces_[i].roles[static_cast<size_t>(state)];
        if (roles == 0) continue;
        const bool joins = !marks.empty() && marks.back().place.end == piece(i).start &&
                           any_content(roles_of(bits)) == any_content(roles_of(roles));
        bits = joins ? bits | roles : roles;
        if (!joins) marks.push_back({piece(i), state, 0, {}});
        marks.back().place.end = piece(i).end;
        marks.back().bytes += bytes;
        marks.back().roles = roles_of(bits);
    }
    return marks;
}

}  // namespace raid56::report
