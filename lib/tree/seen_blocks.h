// SPDX-License-Identifier: GPL-2.0-or-later
// Which blocks a walk over several trees has seen: one bit a sector, in pieces that exist once something there
// was seen.
#pragma once

#include <bitset>
#include <cstdint>
#include <unordered_map>

#include "base/units.h"

namespace raid56::tree {

class SeenBlocks {
  public:
    explicit SeenBlocks(uint32_t sectorsize) : sectorsize_(sectorsize) {}

    /// True the first time.
    bool insert(Logical start) {
        const uint64_t sector = start.v / sectorsize_;
        auto& bits = pieces_[sector / kBits];
        const bool fresh = !bits[sector % kBits];
        bits.set(sector % kBits);
        return fresh;
    }

  private:
    static constexpr size_t kBits = 4096;
    uint32_t sectorsize_;
    std::unordered_map<uint64_t, std::bitset<kBits>> pieces_;
};

}  // namespace raid56::tree
