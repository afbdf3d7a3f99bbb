// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a plan down as it is found: filtered by what the user allows, with what its file has to keep.
//
// Thread rule: one thread.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>

#include "repair/approved.h"
#include "repair/log.h"
#include "scrub/fix.h"
#include "scrub/stripe_set.h"

namespace raid56::repair {

/// What the user lets a repair write.
struct Limits {
    std::set<Kind> only;                 // empty: everything
    std::optional<uint64_t> max_writes;  // in the order of the plan
};

/// What a file keeps of each write.
enum class Keep : uint8_t {
    places,   // a list, to be printed: no bytes
    plan,     // the new bytes, and a digest of the old ones
    journal,  // the old bytes and the new ones
};

class Planner {
  public:
    /// `approved`: writes that alone may be taken, or nullptr.
    Planner(LogWriter& log, Keep keep, const Limits& limits, const volume::Volume& volume, Approved* approved = nullptr)
        : log_(log), keep_(keep), limits_(limits), volume_(volume), approved_(approved) {}

    /// Takes a write, or leaves it out where the limits say so. Returns 0 or an errno of the file.
    int add(Write write, WriteBytes bytes);
    int add(const scrub::FixList& list);

    /// The plan is complete: which short images get their full length.
    void finish();
    /// Devices that stay behind, whatever is written: none of theirs may be called up to date.
    void keep_behind(DevId devid) { behind_.insert(devid); }
    /// The superblocks contradict each other: nobody knows which trees to believe, and nothing is written.
    void block() { blocked_ = true; }
    bool is_blocked() const { return blocked_; }
    bool stays_behind(DevId devid) const { return behind_.contains(devid); }

    const Planned& planned() const { return planned_; }
    Planned& planned() { return planned_; }
    /// Full stripes in which something is to be written.
    const scrub::StripeSet& touched() const { return touched_; }
    /// Devices that are to be written.
    const std::set<DevId>& devices() const { return devices_; }

  private:
    bool is_left_out(const Write& write);
    const volume::Member* member_of(DevId devid) const;
    void read_broken_sector(const Write& write, uint64_t unit, std::vector<uint8_t>& old_bytes) const;

    LogWriter& log_;
    Keep keep_;
    const Limits& limits_;
    const volume::Volume& volume_;
    Approved* approved_;
    Planned planned_;
    std::array<uint64_t, std::size(kPhases)> in_phase_{};
    scrub::StripeSet touched_;
    bool blocked_ = false;
    std::set<DevId> devices_, behind_;
    std::map<DevId, uint64_t> short_;  // devices with writes behind the end of their image, and where the last one ends
};

/// Adds the full stripes that a write lies in; nothing for superblock copies.
void touch(scrub::StripeSet& set, const volume::Volume& volume, const Write& write);

}  // namespace raid56::repair
