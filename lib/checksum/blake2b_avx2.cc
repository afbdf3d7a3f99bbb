// SPDX-License-Identifier: GPL-2.0-or-later
// Compiled for AVX2; called only where the processor has it.
#include "checksum/blake2b_lanes.h"

namespace raid56::checksum {

void blake2b_avx2(const uint8_t* const* blocks, size_t block_size, uint8_t* out) {
    typedef uint64_t Words __attribute__((vector_size(32)));
    Blake2bLanes<Words>::digest(blocks, block_size, out);
}

}  // namespace raid56::checksum
