// SPDX-License-Identifier: GPL-2.0-or-later
// A file system's devices and chunks: who is there, how far each may be believed, and where every
// logical byte lies. Built by assemble.h and then only read; safe from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "device/device.h"
#include "format/superblock.h"
#include "volume/contested.h"
#include "volume/geometry.h"

namespace raid56::volume {

enum class DeviceState : uint8_t { present, stale, unsure, missing, distrusted };

const char* state_name(DeviceState state);

struct Member {
    DevId devid;
    Uuid uuid{};
    Uuid fsid{};  // a seed's own where it differs from the volume's
    uint64_t total_bytes = 0;
    std::optional<format::raw::dev_item> dev_item;  // of the chunk tree, as it lies there
    Generation generation;                          // of its superblock; 0 when missing
    bool seed = false;
    DeviceState state = DeviceState::missing;
    device::ReadDevice* device = nullptr;  // null exactly when missing
    std::string path;                      // as the user named it

    /// Whether bytes that nothing proves may be taken from it.
    bool trusted() const { return state == DeviceState::present || state == DeviceState::unsure; }
    /// Bytes that the device or image lacks of what it should have; 0 where it is missing.
    uint64_t short_by() const {
        return device != nullptr && device->size() < total_bytes ? total_bytes - device->size() : 0;
    }
};

struct MappedChunk {
    format::Chunk chunk;
    Layout layout;
    std::vector<unsigned> members;         // of stripe i: index into Volume::members
    std::vector<StripeNo> without_parity;  // ascending

    bool has_parity(StripeNo n) const;
    uint64_t full_stripes() const { return full_stripe_count(layout, chunk.length); }
    uint64_t extent_length() const { return dev_extent_length(layout, chunk.length); }
    Logical logical(StripeNo n, unsigned column) const { return chunk.start + (n.v * layout.nd + column) * kStripLen; }
    Physical physical(StripeNo n, unsigned index) const { return chunk.stripes[index].offset + n.v * kStripLen; }
    Range dev_extent(unsigned index) const {
        return {physical(StripeNo(0), index).v, physical(StripeNo(0), index).v + extent_length()};
    }
};

class Volume {
  public:
    /// `block`: the bytes that `super` was decoded from.
    Volume(format::Superblock super, std::vector<uint8_t> block)
        : super_(std::move(super)), super_block_(std::move(block)) {}

    const format::Superblock& super() const { return super_; }
    const std::vector<uint8_t>& super_block() const { return super_block_; }
    uint32_t sectorsize() const { return super_.sectorsize; }
    uint32_t nodesize() const { return super_.nodesize; }

    const std::vector<Member>& members() const { return members_; }
    const Member& member_of(const MappedChunk& chunk, unsigned index) const { return members_[chunk.members[index]]; }
    /// Index of the member, or nothing.
    std::optional<unsigned> find_member(DevId devid, const Uuid& uuid) const;

    /// Ascending by start, without overlaps.
    const std::vector<MappedChunk>& chunks() const { return chunks_; }
    /// The chunk that holds `logical`, or nullptr.
    const MappedChunk* find_chunk(Logical logical) const;
    /// Logical space whose chunks are neither known nor known to be lost: what no chunk maps there may yet be mapped.
    const RangeSet& undecided() const { return undecided_; }

    /// Whether a tree block may carry this fsid: the volume's, or that of a seed.
    bool is_own_fsid(const Uuid& fsid) const;

    /// Places that two dev extents claim; as find_contested() left it.
    const Contested& contested() const { return contested_; }

    // Building; not to be called once readers are at work.
    unsigned add_member(Member member);
    Member& member(unsigned index) { return members_[index]; }
    /// Adds a chunk; a stripe's device that nobody named becomes a missing member. An identical one
    /// is taken once; an overlapping one is an error.
    Result<void> add_chunk(format::Chunk chunk);
    void drop_chunks() { chunks_.clear(); }
    void set_undecided(RangeSet ranges) { undecided_ = std::move(ranges); }
    /// Once all chunks are there.
    void find_contested();

  private:
    format::Superblock super_;
    std::vector<uint8_t> super_block_;
    std::vector<Member> members_;
    std::vector<MappedChunk> chunks_;
    RangeSet undecided_;
    Contested contested_;
};

}  // namespace raid56::volume
