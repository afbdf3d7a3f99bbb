// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/targets.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/printable.h"
#include "repair/reached.h"
#include "session/whole_disk.h"
#include "volume/assemble.h"
#include "volume/super_scan.h"

namespace raid56::session {
namespace {

using volume::SuperCopy;

// The newest good copy.
const format::Superblock* newest(const std::vector<SuperCopy>& scan) {
    const format::Superblock* best = nullptr;
    for (const auto& copy : scan)
        if (copy.super && (best == nullptr || copy.super->generation > best->generation)) best = &*copy.super;
    return best;
}

// A journal's word on what happens to single writes is of no interest while devices are told apart.
class Silence final : public repair::Listener {
  public:
    void action(const repair::Write&, bool) override {}
    void complain(const std::string&) override {}
};

bool holds_journal(device::WriteDevice& device, DevId devid, device::WriteDevice& journal,
                   const repair::LogState& state, const World& world) {
    repair::LogState part = state;
    repair::LogWriter log(journal, part);
    Silence silence;
    // A device to which nothing was written is told by nothing.
    const auto known = repair::Applier(journal, part, log, {{devid, &device}}, silence, world.stop).check_device(devid);
    return known && *known > 0;
}

class Matcher {
  public:
    Matcher(device::WriteDevice& journal, repair::LogState& state, Needed needed, const World& world)
        : journal_(journal), state_(state), needed_(needed), world_(world) {}

    Result<Targets> match(const std::vector<std::string>& paths) {
        // All are looked at before the first is claimed: a claimed partition makes its disk busy for the next.
        for (const auto& path : paths)
            if (auto taken = look(path); !taken) return taken.error();
        for (const auto& seen : seen_)
            if (auto taken = take(seen); !taken) return taken.error();
        for (auto* device : nameless_)
            if (auto told = tell(*device); !told) return told.error();
        if (auto there = expect_needed(); !there) return there.error();
        return std::move(found_);
    }

  private:
    struct Seen {
        std::string path;
        device::Identity identity;
        std::optional<DevId> devid;  // nothing: no superblock tells
    };

    // A seed is known and left alone; everything else is to be written.
    Result<void> look(const std::string& path) {
        auto reader = world_.open(path, device::Reading::automatic);
        if (!reader) return reader.error();
        Seen seen{path, reader->identity, {}};
        const auto scan = volume::scan_supers(*reader->device);
        if (const auto* super = newest(scan)) {
            const auto& item = super->dev_item;
            const auto known =
                std::find_if(state_.header.devices.begin(), state_.header.devices.end(),
                             [&](const auto& d) { return d.devid == item.devid && d.uuid == item.uuid; });
            if (known == state_.header.devices.end()) return Error{printable(path) + ": is no device of this journal"};
            if (known->seed) return {};
            if (super->generation > std::max(state_.header.generation, known->generation))
                return Error{printable(path) + ": has generation " + std::to_string(super->generation.v) +
                             ", the journal knows " + std::to_string(state_.header.generation.v) +
                             ": somebody mounted the file system since; nothing is done"};
            if (auto whole = is_whole(path, reader->device->size(), *known); !whole) return whole.error();
            seen.devid = known->devid;
        } else if (auto disk = refuse_whole_disk(path, world_, false)) {
            return *disk;
        }
        for (const auto& other : seen_)
            if (!(other.identity == seen.identity) && device::overlap(other.identity, seen.identity))
                return Error{printable(path) + ": has bytes in common with " + printable(other.path)};
        seen_.push_back(std::move(seen));
        return {};
    }

    // Cut short since the journal was made: the writes behind the new end would fail one by one. What an image had
    // behind the end of its file system does not count: a loop device over it, or a disk it was put back to, ends
    // before.
    static Result<void> is_whole(const std::string& path, uint64_t length, const repair::HeaderDevice& known) {
        const uint64_t needed = std::min(known.length, known.total_bytes);
        if (length >= needed) return {};
        return Error{printable(path) + ": is " + std::to_string(length) + " bytes long, the journal was made for " +
                     std::to_string(needed) + ": it was cut short since; nothing is done"};
    }

    Result<void> take(const Seen& seen) {
        if (seen.devid && is_taken(*seen.devid))
            return Error{printable(seen.path) + ": devid " + std::to_string(seen.devid->v) + " is named twice"};
        auto device = open(seen.path);
        if (!device) return device.error();
        if (!((*device)->identity() == seen.identity))
            return Error{printable(seen.path) + ": was replaced by something else while being opened"};
        if (seen.devid)
            found_.targets.push_back({*seen.devid, *device});
        else
            nameless_.push_back(*device);
        return {};
    }

