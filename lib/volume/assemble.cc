// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Each candidate is identified by its copy 0, or where that is bad by another copy of its own.
// 2. What must not be judged is refused: wiped, unfinished, half converted, replace targets, twins.
// 3. The volume is the one fsid that is not a seed's.
// 4. The newest superblocks speak for it, and where they contradict each other, most of them: copy 0
//    before the others, one with a log before one without.
#include "volume/assemble.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace raid56::volume {
namespace {

using format::Superblock;

struct Identity {
    const Superblock* super = nullptr;
    bool wiped = false;  // lacks its magic; here because the user distrusts it by name
};

Error refuse(const std::string& path, const std::string& why) { return Error{path + ": " + why}; }

const SuperCopy* first_good(const Candidate& candidate) {
    for (const auto& copy : candidate.copies)
        if (copy.state == CopyState::good) return &copy;
    return nullptr;
}

Result<Identity> identify(const Candidate& candidate, const std::set<DevId>& distrusted) {
    const auto& first = candidate.copies.front();
    if (first.state == CopyState::magic_missing) {
        const DevId devid = first.super->dev_item.devid;
        if (distrusted.contains(devid)) return Identity{&*first.super, true};
        return refuse(candidate.path, "its superblock lacks only the magic, so devid " + std::to_string(devid.v) +
                                          " was removed or wiped on purpose; use it all the same with --distrust " +
                                          std::to_string(devid.v));
    }
    if (first.reject && first.reject->reason == format::Reason::unfinished_mkfs) return no_superblock(candidate);
    const SuperCopy* good = first_good(candidate);
    if (good == nullptr) return no_superblock(candidate);
    return Identity{&*good->super, false};
}

Result<void> check_one(const Candidate& candidate, const Superblock& super) {
    if (const auto why = format::refusal(super)) return refuse(candidate.path, *why);
    if (super.dev_item.devid.v == 0)
        return refuse(candidate.path, "devid 0 is the target of an unfinished device replace, not a member");
    return {};
}

Result<void> check_twins(const std::vector<Candidate>& candidates, const std::vector<Identity>& identities) {
    for (size_t i = 0; i < identities.size(); i++)
        for (size_t j = 0; j < i; j++) {
            const auto &a = identities[i].super->dev_item, &b = identities[j].super->dev_item;
            if (a.fsid == b.fsid && a.devid == b.devid && a.uuid == b.uuid)
                return refuse(candidates[i].path, "has the same identity as " + candidates[j].path + " (devid " +
                                                      std::to_string(a.devid.v) + ", uuid " + uuid_text(a.uuid) +
                                                      "): name only the one that belongs to the file system");
        }
    return {};
}

// The fsid of the devices that are no seeds; where all are, the seed file system itself is meant.
Result<Uuid> choose_fsid(const std::vector<Candidate>& candidates, const std::vector<Identity>& identities) {
    const bool all_seeds =
        std::all_of(identities.begin(), identities.end(), [](const Identity& i) { return i.super->is_seed(); });
    const Candidate* chosen = nullptr;
    Uuid fsid{};
    for (size_t i = 0; i < identities.size(); i++) {
        if (identities[i].super->is_seed() && !all_seeds) continue;
        const Uuid& mine = identities[i].super->metadata_uuid;
        if (chosen == nullptr) {
            chosen = &candidates[i];
            fsid = mine;
        } else if (mine != fsid) {
            return refuse(candidates[i].path, "belongs to another file system (fsid " + uuid_text(mine) + ") than " +
                                                  chosen->path + " (fsid " + uuid_text(fsid) + ")");
        }
    }
    return fsid;
}

// Copies that may speak for the volume: of devices that are trusted, where there is one; the newest.
std::vector<const SuperCopy*> speakers(const std::vector<Candidate>& candidates,
                                       const std::vector<Identity>& identities, const Uuid& fsid,
                                       const std::set<DevId>& distrusted) {
    std::vector<const SuperCopy*> all;
    for (size_t i = 0; i < candidates.size(); i++)
        for (const auto& copy : candidates[i].copies) {
            const bool usable = copy.state == CopyState::good || (identities[i].wiped && copy.index == 0);
            if (usable && copy.super->metadata_uuid == fsid) all.push_back(&copy);
        }
    const auto trusted = [&](const SuperCopy* copy) { return !distrusted.contains(copy->super->dev_item.devid); };
    if (std::any_of(all.begin(), all.end(), trusted))
        std::erase_if(all, [&](const SuperCopy* copy) { return !trusted(copy); });
    Generation newest;
    for (const auto* copy : all) newest = std::max(newest, copy->super->generation);
    std::erase_if(all, [&](const SuperCopy* copy) { return copy->super->generation < newest; });
    return all;
}

const SuperCopy* choose_master(const std::vector<const SuperCopy*>& speakers) {
    std::map<format::SuperBytes, unsigned> votes;
    for (const auto* copy : speakers) votes[format::part_of_volume(copy->bytes)]++;
    const SuperCopy* best = nullptr;
    const auto rank = [&](const SuperCopy& copy) {
        const auto& super = *copy.super;
        return std::tuple(votes[format::part_of_volume(copy.bytes)], copy.index == 0, super.log_root.v != 0,
                          ~super.dev_item.devid.v);
    };
    for (const auto* copy : speakers)
        if (best == nullptr || rank(*copy) > rank(*best)) best = copy;
    return best;
}

}  // namespace

