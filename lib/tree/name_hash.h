// SPDX-License-Identifier: GPL-2.0-or-later
// Under which key a directory has a name.
#pragma once

#include <string_view>

#include "checksum/checksum.h"

namespace raid56::tree {

/// The offset of the DIR_ITEM key: raw crc32c with seed ~1.
inline uint64_t name_hash(std::string_view name) {
    return checksum::raw_crc32c(~uint32_t{1}, ByteView(reinterpret_cast<const uint8_t*>(name.data()), name.size()));
}

}  // namespace raid56::tree
