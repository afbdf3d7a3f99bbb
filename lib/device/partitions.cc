// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/partitions.h"

#include <blkid.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>

#include "device/cannot.h"
#include "device/named.h"
#include "device/part_name.h"

namespace raid56::device {
namespace {

struct FreeProbe {
    void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<blkid_struct_probe, FreeProbe>;

// libblkid counts in these, whatever the disk's own blocks are.
constexpr uint64_t kUnit = 512;

// What a partition table says may be anything.
bool is_sane(blkid_loff_t start, blkid_loff_t size) {
    constexpr auto kMost = static_cast<blkid_loff_t>(INT64_MAX / kUnit);
    return start >= 0 && size > 0 && start <= kMost && size <= kMost - start;
}

void take(blkid_partlist list, PartitionTable& table) {
    table.kind = blkid_parttable_get_type(blkid_partlist_get_table(list));
    for (int i = 0; i < blkid_partlist_numof_partitions(list); i++) {
        blkid_partition part = blkid_partlist_get_partition(list, i);
        const blkid_loff_t start = blkid_partition_get_start(part), size = blkid_partition_get_size(part);
        if (blkid_partition_is_extended(part) != 0 || !is_sane(start, size)) continue;
        const auto first = static_cast<uint64_t>(start) * kUnit;
        table.partitions.push_back({first, first + static_cast<uint64_t>(size) * kUnit});
    }
}

}  // namespace

Result<PartitionTable> find_partitions(const std::string& path) {
    // A part has no table of its own that is of interest here.
    const auto place = locate(path);
    if (!place || place->is_part) return PartitionTable{};
    const auto named = open_named(path, O_RDONLY);
    if (!named) return named.error();
    // 0: what the device says of itself; of a file nobody knows what blocks its disk had.
    for (const unsigned block : {0u, 4096u}) {
        if (block != 0 && named->own.block) break;
        errno = 0;
        const Probe probe(blkid_new_probe());
        if (!probe || blkid_probe_set_device(probe.get(), named->fd.get(), 0, 0) != 0 ||
            (block != 0 && blkid_probe_set_sectorsize(probe.get(), block) != 0) ||
            blkid_probe_enable_superblocks(probe.get(), 0) != 0 || blkid_probe_enable_partitions(probe.get(), 1) != 0 ||
            blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_FORCE_GPT) != 0)
            return cannot(path, "look for a partition table", errno != 0 ? errno : EIO);
        PartitionTable table;
        if (blkid_partlist list = blkid_probe_get_partitions(probe.get());
            list != nullptr && blkid_partlist_get_table(list) != nullptr)
            take(list, table);
        if (!table.partitions.empty()) return table;
    }
    return PartitionTable{};
}

}  // namespace raid56::device
