// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/reached.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"

namespace raid56::repair {

bool is_lengthened(const LogState& state, DevId devid) {
    const auto& chosen = state.planned->lengthened;
    return std::find(chosen.begin(), chosen.end(), devid) != chosen.end();
}

bool is_left_out(const LogState& state, const Write& write) {
    if (!write.beyond_end) return false;
    if (!is_lengthened(state, write.what.devid)) return true;
    const uint64_t end = write.what.physical.v + write.what.length;
    return std::none_of(state.header.devices.begin(), state.header.devices.end(), [&](const HeaderDevice& device) {
        return device.devid == write.what.devid && end <= device.total_bytes;
    });
}

bool may_be_written(const LogState& state, uint64_t number, const Write& write) {
    const auto failed = state.failed.find(number);
    return !is_left_out(state, write) && (failed == state.failed.end() || failed->second.attempted);
}

Result<std::set<DevId>> reached_devices(device::WriteDevice& journal, const LogState& state) {
    std::set<DevId> reached(state.planned->lengthened.begin(), state.planned->lengthened.end());
    LogReader reader(journal);
    for (const Phase phase : kPhases) {
        const int error = reader.each_write(state, phase, false, [&](const Place& place, const DecodedWrite& decoded) {
            if (may_be_written(state, place.head.number, decoded.write)) reached.insert(decoded.write.what.devid);
            return true;
        });
        if (error != 0) return Error{printable(journal.path()) + ": cannot be read: " + std::strerror(error)};
    }
    return reached;
}

}  // namespace raid56::repair
