// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/shared_walk.h"

#include <array>

namespace raid56::tree {

void SharedWalk::warm(const TreeRoot& root, const std::function<bool(const Visit& leaf)>& wanted) {
    std::array<uint64_t, format::kMaxTreeLevel + 1> above{};  // the path, by level
    const auto heat = [&](unsigned level) {
        for (unsigned l = level; l <= root.level; l++) hot_.insert(above[l]);
    };
    WalkCallbacks callbacks;
    callbacks.enter = [&](Logical start, uint8_t level) {
        above[level] = start.v;
        if (seen_.insert(start)) return true;
        if (hot_.contains(start.v)) heat(level);
        return false;
    };
    callbacks.lost = [&](const BlockExpect&) { incomplete_ = true; };
    callbacks.visit = [&](const Visit& visit) {
        if (visit.header.level == 0 && wanted(visit)) heat(0);
    };
    walk(reader_, root, callbacks);
}

void SharedWalk::collect(const TreeRoot& root, const std::function<void(const Visit& leaf)>& use) {
    std::unordered_set<uint64_t> entered;
    WalkCallbacks callbacks;
    callbacks.enter = [&](Logical start, uint8_t) { return hot_.contains(start.v) && entered.insert(start.v).second; };
    callbacks.lost = [&](const BlockExpect&) { incomplete_ = true; };
    callbacks.visit = [&](const Visit& visit) {
        if (visit.header.level == 0) use(visit);
    };
    walk(reader_, root, callbacks);
}

}  // namespace raid56::tree
