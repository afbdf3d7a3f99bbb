// SPDX-License-Identifier: GPL-2.0-or-later
// A device that is written anew, whole. While that goes on, its superblock place says so, and no superblock
// copy is on it; the copies come last, copy 0 last of all.
//
// Thread rule: one thread. Functions return 0 or an errno unless they say otherwise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "device/write_device.h"
#include "volume/volume.h"

namespace raid56::repair {

/// What lies at the place of superblock copy 0 meanwhile: text for people, and for a later run the proof that
/// this is the device which it began. 4096 bytes.
std::vector<uint8_t> make_marker(const volume::Volume& volume, DevId devid, uint64_t id);

/// A piece of what was written, and its crc32c.
struct Witness {
    Physical physical;
    uint64_t length = 0;
    uint32_t sum = 0;
};

/// Whether it is such a mark, of any rebuild.
bool is_marker(ByteView block);

class RebuiltDevice {
  public:
    /// `member`: the missing device that it becomes; its dev_item is known.
    RebuiltDevice(const volume::Volume& volume, unsigned member, device::WriteDevice& device, uint64_t id);

    unsigned member() const { return member_; }
    DevId devid() const { return devid_; }
    device::WriteDevice& device() const { return device_; }

    /// Wipes what an older owner left in the first MiB and at the superblock places, and leaves the marker.
    int begin();
    /// Whether begin() was called with that id, and finish() not, or not to its end (`finishing`).
    Result<bool> is_begun(bool finishing);

    /// Writes, but for the superblock places; what is zero takes no space where that can be had. ENOSPC beyond the
    /// size that the device has in the file system.
    int put(Physical physical, ByteView bytes);
    int sync() { return device_.sync(); }
    /// Writes the superblock copies: after everything put() is on stable storage.
    int finish();
    /// The last piece that was written and is not all zeros: a later run looks whether it is still there.
    const std::optional<Witness>& witness() const { return witness_; }
    Result<bool> holds(const Witness& witness);
    /// Where finish() writes copies, ascending.
    std::vector<Physical> supers() const;

  private:
    int put_around(uint64_t from, ByteView bytes);
    std::vector<uint8_t> super(unsigned index) const;

    const volume::Volume& volume_;
    unsigned member_;
    DevId devid_;
    uint64_t total_bytes_;
    device::WriteDevice& device_;
    std::vector<uint8_t> marker_;
    std::optional<Witness> witness_;
};

}  // namespace raid56::repair
