// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/model.h"

#include <map>
#include <tuple>
#include <utility>

#include "volume/assemble.h"

namespace raid56::report {

const char* file_kind_name(FileKind kind) {
    switch (kind) {
        case FileKind::file: return "file";
        case FileKind::deleted: return "deleted";
        case FileKind::unnamed: return "unnamed";
        case FileKind::space_cache: return "space-cache";
        case FileKind::relocation: return "relocation";
    }
    return "?";
}

const char* tree_kind_name(TreeKind kind) {
    switch (kind) {
        case TreeKind::root_tree: return "root-tree";
        case TreeKind::extent_tree: return "extent-tree";
        case TreeKind::chunk_tree: return "chunk-tree";
        case TreeKind::device_tree: return "device-tree";
        case TreeKind::subvolume: return "subvolume";
        case TreeKind::checksum_tree: return "checksum-tree";
        case TreeKind::quota_tree: return "quota-tree";
        case TreeKind::uuid_tree: return "uuid-tree";
        case TreeKind::free_space_tree: return "free-space-tree";
        case TreeKind::block_group_tree: return "block-group-tree";
        case TreeKind::data_relocation_tree: return "data-relocation-tree";
        case TreeKind::relocation_tree: return "relocation-tree";
        case TreeKind::log_tree: return "log-tree";
        case TreeKind::other: return "other";
    }
    return "?";
}

TreeKind tree_kind(uint64_t id) {
    namespace objectid = format::objectid;
    constexpr std::pair<uint64_t, TreeKind> kKinds[] = {
        {objectid::kRootTree, TreeKind::root_tree},
        {objectid::kExtentTree, TreeKind::extent_tree},
        {objectid::kChunkTree, TreeKind::chunk_tree},
        {objectid::kDevTree, TreeKind::device_tree},
        {objectid::kCsumTree, TreeKind::checksum_tree},
        {objectid::kQuotaTree, TreeKind::quota_tree},
        {objectid::kUuidTree, TreeKind::uuid_tree},
        {objectid::kFreeSpaceTree, TreeKind::free_space_tree},
        {objectid::kBlockGroupTree, TreeKind::block_group_tree},
        {objectid::kTreeLog, TreeKind::log_tree},
        {objectid::kTreeReloc, TreeKind::relocation_tree},
        {objectid::kDataRelocTree, TreeKind::data_relocation_tree},
    };
    for (const auto& [known, kind] : kKinds)
        if (known == id) return kind;
    return format::is_subvolume(id) ? TreeKind::subvolume : TreeKind::other;
}

const char* loss_name(Loss loss) {
    switch (loss) {
        case Loss::all: return "all";
        case Loss::entries: return "entries";
        case Loss::data: return "data";
        case Loss::attributes: return "attributes";
        case Loss::name: return "name";
        case Loss::listing: return "listing";
    }
    return "?";
}

namespace {

// A seed stays as it was when the file system grew from it. A device without any superblock, which what lies on it
// has told, has no generation: how far it is behind is not known.
uint64_t generations_behind(const volume::Volume& volume, const volume::Member& member) {
    const uint64_t newest = volume.super().generation.v, own = member.generation.v;
    const bool comparable = member.device != nullptr && !member.seed && own != 0;
    return comparable && own < newest ? newest - own : 0;
}

}  // namespace

const char* verdict_name(Verdict verdict) {
    switch (verdict) {
        case Verdict::clean: return "clean";
        case Verdict::repairable: return "repairable";
        case Verdict::repaired: return "repaired";
        case Verdict::unrepairable: return "unrepairable";
        case Verdict::undecided: return "undecided";
        case Verdict::done: return "done";
        case Verdict::failed: return "failed";
        case Verdict::interrupted: return "interrupted";
    }
    return "?";
}

std::vector<ChunkSum> sum_chunks(const volume::Volume& volume) {
    std::map<std::tuple<std::string, std::string, unsigned>, ChunkSum> sums;
    for (const auto& mapped : volume.chunks()) {
        const auto& chunk = mapped.chunk;
        const std::string kind = format::kind_name(chunk.kind), profile = format::profile_name(chunk.profile);
        auto& sum = sums[{kind, profile, mapped.layout.stripes}];
        sum.kind = kind;
        sum.profile = profile;
        sum.devices = mapped.layout.stripes;
        sum.count++;
        sum.length += chunk.length;
    }
    std::vector<ChunkSum> out;
    for (auto& [key, sum] : sums) out.push_back(std::move(sum));
    return out;
}

std::vector<ChunkPlace> place_chunks(const volume::Volume& volume) {
    std::vector<ChunkPlace> places;
    for (const auto& mapped : volume.chunks()) {
        const auto& chunk = mapped.chunk;
        ChunkPlace place{chunk.start.v, chunk.length, chunk.kind, chunk.profile, mapped.extent_length(), {}};
        for (const auto& stripe : chunk.stripes) place.parts.push_back({stripe.devid.v, stripe.offset.v});
        places.push_back(std::move(place));
    }
    return places;
}

VolumeEvent volume_event(const volume::Volume& volume) {
    const auto& super = volume.super();
    VolumeEvent event;
    event.fsid = volume::uuid_text(super.fsid);
    event.label = super.label;
    event.checksum = csum_name(super.csum);
    event.sectorsize = super.sectorsize;
    event.nodesize = super.nodesize;
    event.generation = super.generation.v;
    event.features = format::feature_names(super);
    event.chunks = sum_chunks(volume);
    event.places = place_chunks(volume);
    return event;
}

DeviceEvent device_event(const volume::Volume& volume, const volume::Member& member) {
    DeviceEvent event;
    event.devid = member.devid.v;
    event.path = member.path;
    event.uuid = volume::uuid_text(member.uuid);
    event.generation = member.generation.v;
    event.state = volume::state_name(member.state);
    event.total_bytes = member.total_bytes;
    event.seed = member.seed;
    event.behind = generations_behind(volume, member);
    event.short_by = member.short_by();
    return event;
}

}  // namespace raid56::report
