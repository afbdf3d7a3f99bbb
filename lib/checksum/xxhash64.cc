// SPDX-License-Identifier: GPL-2.0-or-later
#include <xxhash.h>

#include "checksum/kinds.h"

namespace raid56::checksum {

void xxhash64_stored(const uint8_t* bytes, size_t length, uint8_t* out) {
    uint64_t hash = XXH64(bytes, length, 0);
    for (size_t i = 0; i < 8; i++) out[i] = static_cast<uint8_t>(hash >> (8 * i));
}

}  // namespace raid56::checksum
