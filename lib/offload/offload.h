// SPDX-License-Identifier: GPL-2.0-or-later
// Accelerators behind the parity engine's interface, for callers that know nothing of OpenCL. There whether or not the
// program was built with it: then, and where the system has no loader of it, there are no devices, and a sentence why.
// Thread rule: functions for one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "parity/engine.h"

namespace raid56::offload {

struct Accelerator {
    std::string name, platform;  // as the driver spells them: not to be printed raw
    std::string type;            // gpu, accelerator, processor, other
    bool shares_memory = false;  // with the host
    std::string unfit;           // why it cannot be used; empty: it can
};

/// In the drivers' order. Loads the drivers: a fraction of a second.
Result<std::vector<Accelerator>> find_accelerators();

/// What the device spent and moved so far, beside the engine's rates: seconds and bytes.
struct Usage {
    double in = 0, compute = 0, out = 0;
    uint64_t bytes_in = 0, bytes_out = 0;
};

/// An engine, and what it is on.
struct OffloadEngine {
    std::unique_ptr<parity::Engine> engine;
    Accelerator device;
    Usage usage() const { return usage_of ? usage_of(*engine) : Usage{}; }
    Usage (*usage_of)(const parity::Engine&) = nullptr;
};

/// The engine of one of find_accelerators(), by its place; where none is named of the one that suits best: a GPU
/// before an accelerator before a processor. `profile`: Usage is kept.
Result<OffloadEngine> open_accelerator(std::optional<size_t> place, bool profile = false);

}  // namespace raid56::offload
