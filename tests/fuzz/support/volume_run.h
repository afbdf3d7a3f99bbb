// SPDX-License-Identifier: GPL-2.0-or-later
// A scrub with a plan of writes over devices in memory, as `repair` makes it, and what it told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fuzz/support/overlay_device.h"
#include "repair/record.h"
#include "report/model.h"
#include "session/options.h"

namespace raid56::fuzz {

struct PlannedWrite {
    repair::Write write;
    std::vector<uint8_t> old_bytes, new_bytes;
};

struct VolumeRun {
    bool opened = false;  // else `error` says why not
    std::string error;
    bool interrupted = false;
    bool whole_devices = false;  // no device is shorter than the file system says
    report::Verdict verdict = report::Verdict::failed;
    int exit_status = 0;
    scrub::Counters counters;
    std::vector<scrub::Damage> damages;
    std::vector<scrub::Unknown> unknowns;
    std::vector<PlannedWrite> writes;  // in the order of the plan
    repair::Planned planned;
    bool blocked = false;
    std::string report;  // without what may differ between two runs
};

enum class Told : bool { nothing, all };

/// Scrubs those devices, by one thread, and plans. `stop` ends it. Where nothing is to be told there is no report.
VolumeRun run_volume(const std::vector<OverlayDevice*>& devices, const session::Options& options,
                     parity::Engine& engine, std::atomic<bool>& stop, Told told = Told::all);

}  // namespace raid56::fuzz