bool has_identity(const Candidate& candidate) {
    return std::any_of(candidate.copies.begin(), candidate.copies.end(), [](const SuperCopy& copy) {
        // An unfinished mkfs says clearly that the device is nobody's member.
        return copy.super.has_value() || (copy.reject && copy.reject->reason == format::Reason::unfinished_mkfs);
    });
}

Error no_superblock(const Candidate& candidate) {
    for (const auto& copy : candidate.copies)
        if (copy.reject && copy.reject->reason == format::Reason::unfinished_mkfs)
            return refuse(candidate.path,
                          "an unfinished mkfs or conversion left this superblock; there is no file system here yet");
    std::string why = "no valid btrfs superblock";
    const char* separator = " (";
    for (const auto& copy : candidate.copies) {
        if (copy.state == CopyState::absent) continue;
        why +=
            separator + std::string("at ") + std::to_string(format::kSuperOffsets[copy.index]) + ": " + describe(copy);
        separator = "; ";
    }
    if (*separator == ';') why += "; leave it out to have it counted as missing)";
    return refuse(candidate.path, why);
}

Result<Volume> assemble(const std::vector<Candidate>& candidates, const std::set<DevId>& distrusted) {
    std::vector<Identity> identities;
    for (const auto& candidate : candidates) {
        auto identity = identify(candidate, distrusted);
        if (!identity) return identity.error();
        if (auto fine = check_one(candidate, *identity->super); !fine) return fine.error();
        identities.push_back(*identity);
    }
    if (auto fine = check_twins(candidates, identities); !fine) return fine.error();
    const auto fsid = choose_fsid(candidates, identities);
    if (!fsid) return fsid.error();
    const SuperCopy* master = choose_master(speakers(candidates, identities, *fsid, distrusted));
    if (master == nullptr) return refuse(candidates.front().path, "no superblock can speak for the file system");
    if (const auto why = format::refusal(*master->super)) return refuse(candidates.front().path, *why);

    Volume volume(*master->super, master->bytes);
    for (size_t i = 0; i < candidates.size(); i++) {
        const auto& super = *identities[i].super;
        Member member;
        member.devid = super.dev_item.devid;
        member.uuid = super.dev_item.uuid;
        member.fsid = super.dev_item.fsid;
        member.total_bytes = super.dev_item.total_bytes;
        member.generation = super.generation;
        member.seed = super.metadata_uuid != *fsid;
        member.state =
            identities[i].wiped || distrusted.contains(member.devid) ? DeviceState::distrusted : DeviceState::present;
        member.device = candidates[i].device;
        member.path = candidates[i].path;
        volume.add_member(std::move(member));
    }
    for (const auto& chunk : master->super->sys_chunks)
        if (auto added = volume.add_chunk(chunk); !added) return added.error();
    return volume;
}

Result<void> take_dev_items(Volume& volume, const std::vector<format::DevItem>& items, bool complete) {
    std::vector<bool> named(volume.members().size(), false);
    for (const auto& item : items) {
        auto found = volume.find_member(item.devid, item.uuid);
        if (!found) {
            Member missing;
            missing.devid = item.devid;
            missing.uuid = item.uuid;
            found = volume.add_member(std::move(missing));
            named.push_back(true);
        }
        Member& member = volume.member(*found);
        if (*found < named.size()) named[*found] = true;
        if (member.device != nullptr && member.fsid != item.fsid)
            return refuse(member.path, "its fsid " + uuid_text(member.fsid) +
                                           " is not the one that the chunk tree expects of devid " +
                                           std::to_string(item.devid.v));
        member.fsid = item.fsid;
        member.dev_item = item.raw;
        member.seed = item.fsid != volume.super().metadata_uuid;
        if (item.total_bytes != 0) member.total_bytes = item.total_bytes;
        if (member.seed && member.device != nullptr && item.generation != member.generation)
            return refuse(member.path, "the seed has generation " + std::to_string(member.generation.v) +
                                           ", the file system grown from it expects " +
                                           std::to_string(item.generation.v));
    }
    if (!complete) return {};
    for (size_t i = 0; i < named.size(); i++) {
        const auto& member = volume.members()[i];
        if (named[i] || member.device == nullptr || member.state == DeviceState::distrusted) continue;
        return refuse(member.path, "is no member of this file system: its chunk tree names no devid " +
                                       std::to_string(member.devid.v) + " with uuid " + uuid_text(member.uuid));
    }
    return {};
}

std::string uuid_text(const Uuid& uuid) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < uuid.size(); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += kDigits[uuid[i] >> 4];
        text += kDigits[uuid[i] & 15];
    }
    return text;
}

}  // namespace raid56::volume
