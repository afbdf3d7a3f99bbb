// SPDX-License-Identifier: GPL-2.0-or-later
// A volume of one chunk, of any profile, on devices in memory that fail on request and are watched.
#pragma once

#include <memory>
#include <vector>

#include "device/fault_device.h"
#include "device/memory_device.h"
#include "support/encode.h"
#include "support/watched_device.h"
#include "volume/volume.h"

namespace raid56::test {

/// Bytes that look like nothing; the same for the same seed.
Bytes noise(size_t size, uint64_t seed);

class ChunkImage {
  public:
    static constexpr uint64_t kStart = uint64_t{1} << 32;
    static constexpr uint32_t kSector = 4096;

    /// `length`: of the chunk. Its strips hold noise, its copies and parity agree.
    ChunkImage(format::Profile profile, unsigned stripes, uint64_t length, CsumKind csum = CsumKind::crc32c,
               uint32_t nodesize = kSector);
    /// The same with so many whole full stripes.
    static ChunkImage of(format::Profile profile, unsigned stripes, unsigned full_stripes,
                         CsumKind csum = CsumKind::crc32c, uint32_t nodesize = kSector);

    volume::Volume& volume() { return volume_; }
    const volume::MappedChunk& chunk() const { return volume_.chunks()[0]; }
    const volume::Layout& layout() const { return chunk().layout; }
    unsigned stripes() const { return layout().stripes; }
    unsigned full_stripes() const { return static_cast<unsigned>(chunk().full_stripes()); }

    WatchedDevice& device(unsigned index) { return *devices_[index].watched; }
    device::FaultDevice& faults(unsigned index) { return *devices_[index].faults; }
    /// Where strip `n` of stripe `index` lies on its device, and what it holds; the last one may be shorter.
    uint64_t offset(unsigned n, unsigned index) const { return chunk().physical(StripeNo(n), index).v; }
    ByteSpan strip(unsigned n, unsigned index);
    /// The strip that holds a copy of a column.
    ByteSpan column(unsigned n, unsigned column, unsigned copy = 0);
    unsigned index_of(unsigned n, unsigned column, unsigned copy = 0) const;

    /// Puts bytes to a logical address: every copy. No parity follows.
    void write(uint64_t logical, ByteView bytes);
    /// P and Q of every full stripe from its data.
    void make_parity();

    /// Stripes whose bit is set are on devices that read in finish().
    void make_late(unsigned mask);

  private:
    struct Device {
        std::unique_ptr<WatchedDevice> watched;
        device::FaultDevice* faults = nullptr;
        device::MemoryDevice* memory = nullptr;
    };

    std::vector<Device> devices_;  // by stripe index
    volume::Volume volume_;
};

}  // namespace raid56::test
