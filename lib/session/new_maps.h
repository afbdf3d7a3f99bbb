// SPDX-License-Identifier: GPL-2.0-or-later
// Map files for the next run of ddrescue (--write-map): what a scrub found bad, and what of it is needed.
//
// Thread rule: one thread. Knows what the scrub looked at: an unreadable sector that nothing is kept in is in no
// map but where one that was read (--map) said so before.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "format/rescue_map.h"
#include "session/maps.h"
#include "volume/volume.h"

namespace raid56::session {

/// What is known of the places of one device; ranges in bytes, in any order.
struct BadPlaces {
    std::vector<Range> needed;  // cannot be had, or not for certain, but from the device
    std::vector<Range> other;   // bad, and nobody needs it
    uint64_t end = 0;           // of what is described
};

/// `bad` as a map: ? what is needed, - what else is bad, + the rest.
format::RescueMap map_of(const BadPlaces& bad);

class NewMaps {
  public:
    /// Makes the files. Errors: one that is there; then none is left.
    static Result<NewMaps> create(const Options& options, const World& world);

    void damage(const scrub::Damage& damage);
    /// Writes them, to stable storage. Errors: I/O.
    Result<void> write(const volume::Volume& volume, const Maps& maps);
    /// Takes them away.
    void remove(const World& world);

  private:
    struct NewMap {
        MapOption option;
        std::unique_ptr<device::WriteDevice> file;
    };
    BadPlaces places_of(const MapOption& option, const volume::Volume& volume, const Maps& maps) const;

    std::vector<NewMap> files_;
    std::map<DevId, BadPlaces> found_;  // offsets of the device
};

}  // namespace raid56::session
