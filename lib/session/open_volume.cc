// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Open every device; the same thing named twice is refused.
// 2. Read the superblock copies and assemble the volume with its system chunks.
// 3. Read the chunk tree: devices and all other chunks. No two may claim the same place.
// 4. Read the tree of roots and the log trees.
// 5. Devices without any superblock are told by what lies on them. Where something could not be had without them, 3 and
//    4 come once more.
#include "session/open_volume.h"

#include <algorithm>

#include "base/printable.h"
#include "repair/rebuilt_device.h"
#include "session/identify.h"
#include "session/whole_disk.h"
#include "volume/assemble.h"

namespace raid56::session {
namespace {

// The logical range that lost keys of the chunk tree stood for.
scrub::Unknown lost_chunks(const tree::LostKeys& lost) {
    const auto is_chunk = [](const format::Key& key) {
        return key.objectid == format::objectid::kFirstChunkTree && key.type == format::type::kChunkItem;
    };
    const uint64_t from = is_chunk(lost.first) ? lost.first.offset : 0;
    const uint64_t to = is_chunk(lost.end) ? lost.end.offset : format::kMaxU64;
    return {Logical(from), to - from, "chunk-tree", lost.undecided};
}

// A dev extent lies within its device (FACTS 4). The size of a device whose item is gone is unknown.
bool fits_devices(const volume::Volume& volume, const format::Chunk& chunk) {
    const auto layout = volume::layout_of(chunk.profile, static_cast<unsigned>(chunk.stripes.size()));
    const uint64_t length = volume::dev_extent_length(layout, chunk.length);
    return std::all_of(chunk.stripes.begin(), chunk.stripes.end(), [&](const format::Stripe& stripe) {
        const auto member = volume.find_member(stripe.devid, stripe.dev_uuid);
        const uint64_t size = member ? volume.members()[*member].total_bytes : 0;
        return size == 0 || (length <= size && stripe.offset.v <= size - length);
    });
}

// The logical ranges of a chunk's full stripes that have a part in a contested place.
void add_contested(OpenVolume& open, const volume::MappedChunk& chunk) {
    const uint64_t full_stripe = chunk.layout.data_length();
    std::vector<Range> found;
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        const Range extent = chunk.dev_extent(i);
        for (const Range part : open.volume->contested().parts(chunk.members[i], extent)) {
            const uint64_t first = (part.start - extent.start) / kStripLen;
            const uint64_t last = (part.end - 1 - extent.start) / kStripLen;
            found.push_back({first * full_stripe, std::min((last + 1) * full_stripe, chunk.chunk.length)});
        }
    }
    std::sort(found.begin(), found.end(), [](const Range& a, const Range& b) { return a.start < b.start; });
    RangeSet ranges;
    for (const Range range : found) ranges.append(range);
    for (const Range range : ranges.ranges())
        open.unknown.push_back({chunk.chunk.start + range.start, range.length(), "chunk-tree", true});
}

// Where dev extents overlap nobody knows whose the bytes are.
void tell_contested(OpenVolume& open, const World& world) {
    open.volume->find_contested();
    const auto& contested = open.volume->contested();
    if (contested.empty()) return;
    uint64_t bytes = 0;
    std::optional<std::pair<DevId, uint64_t>> first;
    for (unsigned i = 0; i < open.volume->members().size(); i++)
        for (const Range place : contested.places(i)) {
            bytes += place.length();
            if (!first) first.emplace(open.volume->members()[i].devid, place.start);
        }
    world.err << "corrupt chunks: " << bytes << " bytes of the devices belong to more than one of them, first devid "
              << first->first.v << " at " << first->second << ": nobody knows to which; nothing is written there\n";
    for (const auto& chunk : open.volume->chunks()) add_contested(open, chunk);
}

Result<void> map_chunks(OpenVolume& open, const World& world) {
    const auto& super = open.volume->super();
    const uint32_t sectorsize = super.sectorsize;
    std::vector<format::DevItem> devices;
    std::vector<format::Chunk> chunks;
    RangeSet undecided;
    open.volume->set_undecided({});
    tree::Cursor cursor(*open.reader, tree::chunk_root(super));
    while (const tree::Step step = cursor.next()) {
        if (step.lost) {
            const auto& lost = open.unknown.emplace_back(lost_chunks(*step.lost));
            if (lost.undecided) undecided.append({lost.logical.v, lost.logical.v + lost.length});
            continue;
        }
        if (step.item->key.type == format::type::kDevItem) {
            if (const auto raw = read_at<format::raw::dev_item>(step.item->data, 0)) {
                devices.push_back(format::decode_dev_item(*raw));
            } else {
                world.err << "corrupt device item: devid " << step.item->key.offset << ", shorter than its struct\n";
                open.unknown.push_back({super.chunk_root, super.nodesize, "chunk-tree", false});
            }
        } else if (step.item->key.type == format::type::kChunkItem) {
            const Logical start(step.item->key.offset);
            auto chunk = format::decode_chunk(start, step.item->data, sectorsize);
            if (chunk) {
                chunks.push_back(std::move(*chunk));
            } else {
                world.err << format::message(chunk.error(), "chunk", "logical " + std::to_string(start.v)) << '\n';
                open.unknown.push_back({start, sectorsize, "chunk-tree", false});
            }
        }
    }
    if (auto taken = volume::take_dev_items(*open.volume, devices, open.unknown.empty()); !taken) return taken.error();
    for (auto& chunk : chunks) {
        const Logical start = chunk.start;
        const uint64_t length = chunk.length;
        if (!fits_devices(*open.volume, chunk)) {
            world.err << "corrupt chunk: logical " << start.v << ", reaches past the end of a device\n";
            open.unknown.push_back({start, length, "chunk-tree", false});
            continue;
        }
        if (auto added = open.volume->add_chunk(std::move(chunk)); !added) {
            world.err << added.error().message << '\n';
            open.unknown.push_back({start, length, "chunk-tree", false});
        }
    }
    open.volume->set_undecided(std::move(undecided));
    tell_contested(open, world);
    open.reader->forget();
    return {};
}

void tell_short_devices(const OpenVolume& open, const World& world) {
    for (const auto& member : open.volume->members()) {
        if (member.device == nullptr || member.device->size() >= member.total_bytes) continue;
        world.err << printable(member.path) << ": is " << member.device->size()
                  << " bytes long, the file system expects " << member.total_bytes
                  << "; what lies beyond counts as unreadable\n";
    }
}

void tell_replace(OpenVolume& open, const World& world) {
    const auto root = open.roots.find(format::objectid::kDevTree);
    if (!root) return;
    tree::Cursor cursor(*open.reader, *root);
    const format::Key key{0, format::type::kDevReplace, 0};
    cursor.seek(key);
    const tree::Step step = cursor.next();
    if (!step.item || step.item->key != key) return;
    const auto state = format::decode_replace_state(*step.item);
    open.replace_under_way = state == format::ReplaceState::started || state == format::ReplaceState::suspended;
    if (open.replace_under_way) world.err << "a device replace is under way: its target is not looked at\n";
}

void read_roots(OpenVolume& open) {
    open.roots = tree::Roots::read(*open.reader);
    const auto& super = open.volume->super();
    if (open.roots.incomplete())
        open.unknown.push_back({super.root, super.nodesize, "root-tree", open.roots.undecided()});
    open.log = tree::read_log_trees(*open.reader);
    // A log that cannot be had leaves free space in doubt.
    if (open.log.incomplete) open.unknown.push_back({super.log_root, super.nodesize, "log-tree", true});
}

// What could not be had without a device may be had with it.
Result<void> read_trees_again(OpenVolume& open, const World& world) {
    open.unknown.clear();
    open.reader->forget();
    if (auto mapped = map_chunks(open, world); !mapped) return mapped.error();
    open.scans.resize(open.volume->members().size());
    read_roots(open);
    return {};
}

}  // namespace

