// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/approved.h"

#include <cstring>

#include "base/printable.h"
#include "checksum/checksum.h"

namespace raid56::repair {

// Place, reason, proof and the digest of the old bytes; and the new bytes.
Digest Approved::key_of(const Write& write, ByteView new_bytes) {
    auto all = encode_fixed(write, {{}, new_bytes});
    all.insert(all.end(), new_bytes.begin(), new_bytes.end());
    return checksum::digest(CsumKind::sha256, all);
}

Result<Approved> Approved::read(device::WriteDevice& plan, const LogState& state) {
    Approved approved;
    LogReader reader(plan);
    std::vector<uint8_t> bytes;
    std::optional<Error> wrong;
    for (const Phase phase : kPhases) {
        const int error = reader.each_write(state, phase, false, [&](const Place& place, const DecodedWrite& decoded) {
            if (reader.read_bytes(place, bytes) != 0 || !decoded.has_new || decoded.has_old || !decoded.write.old_sum)
                wrong = Error{printable(plan.path()) + ": cannot use the record at " + std::to_string(place.offset)};
            else
                approved.left_.insert(key_of(decoded.write, bytes));
            return !wrong;
        });
        if (wrong) return *wrong;
        if (error != 0) return Error{printable(plan.path()) + ": cannot be read: " + std::strerror(error)};
    }
    return approved;
}

std::optional<Write> Approved::first_left(device::WriteDevice& plan, const LogState& state) const {
    LogReader reader(plan);
    std::vector<uint8_t> bytes;
    std::optional<Write> first;
    for (const Phase phase : kPhases) {
        reader.each_write(state, phase, false, [&](const Place& place, const DecodedWrite& decoded) {
            if (reader.read_bytes(place, bytes) == 0 && left_.contains(key_of(decoded.write, bytes)))
                first = decoded.write;
            return !first;
        });
        if (first) break;
    }
    return first;
}

}  // namespace raid56::repair
