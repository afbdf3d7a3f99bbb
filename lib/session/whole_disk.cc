// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/whole_disk.h"

#include <algorithm>

#include "base/printable.h"
#include "volume/super_scan.h"

namespace raid56::session {
namespace {

bool holds_btrfs(const std::string& part, const World& world) {
    const auto opened = world.open(part, device::Reading::buffered);
    if (!opened) return false;
    const auto copies = volume::scan_supers(*opened->device);
    return std::any_of(copies.begin(), copies.end(), [](const auto& copy) { return copy.super.has_value(); });
}

}  // namespace

std::optional<Error> refuse_whole_disk(const std::string& path, const World& world, bool or_none) {
    const auto table = world.partitions(path);
    if (!table || table->partitions.empty()) return std::nullopt;
    std::string named;
    for (const Range part : table->partitions) {
        const std::string name = path + '@' + std::to_string(part.start) + '+' + std::to_string(part.length());
        if (holds_btrfs(name, world)) named += (named.empty() ? "" : ", ") + printable(name);
    }
    if (named.empty() && !or_none) return std::nullopt;
    const std::string what = printable(path) + ": holds a partition table (" + printable(table->kind) + ") and no ";
    if (named.empty()) return Error{what + "btrfs superblock, nor does any partition of it"};
    return Error{what + "btrfs of its own; what holds one is named " + named};
}

}  // namespace raid56::session