Logical OpenVolume::end() const { return volume->chunks().empty() ? Logical(0) : volume->chunks().back().chunk.end(); }

std::vector<format::Extent> extra_extents(const OpenVolume& open) {
    auto all = open.log.extents;
    const auto lost = open.reader->hurt_blocks();
    all.insert(all.end(), lost.begin(), lost.end());
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
    return all;
}

tree::ExtentStream extents_of(const OpenVolume& open, const std::vector<format::Extent>& extra) {
    return {*open.reader, open.roots.find(format::objectid::kExtentTree), extra, open.end(),
            open.roots.incomplete() && open.roots.undecided()};
}

Result<std::vector<device::Opened>> open_devices(const Options& options, const World& world) {
    std::vector<device::Opened> opened;
    for (const auto& path : options.devices) {
        auto device = world.open(path, options.reading);
        if (!device) return device.error();
        for (size_t i = 0; i < opened.size(); i++)
            if (opened[i].identity == device->identity)
                return Error{printable(path) + ": is the same device as " + printable(options.devices[i]) +
                             ", named twice"};
            else if (device::overlap(opened[i].identity, device->identity))
                return Error{printable(path) + ": has bytes in common with " + printable(options.devices[i])};
        opened.push_back(std::move(*device));
    }
    return opened;
}

