// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/identify.h"

#include <algorithm>

#include "session/decide_states.h"

namespace raid56::session {
namespace {

// A checksum of four bytes holds by chance once in 2^32 sectors; four times it does not.
constexpr uint64_t kEnoughSectors = 4;

bool tells(const scrub::Newer& newer) { return newer.proven_blocks > 0 || newer.telling_sectors >= kEnoughSectors; }

// Whether the trees prove that the device is member `index`; leaves it in that place if so.
bool is_member(OpenVolume& open, const World& world, const volume::Candidate& candidate, unsigned index) {
    volume::Member& member = open.volume->member(index);
    const volume::Member before = member;
    member.device = candidate.device;
    member.state = volume::DeviceState::present;
    const auto survey = survey_and_decide(open, world);
    const bool told = std::any_of(survey.behind.begin(), survey.behind.end(),
                                  [&](const scrub::Newer& newer) { return newer.member == index && tells(newer); });
    if (!told) member = before;
    return told;
}

}  // namespace

Result<void> identify_by_content(OpenVolume& open, const World& world, std::vector<volume::Candidate> nameless) {
    for (auto& candidate : nameless) {
        bool found = false;
        for (unsigned i = 0; i < open.volume->members().size() && !found && !world.stop; i++) {
            if (open.volume->members()[i].device != nullptr || open.volume->members()[i].seed) continue;
            found = is_member(open, world, candidate, i);
            if (!found) continue;
            open.volume->member(i).path = candidate.device->path();
            world.err << candidate.path << ": has no valid superblock; what lies on it proves that it is devid "
                      << open.volume->members()[i].devid.v << "\n";
            open.scans[i] = std::move(candidate.copies);
        }
        if (!found) return volume::no_superblock(candidate);
    }
    return {};
}

}  // namespace raid56::session
