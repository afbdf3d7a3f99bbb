// SPDX-License-Identifier: GPL-2.0-or-later
// What every part of the scrub works with, and the small questions that several of them ask.
#pragma once

#include <atomic>

#include "parity/engine.h"
#include "scrub/batch.h"
#include "scrub/classify.h"
#include "tree/block_reader.h"

namespace raid56::scrub {

struct Context {
    const volume::Volume& volume;
    parity::Engine& engine;
    tree::BlockReader& reader;  // for blocks that cross strips
    const std::atomic<bool>& stop;
    bool want_fixes = false;  // collect what a repair would write
    NoChecksum no_checksum = NoChecksum::report;
    bool free_in_doubt = false;  // a log tree that cannot be had may use any free sector
    // Missing devices that are made anew, by member; none where that is empty. Their strips are then what
    // should be there, as far as that can be known, and go to Sink::made().
    std::vector<bool> made_anew = {};
    bool free_rows = false;  // compare what the rows hold that hold nothing, too

    bool makes(unsigned member) const { return member < made_anew.size() && made_anew[member]; }
};

/// The cause that stands for a device which is not to be believed.
inline Cause device_cause(volume::DeviceState state) {
    switch (state) {
        case volume::DeviceState::missing: return Cause::missing;
        case volume::DeviceState::stale: return Cause::stale;
        case volume::DeviceState::distrusted: return Cause::distrusted;
        case volume::DeviceState::present:
        case volume::DeviceState::unsure: break;
    }
    return Cause::unreadable;
}

/// Whether a sector carries the checksum that is expected of it.
bool digest_holds(const Window& window, size_t sector, CsumKind kind, const uint8_t* bytes);

/// Blocks of the window that have a sector in full stripe n (counted from the window's first).
std::pair<size_t, size_t> blocks_of_stripe(const Window& window, uint32_t nodesize, unsigned n);

/// Proof of one data sector for a search.
class SectorOracle : public stripe::Oracle {
  public:
    SectorOracle(const Window& window, size_t sector, CsumKind kind) : window_(window), sector_(sector), kind_(kind) {}
    bool plausible(size_t, ByteView) const override { return true; }
    bool proven(ByteView block) const override { return digest_holds(window_, sector_, kind_, block.data()); }
    bool equivalent(ByteView, ByteView) const override { return false; }  // every byte counts
    bool collision_free() const override { return tree::is_collision_free(kind_); }

  private:
    const Window& window_;
    size_t sector_;
    CsumKind kind_;
};

}  // namespace raid56::scrub
