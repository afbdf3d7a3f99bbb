// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/super_check.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace raid56::scrub {
namespace {

using volume::CopyState;
using volume::SuperCopy;

// What the newest copies of all devices agree on, and whether more than half of them do. Devices that the user
// distrusts have no voice, unless all are distrusted.
struct Common {
    format::SuperBytes part;
    bool by_most = false;
};

Common common_part(const volume::Volume& volume, const std::vector<std::vector<SuperCopy>>& scans) {
    Common common{format::part_of_volume(volume.super_block()), false};
    const auto is_distrusted = [](const volume::Member& m) { return m.state == volume::DeviceState::distrusted; };
    const auto& members = volume.members();
    const bool any_trusted = std::any_of(members.begin(), members.end(), [&](const volume::Member& m) {
        return m.device != nullptr && !m.seed && !is_distrusted(m);
    });
    unsigned all = 0, agree = 0;
    for (size_t i = 0; i < scans.size(); i++)
        for (const auto& copy : scans[i]) {
            if (any_trusted && is_distrusted(members[i])) continue;
            if (copy.state != CopyState::good || volume.members()[i].seed ||
                copy.super->generation != volume.super().generation)
                continue;
            all++;
            agree += format::part_of_volume(copy.bytes) == common.part ? 1 : 0;
        }
    common.by_most = 2 * agree > all;
    return common;
}

// Whether a copy contradicts copy 0 in what only its device knows. The rest was held against the volume, whose
// copy 0 here may not agree with it; of a seed nothing was.
bool is_of_another_device(const SuperCopy& copy, const SuperCopy& first, bool seed) {
    if (seed) return format::part_of_device(copy.bytes) != format::part_of_device(first.bytes);
    return std::memcmp(&copy.super->dev_item.raw, &first.super->dev_item.raw, sizeof(format::raw::dev_item)) != 0;
}

std::optional<Cause> cause_of(const SuperCopy& copy, const SuperCopy* first, const volume::Member& member,
                              Generation newest, const Common& common) {
    switch (copy.state) {
        case CopyState::absent:  // the device is shorter than it says
        case CopyState::unreadable: return Cause::unreadable;
        case CopyState::bad_checksum: return Cause::checksum;
        case CopyState::magic_missing:
        case CopyState::rejected:
            return copy.reject && copy.reject->reason == format::Reason::bad_magic ? Cause::checksum : Cause::header;
        case CopyState::good: break;
    }
    if (copy.super->fsid != first->super->fsid || copy.super->dev_item.uuid != member.uuid ||
        copy.super->dev_item.devid != member.devid)
        return Cause::header;
    if (copy.super->generation < newest) return Cause::stale;
    if (copy.super->generation > newest) return Cause::header;  // only a distrusted device gets here
    if (!member.seed && format::part_of_volume(copy.bytes) != common.part) return Cause::mirror;
    if (copy.index != 0 && first->state == CopyState::good && first->index == 0 &&
        copy.super->generation == first->super->generation && is_of_another_device(copy, *first, member.seed))
        return Cause::mirror;
    return std::nullopt;
}

}  // namespace

void check_supers(const volume::Volume& volume, const std::vector<std::vector<SuperCopy>>& scans,
                  std::vector<Damage>& damage, Counters& counters) {
    const Common common = common_part(volume, scans);
    std::vector<size_t> order;
    for (size_t i = 0; i < scans.size(); i++)
        if (!scans[i].empty()) order.push_back(i);
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return volume.members()[a].devid < volume.members()[b].devid; });

    for (const size_t i : order) {
        const auto& member = volume.members()[i];
        const auto& scan = scans[i];
        const auto good =
            std::find_if(scan.begin(), scan.end(), [](const SuperCopy& c) { return c.super.has_value(); });
        const SuperCopy* first = good == scan.end() ? nullptr : &*good;  // none: the device was told by its content
        // A seed stays at its own generation for good (FACTS 17).
        const Generation newest = member.seed ? member.generation : volume.super().generation;
        for (const auto& copy : scan) {
            if (!format::super_copy_exists(copy.index, member.total_bytes)) continue;
            const auto cause = cause_of(copy, first, member, newest, common);
            if (!cause) continue;
            counters.super_errors++;
            // Where devices contradict each other (each was mounted without the other, say) the more speak for
            // the volume; half against half leaves it open what any copy should be.
            const bool open = !member.seed && !common.by_most;
            (open ? counters.undecided_sectors : counters.repairable_sectors)++;
            Damage found;
            found.devid = member.devid;
            found.physical = Physical(format::kSuperOffsets[copy.index]);
            found.length = format::kSuperSize;
            found.role = Role::super;
            found.cause = *cause;
            found.repairable = open ? Repairable::undecided : Repairable::yes;
            // Made from a good copy, whose checksum holds.
            found.proof = open ? Proof::none : Proof::checksum;
            damage.push_back(found);
        }
    }
}

}  // namespace raid56::scrub