Result<OpenVolume> open_volume(const Options& options, const World& world, parity::Engine& engine) {
    auto opened = open_devices(options, world);
    if (!opened) return opened.error();

    OpenVolume open;
    open.devices = std::move(*opened);
    std::vector<volume::Candidate> candidates, nameless;
    for (const auto& device : open.devices) {
        volume::Candidate candidate{printable(device.device->path()), device.device.get(),
                                    volume::scan_supers(*device.device)};
        (volume::has_identity(candidate) ? candidates : nameless).push_back(std::move(candidate));
    }
    for (const auto& candidate : nameless)
        if (repair::is_marker(candidate.copies.front().bytes))
            return Error{candidate.path +
                         ": is a device that a rebuild has begun and not completed; leave it out, or end the rebuild"};
    for (const auto& candidate : nameless)
        if (auto disk = refuse_whole_disk(candidate.device->path(), world, candidates.empty())) return *disk;
    if (candidates.empty()) return volume::no_superblock(nameless.front());
    auto assembled = volume::assemble(candidates, options.distrust);
    if (!assembled) return assembled.error();
    open.volume = std::make_unique<volume::Volume>(std::move(*assembled));
    for (auto& candidate : candidates) open.scans.push_back(std::move(candidate.copies));
    open.reader = std::make_unique<tree::BlockReader>(*open.volume, engine, world.stop);

    if (auto mapped = map_chunks(open, world); !mapped) return mapped.error();
    open.scans.resize(open.volume->members().size());
    for (unsigned i = 0; i < candidates.size(); i++) open.volume->member(i).path = candidates[i].device->path();
    for (const DevId devid : options.distrust) {
        const auto& members = open.volume->members();
        if (std::none_of(members.begin(), members.end(), [&](const auto& m) { return m.devid == devid; }))
            return Error{"--distrust " + std::to_string(devid.v) + ": the file system has no such device"};
    }
    read_roots(open);
    const bool any_nameless = !nameless.empty();
    if (auto told = identify_by_content(open, options.distrust, world, std::move(nameless)); !told) return told.error();
    // Also where nothing was lost: what was made without a device may be another thing than what lies on it.
    if (any_nameless) {
        if (auto again = read_trees_again(open, world); !again) return again.error();
    }
    tell_short_devices(open, world);
    tell_replace(open, world);
    return open;
}

}  // namespace raid56::session
