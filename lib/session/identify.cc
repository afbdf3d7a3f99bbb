// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/identify.h"

#include <algorithm>

#include "session/decide_states.h"

namespace raid56::session {
namespace {

// A checksum of four bytes holds by chance once in 2^32 sectors; four times it does not.
constexpr uint64_t kEnoughSectors = 4;

bool tells(const scrub::Newer& newer) { return newer.proven_blocks > 0 || newer.telling_sectors >= kEnoughSectors; }

// What the trees say of the device in the place of member `index`.
scrub::Newer try_place(OpenVolume& open, const World& world, const volume::Candidate& candidate, unsigned index) {
    volume::Member& member = open.volume->member(index);
    const volume::Member before = member;
    member.device = candidate.device;
    member.state = volume::DeviceState::present;
    const auto survey = survey_and_decide(open, world);
    member = before;
    open.reader->forget();  // what is lost here may be had in another place
    const auto found = std::find_if(survey.behind.begin(), survey.behind.end(),
                                    [&](const scrub::Newer& newer) { return newer.member == index; });
    return found == survey.behind.end() ? scrub::Newer{} : *found;
}

// Mirrored blocks lie at one offset of several devices and do not say of which: a place where nothing
// is refuted goes before those where something is, and of two alike neither is taken.
Result<unsigned> find_place(OpenVolume& open, const World& world, const volume::Candidate& candidate) {
    std::vector<unsigned> whole, partly;
    for (unsigned i = 0; i < open.volume->members().size() && !world.stop; i++) {
        if (open.volume->members()[i].device != nullptr || open.volume->members()[i].seed) continue;
        const auto newer = try_place(open, world, candidate, i);
        if (tells(newer)) (newer.refuted ? partly : whole).push_back(i);
    }
    const auto& places = whole.empty() ? partly : whole;
    if (places.empty()) return volume::no_superblock(candidate);
    if (places.size() == 1) return places.front();
    std::string which;
    for (const unsigned i : places)
        which += (which.empty() ? "" : " or ") + std::to_string(open.volume->members()[i].devid.v);
    return Error{candidate.path + ": has no valid superblock, and may be devid " + which +
                 ": give the other missing devices too, or leave it out to have it counted as missing"};
}

}  // namespace

Result<void> identify_by_content(OpenVolume& open, const std::set<DevId>& distrusted, const World& world,
                                 std::vector<volume::Candidate> nameless) {
    for (auto& candidate : nameless) {
        const auto place = find_place(open, world, candidate);
        if (!place) return place.error();
        volume::Member& member = open.volume->member(*place);
        member.device = candidate.device;
        member.state =
            distrusted.contains(member.devid) ? volume::DeviceState::distrusted : volume::DeviceState::present;
        member.path = candidate.device->path();
        world.err << candidate.path << ": has no valid superblock; what lies on it proves that it is devid "
                  << member.devid.v << "\n";
        open.scans[*place] = std::move(candidate.copies);
    }
    return {};
}

}  // namespace raid56::session
