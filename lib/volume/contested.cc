// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/contested.h"

#include <algorithm>
#include <tuple>

namespace raid56::volume {

// In ascending order a claim meets those before it up to the furthest end that any of them has.
Contested::Contested(std::vector<Claim> claims) {
    std::sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) {
        return std::tie(a.member, a.place.start) < std::tie(b.member, b.place.start);
    });
    uint64_t furthest = 0;
    for (size_t i = 0; i < claims.size(); i++) {
        const auto& [member, place] = claims[i];
        if (i == 0 || claims[i - 1].member != member) furthest = 0;
        const Range shared = intersect(place, {0, furthest});
        if (!shared.empty()) {
            if (places_.size() <= member) places_.resize(member + 1);
            places_[member].append(shared);
        }
        furthest = std::max(furthest, place.end);
    }
}

std::vector<Range> Contested::parts(unsigned member, Range place) const {
    std::vector<Range> all;
    if (member < places_.size()) places_[member].overlaps(place, [&](Range part) { all.push_back(part); });
    return all;
}

const std::vector<Range>& Contested::places(unsigned member) const {
    static const std::vector<Range> kNone;
    return member < places_.size() ? places_[member].ranges() : kNone;
}

}  // namespace raid56::volume
