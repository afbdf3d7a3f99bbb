// SPDX-License-Identifier: GPL-2.0-or-later
#include "checksum/many_blocks.h"

#include <vector>

namespace raid56::checksum {

bool agree(void (&many)(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out), Stored& one) {
    constexpr size_t kBlocks = 67, kBlock = 512, kSize = 32;
    std::vector<uint8_t> bytes(kBlocks * kBlock);
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i * i / 7 + i / kBlock);
    std::vector<const uint8_t*> blocks;
    for (size_t i = 0; i < kBlocks; i++) blocks.push_back(bytes.data() + i * kBlock);
    std::vector<uint8_t> have(kBlocks * kSize), want(kBlocks * kSize);
    many(blocks, kBlock, have.data());
    for (size_t i = 0; i < kBlocks; i++) one(blocks[i], kBlock, want.data() + i * kSize);
    return have == want;
}

}  // namespace raid56::checksum
