// SPDX-License-Identifier: GPL-2.0-or-later
// Trees that an input describes, on a device in memory whose blocks are all zeros before the next input. Blocks of
// 4 KiB; logical and physical addresses are the same. Written straight into that memory: millions of times.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "device/device.h"
#include "fuzz/support/input.h"
#include "tree/block_reader.h"
#include "tree/cursor.h"

namespace raid56::fuzz {

/// A device that counts what is read of it.
class CountingDevice final : public device::ReadDevice {
  public:
    explicit CountingDevice(size_t size) : bytes_(size) {}
    uint64_t size() const override { return bytes_.size(); }
    const std::string& path() const override { return path_; }
    void start(device::ReadOp& op) override { op.error = 0; }
    void finish(device::ReadOp& op) override;

    ByteSpan bytes() { return bytes_; }
    uint64_t reads() const { return reads_; }
    void forget_reads() { reads_ = 0; }

  private:
    std::vector<uint8_t> bytes_;
    std::string path_ = "memory";
    uint64_t reads_ = 0;
};

/// What a leaf gets; its bytes are the caller's.
using Items = std::vector<format::Item>;
using Pointers = std::vector<format::Pointer>;

class TreeWorld {
  public:
    static constexpr uint32_t kNode = 4096;
    static constexpr uint32_t kBlocks = 48;
    static constexpr uint64_t kGeneration = 7;

    explicit TreeWorld(CsumKind csum);

    /// Nothing is there: to be called for each input. The first blocks are kept for roots: see below.
    void clear();

    volume::Volume& volume() { return *volume_; }
    tree::BlockReader& reader() { return *reader_; }
    /// The same blocks, and a superblock whose tree of roots is that of slot 0; with a log, of slot 1.
    tree::BlockReader& rooted(bool log) { return log ? *logged_.reader : *rooted_.reader; }
    CountingDevice& device() { return device_; }

    /// The n-th block of the world.
    static uint64_t address(uint32_t n) { return kWorldStart + uint64_t{n} * kNode; }
    static constexpr uint32_t kRootSlot = 0, kLogSlot = 1, kFirstFree = 2;
    uint32_t blocks_used() const { return used_; }
    /// The next free block; nothing where none is left.
    std::optional<uint32_t> take_slot();

    /// Puts a block with a checksum that holds.
    void put(uint32_t slot, ByteView block);
    /// A leaf or node of that owner; what does not fit is left out.
    void put_leaf(uint32_t slot, uint64_t owner, std::span<const format::Item> items);
    void put_node(uint32_t slot, uint64_t owner, uint8_t level, const Pointers& pointers);
    /// No content of that block is proven.
    void ruin(uint32_t slot) { device_.bytes()[address(slot) + 64] ^= 1; }

    /// A tree with those items: one leaf, or up to four below a node. `shape`: bits 0-1 leaves - 1; bit 2: keys are
    /// taken as they come, not sorted; bit 3: the second leaf is ruined. With `root_slot` its root is a node there.
    tree::TreeRoot tree(uint64_t owner, Items& items, uint8_t shape, std::optional<uint32_t> root_slot = {});

  private:
    struct View {
        std::unique_ptr<volume::Volume> volume;
        std::unique_ptr<tree::BlockReader> reader;
    };
    View view(const format::Superblock& super);
    uint8_t* begin(uint32_t slot, uint64_t owner, uint8_t level);
    void seal(uint32_t slot);

    CsumKind csum_;
    std::atomic<bool> stop_{false};
    CountingDevice device_{kWorldStart + size_t{kBlocks} * kNode};
    std::unique_ptr<volume::Volume> volume_;
    std::unique_ptr<tree::BlockReader> reader_;
    View rooted_, logged_;
    uint32_t used_ = kFirstFree;
};

/// Items as an input lists them: for each a type (an index into `types`, or any byte where it is past them), the
/// numbers of its key, its length and bytes. At most `most`; ends with the input. Their bytes are the input's.
Items read_items(Input& input, std::span<const uint8_t> types, size_t most = 24);

/// The world of crc32c, or of xxhash64 where `wide` is set; made once, empty.
TreeWorld& tree_world(bool wide);

/// A ROOT_ITEM's data, in memory that stays until the next call with the same `n` (< 32).
ByteView root_data(unsigned n, uint64_t block, uint8_t level, uint32_t refs);

}  // namespace raid56::fuzz
