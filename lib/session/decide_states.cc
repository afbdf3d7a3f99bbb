// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/decide_states.h"

#include <algorithm>

namespace raid56::session {

scrub::Survey survey_and_decide(OpenVolume& open, const World& world, const scrub::Selection* part) {
    auto extents = extents_of(open, open.log.extents);
    tree::CsumStream csums(*open.reader, open.roots.find(format::objectid::kCsumTree), open.log);
    auto survey = scrub::survey(*open.volume, extents, csums, world.stop, part);
    for (const auto& behind : survey.behind) open.volume->member(behind.member).state = scrub::judge_behind(behind);
    return survey;
}

void decide_states(OpenVolume& open, const World& world) {
    const auto& volume = *open.volume;
    const bool behind = std::any_of(volume.members().begin(), volume.members().end(), [&](const auto& m) {
        return m.state == volume::DeviceState::present && !m.seed && m.generation < volume.super().generation;
    });
    if (behind) survey_and_decide(open, world);
}

}  // namespace raid56::session
