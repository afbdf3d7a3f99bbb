// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/maps.h"

#include <cstring>

#include "base/printable.h"
#include "device/part_name.h"

namespace raid56::session {
namespace {

// Some two million blocks; a map of more is no work of ddrescue.
constexpr uint64_t kMostBytes = 64 << 20;

Result<format::RescueMap> read_map(const std::string& path, const World& world) {
    auto file = world.writing.read(path);
    if (!file) return file.error();
    const std::string name = printable(path);
    if ((*file)->size() > kMostBytes) return Error{name + ": is too long for a map file of ddrescue"};
    std::string text((*file)->size(), '\0');
    const ByteSpan out(reinterpret_cast<uint8_t*>(text.data()), text.size());
    if (const int error = (*file)->read(0, out); error != 0)
        return Error{name + ": cannot be read: " + std::strerror(error)};
    auto map = format::parse_rescue_map(text);
    if (!map) return Error{name + ": is no map file of ddrescue: " + format::describe(map.error())};
    return std::move(*map);
}

// Of positions in the whole those that a part has, from its start.
std::shared_ptr<device::Erasures> erasures_from(const RangeSet& positions, uint64_t start) {
    auto erased = std::make_shared<device::Erasures>();
    positions.overlaps({start, UINT64_MAX}, [&](Range range) {
        erased->append({range.start - start, range.end - start});
    });
    return erased;
}

}  // namespace

std::optional<MapOption> split_map_option(const std::string& word, const std::vector<std::string>& devices) {
    for (size_t at = word.rfind('='); at != std::string::npos && at > 0; at = word.rfind('=', at - 1)) {
        const MapOption option{word.substr(0, at), word.substr(at + 1)};
        for (const auto& device : devices)
            if (!option.file.empty() && is_meant(option, device)) return option;
    }
    return std::nullopt;
}

bool is_meant(const MapOption& option, const std::string& device) {
    if (option.device == device) return true;
    const auto place = device::locate(device);
    return place && place->is_part && place->file == option.device;
}

uint64_t start_of(const std::string& device) {
    const auto place = device::locate(device);
    return place ? place->part.start : 0;
}

Result<Maps> Maps::read(const Options& options, const World& world) {
    Maps maps;
    for (const auto& option : options.maps) {
        auto map = read_map(option.file, world);
        if (!map) return map.error();
        const RangeSet missing = format::not_rescued(*map);
        const auto given = std::make_shared<const format::RescueMap>(std::move(*map));
        for (const auto& device : options.devices) {
            if (!is_meant(option, device)) continue;
            const Known known{given, erasures_from(missing, start_of(device))};
            if (!maps.known_.emplace(device, known).second)
                return Error{printable(device) + ": has two maps; give one"};
        }
    }
    return maps;
}

World Maps::apply(const World& world) const {
    World mapped = world;
    // What is captured is shared: the world may live longer than this.
    mapped.open = [maps = *this, open = world.open](const std::string& path, device::Reading reading) {
        auto opened = open(path, reading);
        if (const auto erased = maps.of(path); opened && erased)
            opened->device = std::make_unique<device::ErasedDevice>(std::move(opened->device), erased);
        return opened;
    };
    mapped.writing.device = [maps = *this, open = world.writing.device](const std::string& path) {
        auto opened = open(path);
        if (const auto erased = maps.of(path); opened && erased)
            *opened = std::make_unique<device::ErasedWriter>(std::move(*opened), erased);
        return opened;
    };
    return mapped;
}

std::shared_ptr<device::Erasures> Maps::of(const std::string& device) const {
    const auto found = known_.find(device);
    return found == known_.end() ? nullptr : found->second.erased;
}

const format::RescueMap* Maps::given_for(const std::string& device) const {
    const auto found = known_.find(device);
    return found == known_.end() ? nullptr : found->second.given.get();
}

MappedWorld map_world(const Options& options, const World& world) {
    auto maps = Maps::read(options, world);
    const World mapped = maps ? maps->apply(world) : world;
    return {std::move(maps), mapped};
}

}  // namespace raid56::session