    Result<device::WriteDevice*> open(const std::string& path) {
        auto device = world_.writing.device(path);
        if (!device) return device.error();
        found_.devices.push_back(std::move(*device));
        return found_.devices.back().get();
    }

    bool is_taken(DevId devid) const {
        return std::any_of(found_.targets.begin(), found_.targets.end(),
                           [&](const auto& target) { return target.devid == devid; });
    }

    Result<void> tell(device::WriteDevice& device) {
        const repair::HeaderDevice* one = nullptr;
        for (const auto& known : state_.header.devices) {
            if (known.seed || is_taken(known.devid) || !holds_journal(device, known.devid, journal_, state_, world_))
                continue;
            if (one)
                return Error{printable(device.path()) + ": has no superblock, and may be devid " +
                             std::to_string(one->devid.v) + " or " + std::to_string(known.devid.v)};
            one = &known;
        }
        if (one == nullptr)
            return Error{printable(device.path()) +
                         ": has no superblock, and nothing that this journal wrote; to go on, leave it out"};
        if (auto whole = is_whole(device.path(), device.size(), *one); !whole) return whole.error();
        found_.targets.push_back({one->devid, &device});
        return {};
    }

    Result<void> expect_needed() {
        std::vector<repair::HeaderDevice> missing;
        std::copy_if(state_.header.devices.begin(), state_.header.devices.end(), std::back_inserter(missing),
                     [&](const auto& known) { return !known.seed && !is_taken(known.devid); });
        if (missing.empty()) return {};
        const auto reached = repair::reached_devices(journal_, state_);
        if (!reached) return reached.error();
        for (const auto& known : missing)
            if (needed_ == Needed::all || reached->contains(known.devid))
                return Error{"devid " + std::to_string(known.devid.v) + " (uuid " + volume::uuid_text(known.uuid) +
                             ") is not among the devices named, and the journal needs it"};
        return {};
    }

    device::WriteDevice& journal_;
    repair::LogState& state_;
    const Needed needed_;
    const World& world_;
    Targets found_;
    std::vector<Seen> seen_;
    std::vector<device::WriteDevice*> nameless_;
};

}  // namespace

World Targets::world_of(const World& world) const {
    World own = world;
    own.open = [this, &world](const std::string& path, device::Reading reading) -> Result<device::Opened> {
        for (const auto& device : devices)
            if (device->path() == path) return device->open_reader();
        return world.open(path, reading);
    };
    return own;
}

Result<Targets> open_targets(const OpenVolume& open, const World& world) {
    Targets opened;
    for (const auto& member : open.volume->members()) {
        if (member.device == nullptr || member.seed) continue;
        const auto is_same = [&](const auto& target) { return target.devid == member.devid; };
        if (std::any_of(opened.targets.begin(), opened.targets.end(), is_same))
            return Error{printable(member.path) + ": devid " + std::to_string(member.devid.v) +
                         " is there twice; leave the one out that does not belong"};
        auto device = world.writing.device(member.path);
        if (!device) return device.error();
        const auto seen = std::find_if(open.devices.begin(), open.devices.end(),
                                       [&](const auto& d) { return d.device.get() == member.device; });
        if (seen == open.devices.end() || !((*device)->identity() == seen->identity))
            return Error{printable(member.path) + ": was replaced by something else while being opened"};
        opened.targets.push_back({member.devid, device->get()});
        opened.devices.push_back(std::move(*device));
    }
    return opened;
}

repair::Header header_of(const volume::Volume& volume, repair::FileKind kind) {
    repair::Header header;
    header.kind = kind;
    header.fsid = volume.super().fsid;
    header.generation = volume.super().generation;
    header.sectorsize = volume.sectorsize();
    for (const auto& member : volume.members())
        if (member.device != nullptr)
            header.devices.push_back(
                {member.devid, member.uuid, member.device->size(), member.total_bytes, member.generation, member.seed});
    return header;
}

Result<Targets> match_targets(const std::vector<std::string>& paths, device::WriteDevice& journal,
                              repair::LogState& state, Needed needed, const World& world) {
    return Matcher(journal, state, needed, world).match(paths);
}

}  // namespace raid56::session
