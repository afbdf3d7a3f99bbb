// SPDX-License-Identifier: GPL-2.0-or-later
// File systems of some hundred KiB with all that a scrub looks at: three chunks, every tree, files with and without
// checksums, preallocated ones, a snapshot, perhaps a log. Sound as they are made.
#pragma once

#include <memory>
#include <vector>

#include "base/csum_kind.h"
#include "format/chunk.h"
#include "fuzz/support/overlay_device.h"
#include "volume/geometry.h"

namespace raid56::fuzz {

struct VolumeShape {
    format::Profile profile = format::Profile::raid6;
    unsigned devices = 4;
    CsumKind csum = CsumKind::crc32c;
    uint32_t nodesize = 4096;
    bool log = false;
    bool deep = false;  // the subvolume's tree has two levels
};

/// What a sector of a column holds.
enum class Holds : uint8_t { nothing, tree, csummed, silent, preallocated };

/// One chunk of such a file system.
struct SmallChunk {
    uint64_t logical = 0, length = 0, physical = 0;  // at the same place of all devices
    uint64_t kind = 0;
    volume::Layout layout;
    std::vector<Holds> sectors;  // by logical sector

    uint64_t extent_length() const { return volume::dev_extent_length(layout, length); }
};

class SmallVolume {
  public:
    static constexpr uint32_t kSector = 4096;

    explicit SmallVolume(const VolumeShape& shape);

    /// Everything as it was made.
    void reset();

    const VolumeShape& shape() const { return shape_; }
    std::vector<std::unique_ptr<OverlayDevice>>& devices() { return devices_; }
    const std::vector<std::unique_ptr<OverlayDevice>>& devices() const { return devices_; }
    const std::vector<SmallChunk>& chunks() const { return chunks_; }
    /// Logical addresses of all tree blocks.
    const std::vector<uint64_t>& blocks() const { return blocks_; }

    const SmallChunk& chunk_of(uint64_t logical) const;
    /// The bytes of a tree block as they lie now in the first copy.
    std::vector<uint8_t> read_block(uint64_t logical);
    /// Puts a tree block, to every copy; its checksum holds, where asked for, and its rows' parity fits.
    void write_block(uint64_t logical, std::vector<uint8_t> block, bool sign, bool parity);
    /// The superblock of a device, with a checksum that holds where asked for.
    void write_super(unsigned device, std::vector<uint8_t> block, bool sign);

  private:
    void write_logical(uint64_t logical, ByteView bytes);
    void make_parity(const SmallChunk& chunk, uint64_t logical, uint64_t length);
    void make_chunks();
    void make_trees();
    void make_supers();
    uint64_t take(unsigned chunk, uint32_t length, Holds what);

    VolumeShape shape_;
    std::vector<SmallChunk> chunks_;  // system, metadata, data
    std::vector<std::unique_ptr<OverlayDevice>> devices_;
    std::vector<uint64_t> blocks_;
    std::vector<uint64_t> next_;  // by chunk: the next free address
    uint64_t root_ = 0, chunk_root_ = 0, log_root_ = 0;
};

}  // namespace raid56::fuzz
