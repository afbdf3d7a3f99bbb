// SPDX-License-Identifier: GPL-2.0-or-later
// Plain zeroed memory, for engines that have no demands of their own.
// Thread rule: none of its own. Does not promise that pages are resident or pinned.
#pragma once

#include <cstddef>
#include <memory>

#include "parity/engine.h"

namespace raid56::parity {

/// `size` zeroed bytes, aligned to 4096. Throws std::bad_alloc.
std::unique_ptr<Buffer> plain_buffer(size_t size);

}  // namespace raid56::parity
