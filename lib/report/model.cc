// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/model.h"

#include <map>
#include <tuple>

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
    if (member.device != nullptr && member.device->size() < member.total_bytes)
        event.short_by = member.total_bytes - member.device->size();
    return event;
}

}  // namespace raid56::report
