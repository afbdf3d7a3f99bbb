// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/resume.h"

#include "checksum/checksum.h"
#include "format/superblock.h"
#include "volume/assemble.h"

namespace raid56::session {
namespace {

uint32_t sum_of(ByteView bytes) {
    const Digest digest = checksum::digest(CsumKind::crc32c, bytes);
    return uint32_t{digest[0]} | uint32_t{digest[1]} << 8 | uint32_t{digest[2]} << 16 | uint32_t{digest[3]} << 24;
}

}  // namespace

uint32_t sum_of_erased(const device::Erasures& erased) {
    std::vector<uint8_t> bytes;
    for (const Range range : erased.ranges())
        for (const uint64_t bound : {range.start, range.end})
            for (unsigned i = 0; i < 64; i += 8) bytes.push_back(static_cast<uint8_t>(bound >> i));
    return sum_of(bytes);
}

Json bound_devices(const volume::Volume& volume, const Maps& maps) {
    Json all = Json::array();
    for (const auto& member : volume.members()) {
        if (member.device == nullptr) continue;
        Json one = {{"devid", member.devid.v},
                    {"uuid", volume::uuid_text(member.uuid)},
                    {"generation", member.generation.v},
                    {"size", member.device->size()}};
        // A log is written and replayed within one generation: the superblock tells (FACTS 2).
        std::vector<uint8_t> super(format::kSuperSize);
        if (member.device->read(format::kSuperOffsets[0], super) == 0) one["superblock"] = sum_of(super);
        if (const auto erased = maps.of(member.path)) one["erased"] = sum_of_erased(*erased);
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace raid56::session
