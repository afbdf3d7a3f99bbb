// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/block_check.h"

#include <algorithm>

#include "checksum/checksum.h"

namespace raid56::tree {
namespace {

using format::Reason;
using format::Reject;

std::optional<Reject> check_header(const volume::Volume& volume, const format::Header& header,
                                   const BlockExpect& expect) {
    if (header.bytenr != expect.start) return Reject{Reason::bad_bytenr, header.bytenr.v, expect.start.v};
    if (!volume.is_own_fsid(header.fsid)) return Reject{Reason::bad_fsid, 0, 0};
    if (header.level > format::kMaxTreeLevel) return Reject{Reason::bad_level, header.level, format::kMaxTreeLevel};
    if (expect.level && header.level != *expect.level) return Reject{Reason::bad_level, header.level, *expect.level};
    if (expect.generation && header.generation != *expect.generation)
        return Reject{Reason::bad_generation, header.generation.v, expect.generation->v};
    if (expect.owner && header.owner != *expect.owner) return Reject{Reason::bad_owner, header.owner, *expect.owner};
    return std::nullopt;
}

}  // namespace

BlockCheck check_block(const volume::Volume& volume, ByteView block, const BlockExpect& expect) {
    const CsumKind kind = volume.super().csum;
    const Digest digest = checksum::digest(kind, block.subspan(format::kCsumField));
    if (!std::equal(digest.begin(), digest.begin() + static_cast<ptrdiff_t>(csum_size(kind)), block.begin()))
        return {BlockState::bad_checksum, std::nullopt};
    const auto header = format::decode_header(block);
    if (auto reject = check_header(volume, header, expect)) return {BlockState::bad_header, reject};
    if (const auto structure = format::check_structure(block, volume.sectorsize()); !structure)
        return {BlockState::bad_header, structure.error()};
    if (expect.first_key && (header.nritems == 0 || format::block_key(block, header.level, 0) != *expect.first_key))
        return {BlockState::bad_header, Reject{Reason::bad_first_key, 0, 0}};
    return {};
}

bool BlockOracle::plausible(size_t index, ByteView sector) const {
    return index != 0 || !check_header(volume_, format::decode_header(sector), expect_);
}

bool BlockOracle::proven(ByteView block) const {
    return check_block(volume_, block, expect_).state == BlockState::proven;
}

// The bytes between the end of the checksum and the fsid are proven by nothing and mean nothing.
bool BlockOracle::equivalent(ByteView a, ByteView b) const {
    const auto tail = [](ByteView block) { return block.subspan(format::kCsumField); };
    return std::equal(tail(a).begin(), tail(a).end(), tail(b).begin());
}

bool BlockOracle::collision_free() const { return is_collision_free(volume_.super().csum); }

}  // namespace raid56::tree
