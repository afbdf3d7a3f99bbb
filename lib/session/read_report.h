// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of a scrub's report (--format json), turned back into its events. Pure.
#pragma once

#include <optional>

#include "report/model.h"
#include "session/progress_lines.h"

namespace raid56::session {

/// Each: nothing where a field is missing or has another type or a value that there is not.
std::optional<report::VolumeEvent> read_volume(const Json& line);
std::optional<report::DeviceEvent> read_device(const Json& line);
std::optional<report::Summary> read_summary(const Json& line);

struct ToldDamage {
    scrub::Damage damage;
    std::optional<report::HurtFiles> files;
};
std::optional<ToldDamage> read_damage(const Json& line);
/// Whether it is undecided or lost is not in the report: it counts as undecided.
std::optional<scrub::Unknown> read_unknown(const Json& line);

}  // namespace raid56::session
