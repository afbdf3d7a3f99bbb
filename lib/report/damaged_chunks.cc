// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/damaged_chunks.h"

#include <algorithm>

namespace raid56::report {

std::optional<size_t> stripe_at(const ChunkPlace& place, uint64_t devid, uint64_t physical) {
    for (size_t i = 0; i < place.parts.size(); i++) {
        const auto& part = place.parts[i];
        if (part.devid == devid && physical >= part.physical && physical - part.physical < place.part_length) return i;
    }
    return std::nullopt;
}

// Of chunks but for `current` the one of which least is lost goes, and of such the last.
void DamagedChunks::make_room(uint64_t current) {
    while (parts_ > kParts) {
        auto least = shown_.end();
        for (auto at = shown_.begin(); at != shown_.end(); ++at)
            if (at->first != current && (least == shown_.end() || at->second.worst >= least->second.worst)) least = at;
        if (least == shown_.end()) return;
        parts_ -= least->second.parts.size();
        shown_.erase(least);
        left_out_++;
    }
}

void DamagedChunks::add(const ChunkPlace& place, const scrub::Damage& damage) {
    const auto stripe = stripe_at(place, damage.devid.v, damage.physical.v);
    if (!stripe) return;
    if (place.parts.size() > kParts) {
        if (too_wide_ != &place) left_out_++;
        too_wide_ = &place;
        return;
    }
    auto& entry = shown_[place.logical];
    if (entry.place == nullptr) {
        entry.place = &place;
        for (const auto& part : place.parts)
            entry.parts.emplace_back(Range{part.physical, part.physical + place.part_length});
        parts_ += entry.parts.size();
        make_room(place.logical);
    }
    entry.parts[*stripe].add(damage);
    entry.worst = std::min(entry.worst, state_of(damage.repairable));
    entry.findings++;
}

}  // namespace raid56::report
