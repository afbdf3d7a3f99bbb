// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/volume.h"

#include <algorithm>

namespace raid56::volume {

const char* state_name(DeviceState state) {
    switch (state) {
        case DeviceState::present: return "present";
        case DeviceState::stale: return "stale";
        case DeviceState::unsure: return "unsure";
        case DeviceState::missing: return "missing";
        case DeviceState::distrusted: return "distrusted";
    }
    return "?";
}

bool MappedChunk::has_parity(StripeNo n) const {
    return layout.np > 0 && !std::binary_search(without_parity.begin(), without_parity.end(), n);
}

std::optional<unsigned> Volume::find_member(DevId devid, const Uuid& uuid) const {
    for (unsigned i = 0; i < members_.size(); i++)
        if (members_[i].devid == devid && members_[i].uuid == uuid) return i;
    return std::nullopt;
}

const MappedChunk* Volume::find_chunk(Logical logical) const {
    const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), logical,
                                        [](Logical l, const MappedChunk& c) { return l < c.chunk.start; });
    if (after == chunks_.begin()) return nullptr;
    const auto& candidate = *(after - 1);
    return logical < candidate.chunk.end() ? &candidate : nullptr;
}

bool Volume::is_own_fsid(const Uuid& fsid) const {
    if (fsid == super_.metadata_uuid) return true;
    return std::any_of(members_.begin(), members_.end(), [&](const Member& m) { return m.seed && m.fsid == fsid; });
}

unsigned Volume::add_member(Member member) {
    members_.push_back(std::move(member));
    return static_cast<unsigned>(members_.size() - 1);
}

Result<void> Volume::add_chunk(format::Chunk chunk) {
    const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), chunk.start,
                                        [](Logical l, const MappedChunk& c) { return l < c.chunk.start; });
    const auto overlap = [&](const MappedChunk& other) {
        return other.chunk.start < chunk.end() && chunk.start < other.chunk.end();
    };
    if (after != chunks_.begin()) {
        const auto& before = *(after - 1);
        if (before.chunk == chunk) return {};
        if (overlap(before))
            return Error{"corrupt chunk: " + std::to_string(chunk.start.v) + " overlaps the chunk at " +
                         std::to_string(before.chunk.start.v)};
    }
    if (after != chunks_.end() && overlap(*after))
        return Error{"corrupt chunk: " + std::to_string(chunk.start.v) + " overlaps the chunk at " +
                     std::to_string(after->chunk.start.v)};

    MappedChunk mapped;
    mapped.layout = layout_of(chunk.profile, static_cast<unsigned>(chunk.stripes.size()));
    for (const auto& stripe : chunk.stripes) {
        auto member = find_member(stripe.devid, stripe.dev_uuid);
        if (!member) {
            Member missing;
            missing.devid = stripe.devid;
            missing.uuid = stripe.dev_uuid;
            missing.fsid = super_.metadata_uuid;
            member = add_member(std::move(missing));
        }
        mapped.members.push_back(*member);
    }
    mapped.without_parity = stripes_without_parity(chunk, mapped.layout);
    mapped.chunk = std::move(chunk);
    chunks_.insert(after, std::move(mapped));
    return {};
}

void Volume::find_contested() {
    std::vector<Claim> claims;
    for (const auto& chunk : chunks_)
        for (unsigned i = 0; i < chunk.layout.stripes; i++) claims.push_back({chunk.members[i], chunk.dev_extent(i)});
    contested_ = Contested(std::move(claims));
}

}  // namespace raid56::volume
