// SPDX-License-Identifier: GPL-2.0-or-later
// What the user asked for, and the world that the program runs in; tests inject both.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "device/hold.h"
#include "device/idle.h"
#include "device/log_file.h"
#include "device/open.h"
#include "device/partitions.h"
#include "device/rate_limit.h"
#include "device/signatures.h"
#include "device/target.h"
#include "offload/offload.h"
#include "parity/engine.h"
#include "repair/apply.h"
#include "repair/planner.h"
#include "scrub/classify.h"
#include "scrub/selection.h"

namespace raid56::session {

enum class Format : uint8_t { text, json };
enum class Progress : uint8_t { automatic, always, never, json };

/// DEVICE=FILE: a map file of ddrescue, and the device that it is of.
struct MapOption {
    std::string device;  // as named on the command line, or the file or disk that it is a part of
    std::string file;
};

struct Options {
    std::vector<std::string> devices;
    Format format = Format::text;
    Progress progress = Progress::automatic;
    std::set<DevId> distrust;
    std::string engine = "auto";
    unsigned threads = 0;
    device::Reading reading = device::Reading::automatic;
    std::vector<MapOption> maps;      // to be read
    std::vector<MapOption> new_maps;  // scrub: to be written
    bool files = false;               // name the files that damage hurts
    scrub::Choice part;               // scrub: what is looked at
    std::string checkpoint;           // scrub: path; empty: none
    uint64_t limit_rate = 0;          // bytes a second that are read; 0: as many as can be had
    bool idle = false;                // leave disks and processors to others
    std::string html;                 // path of a page to be made; empty: none
    std::optional<uint64_t> logical;  // inspect
    std::optional<std::string> file;  // inspect

    // repair and undo
    bool write = false;
    std::string journal, plan, save_plan;  // paths; empty: not given
    scrub::NoChecksum no_checksum = scrub::NoChecksum::report;
    repair::Limits limits;

    // rebuild
    std::vector<std::pair<DevId, std::string>> onto;  // lost devices, and where they are written anew
    std::string state;                                // path; empty: beside the first image
    bool restart = false, force = false, abandon_replace = false;
};

/// How files and devices that are written are come by.
struct Writing {
    std::function<Result<std::unique_ptr<device::WriteDevice>>(const std::string& path)> device =
        device::open_for_writing;
    std::function<Result<std::unique_ptr<device::WriteDevice>>(const std::string& path)> create = device::create_log;
    std::function<Result<std::unique_ptr<device::WriteDevice>>(const std::string& path)> open = device::open_log;
    std::function<Result<std::unique_ptr<device::WriteDevice>>(const std::string& path)> read = device::read_log;
    std::function<Result<std::unique_ptr<device::WriteDevice>>()> temporary = device::temporary_log;
    std::function<bool(const std::string& path)> exists = device::log_exists;
    std::function<void(const std::string& path)> remove = device::remove_log;
    // Of a rebuild: what is written onto, what lies there, and keeping others from writing to what is read.
    std::function<Result<std::unique_ptr<device::WriteDevice>>(const std::string& path, uint64_t size)> target =
        device::open_target;
    std::function<Result<std::vector<device::Signature>>(const std::string& path)> signatures = device::find_signatures;
    std::function<Result<std::unique_ptr<device::Hold>>(const std::string& path)> hold = device::hold_for_reading;
    std::function<Result<void>(const std::string& path)> refuse_used = device::refuse_used_target;
    std::function<bool(const std::string& a, const std::string& b)> share_storage = device::share_storage;
    size_t batch_bytes = repair::kBatchBytes;
};

/// How accelerators are come by.
struct Accelerators {
    std::function<Result<std::vector<offload::Accelerator>>()> find = offload::find_accelerators;
    std::function<Result<offload::OffloadEngine>(std::optional<size_t> place, bool profile)> open =
        offload::open_accelerator;
};

struct World {
    std::ostream& out;
    std::ostream& err;
    bool err_is_terminal = false;
    std::function<Result<device::Opened>(const std::string& path, device::Reading reading)> open =
        device::open_for_reading;
    double (*clock)() = nullptr;    // seconds, steady
    const std::atomic<bool>& stop;  // set by an interrupt
    std::span<parity::Engine* const> engines = parity::engines();
    Writing writing = {};
    std::function<Result<device::PartitionTable>(const std::string& path)> partitions = device::find_partitions;
    void (*sleep)(double seconds) = device::sleep_seconds;
    std::function<Result<void>()> idle = device::be_idle;
    unsigned (*width)() = [] { return 80u; };  // columns of the terminal that err is
    Accelerators accelerators = {};
};

}  // namespace raid56::session
