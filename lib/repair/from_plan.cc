// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/from_plan.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"
#include "checksum/checksum.h"

namespace raid56::repair {
namespace {

std::string place_of(const device::ReadDevice& device, const Write& write) {
    return printable(device.path()) + ": devid " + std::to_string(write.what.devid.v) + " at " +
           std::to_string(write.what.physical.v) + ", " + std::to_string(write.what.length) + " bytes";
}

// The bytes there now; sectors that the plan could not read must not be readable now. Behind the end of a
// short image lies nothing.
bool read_old(device::ReadDevice& device, const Write& write, uint64_t unit, std::vector<uint8_t>& old_bytes) {
    old_bytes.assign(write.what.length, 0);
    for (uint64_t at = 0; at < write.what.length; at += unit) {
        const ByteSpan sector = ByteSpan(old_bytes).subspan(at, unit);
        const uint64_t physical = write.what.physical.v + at;
        const bool unreadable = (write.unreadable >> (at / unit) & 1) != 0;
        if (write.beyond_end && physical + unit > device.size()) {
            if (!unreadable) return false;
            if (physical < device.size() && device.read(physical, sector.first(device.size() - physical)) != 0)
                return false;
            continue;
        }
        const bool is_read = device.read(physical, sector) == 0;
        if (is_read == unreadable) return false;
        if (!is_read) std::fill(sector.begin(), sector.end(), uint8_t{0});
    }
    return true;
}

}  // namespace

Result<void> take_plan(device::WriteDevice& plan, const LogState& state, const volume::Volume& volume,
                       Planner& planner) {
    LogReader reader(plan);
    const std::string name = printable(plan.path());
    for (const Phase phase : kPhases) {
        std::optional<Error> wrong;
        std::vector<uint8_t> new_bytes, old_bytes;
        const int error = reader.each_write(state, phase, false, [&](const Place& place, const DecodedWrite& decoded) {
            const Write& write = decoded.write;
            const auto& members = volume.members();
            const auto member = std::find_if(members.begin(), members.end(), [&](const volume::Member& m) {
                return m.devid == write.what.devid && m.device != nullptr;
            });
            const uint64_t unit = std::min<uint64_t>(state.header.sectorsize, write.what.length);
            const int failed = reader.read_bytes(place, new_bytes);
            if (failed != 0 || !decoded.has_new || decoded.has_old || !write.old_sum)
                wrong = Error{name + ": cannot use the record at " + std::to_string(place.offset)};
            else if (member == members.end())
                wrong =
                    Error{"devid " + std::to_string(write.what.devid.v) + ", which the plan writes to, is not here"};
            else if (!read_old(*member->device, write, unit, old_bytes) ||
                     checksum::digest(CsumKind::sha256, old_bytes) != *write.old_sum)
                wrong =
                    Error{place_of(*member->device, write) + ": has changed since the plan was made; nothing is done"};
            else if (const int full = planner.add(write, {old_bytes, new_bytes}); full != 0)
                wrong = Error{std::string("the journal cannot be written: ") + std::strerror(full)};
            return !wrong;
        });
        if (wrong) return *wrong;
        if (error != 0) return Error{name + ": cannot be read: " + std::strerror(error)};
    }
    return {};
}

}  // namespace raid56::repair
