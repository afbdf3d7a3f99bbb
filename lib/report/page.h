// SPDX-License-Identifier: GPL-2.0-or-later
// One page for people: the verdict, every device drawn to scale with what is damaged on it, what is hurt, the figures.
// HTML in one file that runs nothing and asks nothing of any network: its own policy forbids both. Pure.
#pragma once

#include <optional>
#include <string>

#include "report/damaged_chunks.h"
#include "report/hurt_files.h"
#include "report/listed.h"
#include "report/model.h"
#include "report/strip.h"

namespace raid56::report {

/// What a page shows. Counts are of everything, lists are cut.
struct PageContent {
    static constexpr size_t kDevices = 1024;  // the others are counted
    static constexpr size_t kDrawn = 128;     // the others have no strip

    struct Device {
        DeviceEvent event;
        bool drawn = false;
        std::vector<Band> bands;
        Marks marks;
        uint64_t findings = 0;
    };

    std::optional<VolumeEvent> volume;
    std::vector<Device> devices;
    uint64_t devices_left_out = 0;
    DamagedChunks chunks;
    Listed lost, repairable;  // lost: or undecided, or unknown
    FileList lost_files, repairable_files;
    Listed objects;  // that lose something with tree blocks
    bool with_files = false;
    Listed writes;
    Summary summary;
};

std::string page(const PageContent& content);

}  // namespace raid56::report
