// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/survey.h"

#include <algorithm>
#include <functional>

#include "checksum/checksum.h"
#include "tree/block_check.h"

namespace raid56::scrub {
namespace {

// Stale for certain, and for certain the device that it is taken for: more need not be read.
bool is_decided(const Newer& newer) { return newer.refuted && newer.proven_blocks > 0; }

// Checks, on one device, what should have been written there after its superblock was.
class Witness {
  public:
    explicit Witness(const volume::Volume& volume) : volume_(volume) {}

    void check_block(Newer& newer, const format::Extent& extent) {
        const auto* chunk = volume_.find_chunk(extent.start);
        if (chunk == nullptr) return;
        const auto place = volume::place_of(chunk->layout, extent.start - chunk->chunk.start);
        if (place.offset + extent.length > kStripLen) return;  // crosses strips: others speak
        for_each_copy(newer, *chunk, place, extent.length, [&] {
            const tree::BlockExpect expect{extent.start, extent.level, extent.generation, extent.owner, std::nullopt};
            const bool proven = tree::check_block(volume_, bytes_, expect).state == tree::BlockState::proven;
            newer.proven_blocks += proven ? 1 : 0;
            return proven;
        });
    }

    void check_sectors(Newer& newer, Logical start, size_t count, const uint8_t* digests) {
        const CsumKind kind = volume_.super().csum;
        for (size_t i = 0; i < count && !is_decided(newer); i++) {
            const Logical logical = start + i * uint64_t{volume_.sectorsize()};
            const auto* chunk = volume_.find_chunk(logical);
            if (chunk == nullptr) continue;
            const auto place = volume::place_of(chunk->layout, logical - chunk->chunk.start);
            for_each_copy(newer, *chunk, place, volume_.sectorsize(), [&] {
                const Digest digest = checksum::digest(kind, bytes_);
                const bool proven = std::equal(digest.begin(), digest.begin() + static_cast<ptrdiff_t>(csum_size(kind)),
                                               digests + i * csum_size(kind));
                newer.proven_sectors += proven ? 1 : 0;
                newer.telling_sectors +=
                    proven && std::adjacent_find(bytes_.begin(), bytes_.end(), std::not_equal_to<>()) != bytes_.end()
                        ? 1
                        : 0;
                return proven;
            });
        }
    }

  private:
    template <class Proven>
    void for_each_copy(Newer& newer, const volume::MappedChunk& chunk, const volume::Place& place, uint64_t length,
                       Proven&& proven) {
        for (unsigned copy = 0; copy < chunk.layout.copies; copy++) {
            const unsigned index = volume::stripe_index(chunk.layout, place.n, place.column, copy);
            if (chunk.members[index] != newer.member) continue;
            bytes_.resize(length);
            const uint64_t at = chunk.physical(place.n, index).v + place.offset;
            if (volume_.member_of(chunk, index).device->read(at, bytes_) != 0)
                newer.doubt = true;
            else if (!proven())
                newer.refuted = true;
        }
    }

    const volume::Volume& volume_;
    std::vector<uint8_t> bytes_;
};

}  // namespace

Survey survey(const volume::Volume& volume, tree::ExtentStream& extents, tree::CsumStream& csums,
              const std::atomic<bool>& stop, const Selection* part) {
    Survey result;
    result.allocated.resize(volume.chunks().size());
    for (unsigned i = 0; i < volume.members().size(); i++) {
        const auto& member = volume.members()[i];
        if (member.state == volume::DeviceState::present && !member.seed &&
            member.generation < volume.super().generation)
            result.behind.push_back({i, false, false, 0, 0, 0});
    }

    Witness witness(volume);
    std::vector<Range> covered;
    Logical done;
    while (!stop) {
        const auto allocation = extents.next();
        if (!allocation) break;
        if (allocation->unknown) continue;
        const auto& extent = allocation->extent;
        const auto is_newer = [&](const Newer& newer) {
            return extent.generation > volume.members()[newer.member].generation && !is_decided(newer);
        };
        const Range held{extent.start.v, (extent.start + extent.length).v};
        if (const auto* chunk = volume.find_chunk(extent.start))
            result.allocated[static_cast<size_t>(chunk - volume.chunks().data())] +=
                part == nullptr ? held.length() : part->bytes_in(held);
        if (extent.tree) {
            for (auto& newer : result.behind)
                if (is_newer(newer)) witness.check_block(newer, extent);
            continue;
        }

        const Logical from = std::max(extent.start, done), to = extent.start + extent.length;
        if (from >= to) continue;  // the log repeats what the extent tree says
        done = to;
        covered.clear();
        csums.read(from, to, [&](Logical start, size_t count, const uint8_t* digests) {
            covered.push_back({start.v, start.v + count * uint64_t{volume.sectorsize()}});
            for (auto& newer : result.behind)
                if (is_newer(newer)) witness.check_sectors(newer, start, count, digests);
        });
        // The log's checksums come behind the csum tree's.
        std::sort(covered.begin(), covered.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
        uint64_t at = from.v;
        for (const auto& range : covered) {
            if (range.start > at) result.without_checksum.append({at, range.start});
            at = std::max(at, range.end);
        }
        result.without_checksum.append({at, to.v});
    }
    return result;
}

volume::DeviceState judge_behind(const Newer& newer) {
    if (newer.refuted) return volume::DeviceState::stale;
    if (newer.proven_blocks + newer.proven_sectors > 0 && !newer.doubt) return volume::DeviceState::present;
    return volume::DeviceState::unsure;
}

}  // namespace raid56::scrub
