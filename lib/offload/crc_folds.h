// SPDX-License-Identifier: GPL-2.0-or-later
// The constants of the crc32c kernel.
// Thread rule: a pure function.
#pragma once

#include <cstdint>
#include <vector>

namespace raid56::offload {

/// kCrcTables tables of 256 numbers: byte j of a sum, moved on by kGroupSize numbers of 32 bits; then, for each
/// work-item t, what moves its sum from its last number to the end of the block: x^(32 * (kGroupSize - t)) modulo the
/// polynomial of crc32c (Castagnoli, reflected 0x82f63b78), highest bit first.
std::vector<uint32_t> crc_folds();

}  // namespace raid56::offload
