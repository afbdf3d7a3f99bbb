// SPDX-License-Identifier: GPL-2.0-or-later
#include <isa-l/crc.h>

#include <algorithm>

#include "checksum/kinds.h"

namespace raid56::checksum {

uint32_t crc32c_update(uint32_t crc, const uint8_t* bytes, size_t length) {
    // ISA-L counts in int, takes a pointer to non-const that it only reads, and inverts nothing.
    constexpr size_t kMost = size_t{1} << 30;
    while (length > 0) {
        size_t n = std::min(length, kMost);
        crc = crc32_iscsi(const_cast<uint8_t*>(bytes), static_cast<int>(n), crc);
        bytes += n;
        length -= n;
    }
    return crc;
}

void crc32c_stored(const uint8_t* bytes, size_t length, uint8_t* out) {
    uint32_t crc = ~crc32c_update(~uint32_t{0}, bytes, length);
    for (size_t i = 0; i < 4; i++) out[i] = static_cast<uint8_t>(crc >> (8 * i));
}

}  // namespace raid56::checksum
