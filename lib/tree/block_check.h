// SPDX-License-Identifier: GPL-2.0-or-later
// Proof of one tree block: its checksum and everything that its place in the trees demands of it
// (FACTS 10). A block that lies stale on a disk has a valid checksum: only the rest unmasks it.
#pragma once

#include <atomic>
#include <optional>

#include "format/tree_block.h"
#include "stripe/search.h"
#include "volume/volume.h"

namespace raid56::tree {

/// What is known of a block before it is read; what is not known is not checked.
struct BlockExpect {
    Logical start;
    std::optional<uint8_t> level;
    std::optional<Generation> generation;
    std::optional<uint64_t> owner;
    std::optional<format::Key> first_key;
    bool operator==(const BlockExpect&) const = default;
};

enum class BlockState : uint8_t { proven, bad_checksum, bad_header };

struct BlockCheck {
    BlockState state = BlockState::proven;
    std::optional<format::Reject> reject;  // bad_header
};

/// `block` is nodesize bytes.
BlockCheck check_block(const volume::Volume& volume, ByteView block, const BlockExpect& expect);

/// The same as proof for a search over sectors.
class BlockOracle : public stripe::Oracle {
  public:
    BlockOracle(const volume::Volume& volume, const BlockExpect& expect, const std::atomic<bool>& stop)
        : volume_(volume), expect_(expect), stop_(stop) {}
    bool plausible(size_t index, ByteView sector) const override;
    bool proven(ByteView block) const override;
    bool equivalent(ByteView a, ByteView b) const override;
    bool collision_free() const override;
    bool give_up() const override { return stop_; }

  private:
    const volume::Volume& volume_;
    const BlockExpect& expect_;
    const std::atomic<bool>& stop_;
};

/// Whether a checksum kind is a cryptographic digest.
constexpr bool is_collision_free(CsumKind kind) { return kind == CsumKind::sha256 || kind == CsumKind::blake2b; }

}  // namespace raid56::tree
