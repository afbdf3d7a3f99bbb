// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/rebuilt_device.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/printable.h"
#include "checksum/checksum.h"
#include "repair/super_image.h"
#include "volume/assemble.h"

namespace raid56::repair {
namespace {

constexpr uint64_t kReserved = 1 << 20;  // btrfs allocates nothing before it (FACTS 1)
// Shorter runs of zeros are written with what is around them: a hole for each would cost more than it saves.
constexpr size_t kWorthAHole = kStripLen;
constexpr size_t kSectorOfDisk = 512;  // what a power cut leaves whole

bool is_zero(ByteView bytes) {
    return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// Whether each unit is that of one or the other.
bool is_torn_between(ByteView bytes, ByteView a, ByteView b) {
    for (size_t at = 0; at < bytes.size(); at += kSectorOfDisk) {
        const auto unit = [&](ByteView view) { return view.subspan(at, kSectorOfDisk); };
        if (!std::ranges::equal(unit(bytes), unit(a)) && !std::ranges::equal(unit(bytes), unit(b))) return false;
    }
    return true;
}

constexpr std::string_view kMarkerBegins = "btrfs-raid56: devid ";
constexpr size_t kWitness = 4096;

uint32_t sum_of(ByteView bytes) {
    const auto digest = checksum::digest(CsumKind::crc32c, bytes);
    return digest[0] | digest[1] << 8 | digest[2] << 16 | uint32_t{digest[3]} << 24;
}

}  // namespace

bool is_marker(ByteView block) {
    return block.size() >= kMarkerBegins.size() &&
           std::equal(kMarkerBegins.begin(), kMarkerBegins.end(), block.begin());
}

std::vector<uint8_t> make_marker(const volume::Volume& volume, DevId devid, uint64_t id) {
    char number[17];
    std::snprintf(number, sizeof number, "%016llx", static_cast<unsigned long long>(id));
    const std::string text = std::string(kMarkerBegins) + std::to_string(devid.v) + " of file system " +
                             volume::uuid_text(volume.super().fsid) +
                             " is being written anew here; this is not complete\nid " + number + "\n";
    std::vector<uint8_t> block(format::kSuperSize);
    std::copy(text.begin(), text.end(), block.begin());
    return block;
}

RebuiltDevice::RebuiltDevice(const volume::Volume& volume, unsigned member, device::WriteDevice& device, uint64_t id)
    : volume_(volume),
      member_(member),
      devid_(volume.members()[member].devid),
      total_bytes_(volume.members()[member].total_bytes),
      device_(device),
      marker_(make_marker(volume, devid_, id)) {}

int RebuiltDevice::begin() {
    if (const int error = device_.zero(0, std::min(kReserved, device_.size())); error != 0) return error;
    for (const uint64_t place : format::kSuperOffsets) {
        if (place > device_.size() || device_.size() - place < format::kSuperSize) continue;
        if (const int error = device_.zero(place, format::kSuperSize); error != 0) return error;
    }
    // Nothing of the marker before the old copies are gone for good.
    if (const int error = device_.sync(); error != 0) return error;
    if (const int error = device_.write(format::kSuperOffsets[0], marker_); error != 0) return error;
    return device_.sync();
}

Result<bool> RebuiltDevice::is_begun(bool finishing) {
    std::vector<uint8_t> found(format::kSuperSize);
    if (const int error = device_.read(format::kSuperOffsets[0], found); error != 0)
        return Error{printable(device_.path()) + ": cannot be read: " + std::strerror(error)};
    if (found == marker_) return true;
    return finishing && is_torn_between(found, marker_, super(0));
}

int RebuiltDevice::put(Physical physical, ByteView bytes) {
    if (physical.v > total_bytes_ || total_bytes_ - physical.v < bytes.size()) return ENOSPC;
    uint64_t from = physical.v;
    for (const uint64_t place : format::kSuperOffsets) {
        const uint64_t to = from + bytes.size();
        if (to <= place || place + format::kSuperSize <= from) continue;
        if (from < place)
            if (const int error = put_around(from, bytes.first(place - from)); error != 0) return error;
        const uint64_t behind = std::min(to, place + format::kSuperSize);
        bytes = bytes.subspan(behind - from);
        from = behind;
    }
    return put_around(from, bytes);
}

// Runs of zeros, and of what is none.
int RebuiltDevice::put_around(uint64_t from, ByteView bytes) {
    size_t start = 0;
    bool zeros = false;
    const auto end_run = [&](size_t end) {
        if (start == end) return 0;
        const int error = zeros ? device_.zero(from + start, end - start)
                                : device_.write(from + start, bytes.subspan(start, end - start));
        if (!zeros && error == 0) {
            const size_t length = std::min(kWitness, end - start);
            const auto last = bytes.subspan(end - length, length);
            if (!is_zero(last)) witness_ = {Physical(from + end - length), length, sum_of(last)};
        }
        start = end;
        return error;
    };
    for (size_t at = 0; at < bytes.size(); at += kWorthAHole) {
        const bool zero = is_zero(bytes.subspan(at, std::min(kWorthAHole, bytes.size() - at)));
        if (zero == zeros) continue;
        if (const int error = end_run(at); error != 0) return error;
        zeros = zero;
    }
    return end_run(bytes.size());
}

Result<bool> RebuiltDevice::holds(const Witness& witness) {
    if (witness.length > kWitness) return false;
    std::vector<uint8_t> bytes(witness.length);
    if (const int error = device_.read(witness.physical.v, bytes); error != 0)
        return Error{printable(device_.path()) + ": cannot be read: " + std::strerror(error)};
    return sum_of(bytes) == witness.sum;
}

std::vector<Physical> RebuiltDevice::supers() const {
    std::vector<Physical> places;
    for (unsigned i = 0; i < format::kSuperOffsets.size(); i++)
        if (format::super_copy_exists(i, total_bytes_)) places.push_back(Physical(format::kSuperOffsets[i]));
    return places;
}

std::vector<uint8_t> RebuiltDevice::super(unsigned index) const {
    return make_super(volume_.super_block(), *volume_.members()[member_].dev_item, index, volume_.super().csum);
}

int RebuiltDevice::finish() {
    const auto places = supers();
    for (size_t i = places.size(); i-- > 0;) {
        if (const int error = device_.write(places[i].v, super(static_cast<unsigned>(i))); error != 0) return error;
        // Copy 0 makes it a member: only beside copies that last.
        if (i <= 1)
            if (const int error = device_.sync(); error != 0) return error;
    }
    return 0;
}

}  // namespace raid56::repair
