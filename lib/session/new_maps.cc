// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/new_maps.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"
#include "report/rescue_map_text.h"

namespace raid56::session {
namespace {

using format::RescueStatus;
using scrub::Cause;

// A sector that itself is known to be bad. Contradictions between sectors do not say which of them it is, and
// whole devices that are not believed are for --distrust.
bool is_bad(Cause cause) {
    switch (cause) {
        case Cause::checksum:
        case Cause::header:
        case Cause::unreadable: return true;
        case Cause::parity:
        case Cause::mirror:
        case Cause::csum_missing:
        case Cause::missing:
        case Cause::stale:
        case Cause::distrusted:
        case Cause::excluded: return false;
    }
    return false;
}

// Data that only parity speaks for are worth another try.
bool is_needed(const scrub::Damage& damage) {
    return damage.repairable != scrub::Repairable::yes ||
           (damage.role == scrub::Role::data && damage.proof == scrub::Proof::none);
}

RangeSet set_of(std::vector<Range> ranges, uint64_t end) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
    RangeSet set;
    for (const Range range : ranges) set.append(intersect(range, {0, end}));
    return set;
}

void append_shifted(const std::vector<Range>& from, uint64_t start, std::vector<Range>& to) {
    for (const Range range : from) to.push_back({start + range.start, start + range.end});
}

}  // namespace

format::RescueMap map_of(const BadPlaces& bad) {
    const RangeSet needed = set_of(bad.needed, bad.end);
    RangeSet other = set_of(bad.other, bad.end);
    for (const Range range : needed.ranges()) other.remove(range);

    std::vector<format::RescueBlock> blocks;
    for (const Range range : needed.ranges()) blocks.push_back({range, RescueStatus::non_tried});
    for (const Range range : other.ranges()) blocks.push_back({range, RescueStatus::bad_sector});
    std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.range.start < b.range.start; });
    format::RescueMap map;
    uint64_t at = 0;
    const auto fill = [&](uint64_t to) {
        if (at < to) map.blocks.push_back({{at, to}, RescueStatus::finished});
    };
    for (const auto& block : blocks) {
        fill(block.range.start);
        map.blocks.push_back(block);
        at = block.range.end;
    }
    fill(bad.end);
    return map;
}

Result<NewMaps> NewMaps::create(const Options& options, const World& world) {
    NewMaps maps;
    for (const auto& option : options.new_maps) {
        auto file = world.writing.create(option.file);
        if (!file) {
            maps.remove(world);
            return file.error();
        }
        maps.files_.push_back({option, std::move(*file)});
    }
    return maps;
}

void NewMaps::remove(const World& world) {
    for (const auto& file : files_) world.writing.remove(file.option.file);
    files_.clear();
}

void NewMaps::damage(const scrub::Damage& damage) {
    if (files_.empty() || !is_bad(damage.cause)) return;
    auto& places = found_[damage.devid];
    auto& list = is_needed(damage) ? places.needed : places.other;
    const Range range{damage.physical.v, damage.physical.v + damage.length};
    if (!list.empty() && list.back().end == range.start)
        list.back().end = range.end;
    else
        list.push_back(range);
}

BadPlaces NewMaps::places_of(const MapOption& option, const volume::Volume& volume, const Maps& maps) const {
    BadPlaces all;
    for (const auto& member : volume.members()) {
        if (member.device == nullptr || !is_meant(option, member.path)) continue;
        const uint64_t start = start_of(member.path);
        all.end = std::max(all.end, start + std::max(member.total_bytes, member.device->size()));
        if (const auto found = found_.find(member.devid); found != found_.end()) {
            append_shifted(found->second.needed, start, all.needed);
            append_shifted(found->second.other, start, all.other);
        }
        if (const auto* given = maps.given_for(member.path)) {
            all.end = std::max(all.end, given->blocks.back().range.end);
            const RangeSet missing = format::not_rescued(*given);
            all.other.insert(all.other.end(), missing.ranges().begin(), missing.ranges().end());
        }
    }
    return all;
}

Result<void> NewMaps::write(const volume::Volume& volume, const Maps& maps) {
    for (const auto& [option, file] : files_) {
        const std::string text = report::rescue_map_text(map_of(places_of(option, volume, maps)));
        int error = file->write(0, ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
        if (error == 0) error = file->sync();
        if (error != 0) return Error{printable(option.file) + ": cannot be written: " + std::strerror(error)};
    }
    return {};
}

}  // namespace raid56::session
