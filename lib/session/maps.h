// SPDX-License-Identifier: GPL-2.0-or-later
// Map files of ddrescue (--map): which bytes of which device are no data.
//
// Thread rule: one thread, but for the devices that are opened (erased_device.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "device/erased_device.h"
#include "format/rescue_map.h"
#include "session/options.h"

namespace raid56::session {

/// Splits "DEVICE=FILE" at the one = that leaves a name on its left that some device goes by: its own, or that of
/// the file or disk that it is a part of. Of several the longest. Nothing where there is none.
std::optional<MapOption> split_map_option(const std::string& word, const std::vector<std::string>& devices);

/// Whether a device, as named by the user, is what the option means, or a part of it.
bool is_meant(const MapOption& option, const std::string& device);

/// Where a device begins in the file or disk that positions of a map are of, bytes.
uint64_t start_of(const std::string& device);

class Maps {
  public:
    /// Reads the map files. Errors: one that cannot be read or is none, two for one device.
    static Result<Maps> read(const Options& options, const World& world);

    /// A world in which those devices are opened with their erasures, for reading and for writing.
    World apply(const World& world) const;

    /// What is erased of that device, offsets of the device; nullptr where it has no map.
    std::shared_ptr<device::Erasures> of(const std::string& device) const;
    /// The map that the user gave for it, positions of the file or disk; nullptr where there is none.
    const format::RescueMap* given_for(const std::string& device) const;

  private:
    struct Known {
        std::shared_ptr<const format::RescueMap> given;
        std::shared_ptr<device::Erasures> erased;
    };
    std::map<std::string, Known> known_;  // by device, as named
};

struct MappedWorld {
    Result<Maps> maps;
    World world;  // with them, where they could be read
};
MappedWorld map_world(const Options& options, const World& world);

}  // namespace raid56::session
