// SPDX-License-Identifier: GPL-2.0-or-later
// Random damage to images in memory, much of it behind checksums that are right: as somebody would make it who wants
// to hurt the reader.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/csum_kind.h"
#include "cmd/repair_world.h"

namespace raid56::hostile {

/// Bytes with a checksum of their own: where each copy of them lies.
struct Block {
    struct Place {
        std::string path;
        uint64_t offset = 0;
    };
    std::vector<Place> copies;
    uint32_t length = 0;
    bool is_super = false;
};

/// What there is to hit in a set of images.
struct Targets {
    CsumKind csum = CsumKind::crc32c;
    std::vector<Block> supers;         // of all devices, by number of the copy
    std::vector<Block> trees;          // by logical address
    std::vector<Block::Place> filled;  // 4 KiB units that are not all zeros
    std::map<std::string, uint64_t> size;
};

/// Looks at every unit of the world's devices.
Targets find_targets(cmd::RepairWorld& world);

class Damage {
  public:
    Damage(cmd::RepairWorld& world, const Targets& targets, uint64_t seed)
        : world_(world), targets_(targets), random_(seed) {}
    /// One to eight changes of any kind.
    void plant();

  private:
    using Bytes = std::vector<uint8_t>;

    uint64_t below(uint64_t n) { return random_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class T>
    const T& any(const std::vector<T>& all) {
        return all[below(all.size())];
    }

    void change();
    void flip_bits();
    void edit_block(const Block& block);
    void exchange_blocks();
    void splice();
    void wipe();
    void truncate();
    void edit(Bytes& bytes, const Block& block);
    size_t place_in(const Bytes& bytes, const Block& block);
    void seal(Bytes& bytes) const;
    Bytes read(const Block::Place& place, size_t length);
    void write(const Block::Place& place, const Bytes& bytes);

    cmd::RepairWorld& world_;
    const Targets& targets_;
    std::mt19937_64 random_;
};

}  // namespace raid56::hostile
