// SPDX-License-Identifier: GPL-2.0-or-later
// Trees as bytes, on a volume in memory whose logical space is that of one device (profile single)
// unless a test maps it otherwise.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "device/fault_device.h"
#include "device/memory_device.h"
#include "support/item_image.h"
#include "support/super_image.h"
#include "tree/block_reader.h"
#include "tree/cursor.h"

namespace raid56::test {

struct HeaderSpec {
    Uuid fsid = uuid_of(0xf5);
    uint64_t bytenr = 0, generation = 7, owner = 5;
};

/// A leaf with these items, in this order.
Bytes encode_leaf(const HeaderSpec& header, const std::vector<ItemSpec>& items, size_t nodesize);

struct PointerSpec {
    Key key;
    uint64_t block = 0, generation = 7;
};
Bytes encode_node(const HeaderSpec& header, uint8_t level, const std::vector<PointerSpec>& pointers, size_t nodesize);

/// A volume of one device: every logical address from kStart on is that physical one. Blocks of 4 KiB,
/// so that small trees have several levels.
class TreeImage {
  public:
    static constexpr uint64_t kStart = 0x100000, kLength = 0x400000;
    static constexpr uint32_t kNode = 4096;

    TreeImage();

    volume::Volume& volume() { return *volume_; }
    tree::BlockReader& reader() { return *reader_; }
    device::FaultDevice& device() { return *device_; }
    ByteSpan bytes() { return memory_->bytes(); }
    std::atomic<bool>& stop() { return stop_; }

    /// Puts bytes to a logical address.
    void write(uint64_t logical, ByteView bytes);
    /// Address of a block not handed out before.
    uint64_t allocate();

    /// Writes a leaf and gives the pointer to it.
    PointerSpec leaf(uint64_t owner, const std::vector<ItemSpec>& items, uint64_t generation = 7);
    PointerSpec node(uint64_t owner, uint8_t level, const std::vector<PointerSpec>& children, uint64_t generation = 7);
    /// Ruins a block, so that no content of it is proven.
    void ruin(uint64_t logical);

    /// A tree whose leaves hold these items, in nodes of at most `fanout` children.
    tree::TreeRoot tree(uint64_t owner, const std::vector<std::vector<ItemSpec>>& leaves, size_t fanout = 3);
    /// Addresses of the leaves that tree() made last.
    const std::vector<uint64_t>& leaves() const { return leaves_; }

  private:
    device::MemoryDevice* memory_ = nullptr;
    std::unique_ptr<device::FaultDevice> device_;
    std::unique_ptr<volume::Volume> volume_;
    std::atomic<bool> stop_{false};
    std::unique_ptr<tree::BlockReader> reader_;
    uint64_t next_ = kStart;
    std::vector<uint64_t> leaves_;
};

}  // namespace raid56::test
