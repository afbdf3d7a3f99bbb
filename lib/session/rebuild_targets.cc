// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/rebuild_targets.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/printable.h"
#include "volume/assemble.h"
#include "volume/losses.h"

namespace raid56::session {
namespace {

std::string onto(DevId devid) { return "--onto " + std::to_string(devid.v) + ": "; }

std::string missing_devids(const volume::Volume& volume) {
    std::string text;
    for (const auto& member : volume.members())
        if (member.device == nullptr) text += (text.empty() ? "" : ", ") + std::to_string(member.devid.v);
    return text.empty() ? "none is missing" : "missing: " + text;
}

Result<unsigned> choose_member(const volume::Volume& volume, DevId devid) {
    std::optional<unsigned> found;
    for (unsigned i = 0; i < volume.members().size(); i++) {
        const auto& member = volume.members()[i];
        if (member.devid != devid) continue;
        if (member.device != nullptr)
            return Error{onto(devid) + "that device is there (" + printable(member.path) +
                         "); leave it out, to have it made anew"};
        if (found) return Error{onto(devid) + "the chunk tree has two devices of that number"};
        found = i;
    }
    if (!found) return Error{onto(devid) + "the file system has no such device (" + missing_devids(volume) + ")"};
    const auto& member = volume.members()[*found];
    if (!member.dev_item)
        return Error{onto(devid) + "the chunk tree's item of that device is gone: its size is unknown"};
    if (member.fsid != volume.super().metadata_uuid)
        return Error{onto(devid) + "is a seed device: it has a superblock of its own, which nobody else has"};
    if (member.total_bytes < format::kSuperOffsets[0] + format::kSuperSize)
        return Error{onto(devid) + "has a size of " + std::to_string(member.total_bytes) +
                     " bytes: it is being removed from the file system"};
    return *found;
}

// Single, dup and raid0 parts that went with a device are lost and listed; a redundant chunk that lacks too much
// means that devices were forgotten on the command line, or that there is nothing to be had back.
Result<void> check_tolerance(const volume::Volume& volume) {
    for (const auto& mapped : volume.chunks()) {
        if (volume::survives(volume, mapped)) continue;
        std::set<uint64_t> devices, lost;
        for (const unsigned m : mapped.members) {
            const auto& member = volume.members()[m];
            devices.insert(member.devid.v);
            if (member.device == nullptr) lost.insert(member.devid.v);
        }
        const bool redundant = mapped.layout.np > 0 || (mapped.layout.copies > 1 && devices.size() > 1);
        if (!redundant) continue;
        return Error{"the chunk at logical " + std::to_string(mapped.chunk.start.v) + " lacks " +
                     std::to_string(lost.size()) + " of its " + std::to_string(devices.size()) +
                     " devices, more than it bears: nothing is rebuilt"};
    }
    return {};
}

// Refuses what holds something. A btrfs may have lost its first superblock and still be worth something; the one
// that is wanted may be whole already, if the run that wrote it was killed at its very end.
Result<void> check_blank(device::WriteDevice& device, const volume::Member& member, const World& world) {
    const std::string name = printable(device.path());
    auto reader = device.open_reader();
    if (!reader) return reader.error();
    for (const auto& copy : volume::scan_supers(*reader->device)) {
        if (!copy.super) continue;
        const auto& item = copy.super->dev_item;
        if (item.devid == member.devid && item.uuid == member.uuid && item.fsid == member.fsid)
            return Error{
                name + ": is devid " + std::to_string(member.devid.v) +
                " of this file system already: name it among the devices, or have it overwritten with --force"};
        return Error{name + ": holds a btrfs; --force overwrites it"};
    }
    const auto signatures = world.writing.signatures(device.path());
    if (!signatures) return signatures.error();
    if (signatures->empty()) return {};
    return Error{name + ": holds something (" + printable(signatures->front().name) + "); --force overwrites it"};
}

// A target of a rebuild that another state file tells of, or none any more, is not begun anew unasked.
Result<void> check_mark(const OpenVolume& open, device::WriteDevice& device, unsigned member, const Earlier& earlier) {
    std::vector<uint8_t> block(format::kSuperSize);
    if (device.size() < format::kSuperOffsets[0] + block.size()) return {};
    if (device.read(format::kSuperOffsets[0], block) != 0 || !repair::is_marker(block)) return {};
    const DevId devid = open.volume->members()[member].devid;
    if (earlier.id && block == repair::make_marker(*open.volume, devid, *earlier.id)) return {};
    return Error{printable(device.path()) +
                 ": was begun by a rebuild of which the state file is not here; --restart begins anew"};
}

Result<std::unique_ptr<device::WriteDevice>> open_one(const OpenVolume& open, const Wanted& wanted,
                                                      const Options& options, const World& world,
                                                      const Earlier& earlier) {
    const auto& member = open.volume->members()[wanted.member];
    const std::string name = printable(wanted.path);
    if (earlier.begun && !world.writing.exists(wanted.path))
        return Error{name + ": is not there, and was begun; --restart begins anew"};
    auto device = world.writing.target(wanted.path, member.total_bytes);
    if (!device) return device.error();
    for (size_t i = 0; i < open.devices.size(); i++)
        if (device::overlap(open.devices[i].identity, (*device)->identity()) ||
            world.writing.share_storage(options.devices[i], wanted.path))
            return Error{name + ": is, or shares storage with, " + printable(options.devices[i]) + ", which is read"};
    if (earlier.begun || options.force) return device;
    if (!options.restart)
        if (auto fine = check_mark(open, **device, wanted.member, earlier); !fine) return fine.error();
    if (auto blank = check_blank(**device, member, world); !blank) return blank.error();
    return device;
}

}  // namespace

Result<std::vector<Wanted>> choose_targets(const OpenVolume& open, const Options& options) {
    std::vector<Wanted> all;
    for (const auto& [devid, path] : options.onto) {
        const auto member = choose_member(*open.volume, devid);
        if (!member) return member.error();
        for (const auto& other : all) {
            if (other.member == *member) return Error{onto(devid) + "is given twice"};
            if (other.path == path) return Error{printable(path) + ": is given for two devices"};
        }
        all.push_back({*member, path});
    }
    if (auto fine = check_tolerance(*open.volume); !fine) return fine.error();
    return all;
}

bool OpenedTargets::any_block() const {
    return std::any_of(devices.begin(), devices.end(), [](const auto& device) { return device->is_block(); });
}

Result<OpenedTargets> open_rebuild_targets(const OpenVolume& open, const std::vector<Wanted>& wanted,
                                           const Options& options, const World& world, const Earlier& earlier) {
    // All are looked at before the first is claimed: a claimed partition makes its disk busy for the next.
    for (const auto& target : wanted)
        if (auto free = world.writing.refuse_used(target.path); !free) return free.error();
    OpenedTargets opened;
    const auto give_up = [&](Error error) {
        opened.devices.clear();
        for (const auto& path : opened.created) world.writing.remove(path);
        return error;
    };
    for (const auto& target : wanted) {
        const bool is_new = !world.writing.exists(target.path);
        auto device = open_one(open, target, options, world, earlier);
        if (is_new && world.writing.exists(target.path)) opened.created.push_back(target.path);
        if (!device) return give_up(device.error());
        for (const auto& other : opened.devices)
            if (device::overlap(other->identity(), (*device)->identity()) ||
                world.writing.share_storage(other->path(), target.path))
                return give_up(
                    Error{printable(target.path) + ": is, or shares storage with, " + printable(other->path())});
        opened.devices.push_back(std::move(*device));
    }
    return opened;
}

Result<void> wipe_target(device::WriteDevice& device, uint64_t size, const World& world) {
    const auto cannot = [&](int error) {
        return Error{printable(device.path()) + ": cannot be wiped: " + std::strerror(error)};
    };
    if (!device.is_block()) {
        // Whatever it held is gone, and it takes no space yet.
        int error = device.resize(0);
        if (error == 0) error = device.resize(size);
        return error == 0 ? Result<void>() : Result<void>(cannot(error));
    }
    // Most kinds lie there, some with hundreds of copies.
    constexpr uint64_t kEdge = 1 << 20;
    const uint64_t edge = std::min(kEdge, device.size());
    int error = device.zero(0, edge);
    if (error == 0) error = device.zero(device.size() - edge, edge);
    if (error != 0) return cannot(error);
    constexpr unsigned kMost = 1024;  // some show a copy once another is gone
    for (unsigned round = 0; round < kMost; round++) {
        const auto signatures = world.writing.signatures(device.path());
        if (!signatures) return signatures.error();
        if (signatures->empty()) return {};
        for (const auto& signature : *signatures)
            if (const int error = device.zero(signature.offset, signature.length); error != 0) return cannot(error);
    }
    return Error{printable(device.path()) + ": what it holds comes back after it was wiped"};
}

}  // namespace raid56::session
