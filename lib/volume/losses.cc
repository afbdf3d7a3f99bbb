// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/losses.h"

#include <algorithm>
#include <functional>
#include <map>

namespace raid56::volume {
namespace {

// Fewest devices that hold more columns than a row can be made without; 0 where so many are gone already. Those that
// hold the most stripes go first: nothing takes more columns with so few devices.
unsigned fewest_to_lose_a_row(const Volume& volume, const MappedChunk& chunk) {
    unsigned gone = 0;
    std::map<unsigned, unsigned> stripes_of;  // by member
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        if (volume.member_of(chunk, i).trusted())
            stripes_of[chunk.members[i]]++;
        else
            gone++;
    }
    std::vector<unsigned> stripes;
    for (const auto& [member, count] : stripes_of) stripes.push_back(count);
    std::sort(stripes.begin(), stripes.end(), std::greater());
    unsigned devices = 0;
    while (gone <= chunk.layout.np) gone += stripes[devices++];  // ends: there are more stripes than parities
    return devices;
}

// Devices that hold copies of one column and may be believed.
unsigned devices_of_column(const Volume& volume, const MappedChunk& chunk, unsigned column) {
    const auto first = chunk.members.begin() + column * chunk.layout.copies;
    unsigned devices = 0;
    for (auto member = first; member != first + chunk.layout.copies; ++member)
        if (volume.members()[*member].trusted() && std::find(first, member, *member) == member) devices++;
    return devices;
}

unsigned fewest_to_lose_a_column(const Volume& volume, const MappedChunk& chunk) {
    unsigned fewest = chunk.layout.stripes;
    for (unsigned column = 0; column < chunk.layout.nd; column++)
        fewest = std::min(fewest, devices_of_column(volume, chunk, column));
    return fewest;
}

}  // namespace

bool survives(const Volume& volume, const MappedChunk& chunk) {
    const auto& layout = chunk.layout;
    const auto gone = [&](unsigned index) { return volume.member_of(chunk, index).device == nullptr; };
    if (layout.np > 0) {
        unsigned lost = 0;
        for (unsigned i = 0; i < layout.stripes; i++) lost += gone(i) ? 1 : 0;
        return lost <= layout.np;
    }
    for (unsigned column = 0; column < layout.nd; column++) {
        unsigned left = layout.copies;
        for (unsigned copy = 0; copy < layout.copies; copy++) left -= gone(column * layout.copies + copy) ? 1 : 0;
        if (left == 0) return false;
    }
    return true;
}

unsigned further_losses(const Volume& volume, const MappedChunk& chunk) {
    const unsigned fatal =
        chunk.layout.np > 0 ? fewest_to_lose_a_row(volume, chunk) : fewest_to_lose_a_column(volume, chunk);
    return fatal == 0 ? 0 : fatal - 1;
}

unsigned further_losses(const Volume& volume) {
    const auto& chunks = volume.chunks();
    if (chunks.empty()) return 0;
    unsigned least = further_losses(volume, chunks.front());
    for (const auto& chunk : chunks) least = std::min(least, further_losses(volume, chunk));
    return least;
}

}  // namespace raid56::volume
