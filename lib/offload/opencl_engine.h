// SPDX-License-Identifier: GPL-2.0-or-later
// The parity engine on an OpenCL device: a batch is one chain of commands on a queue of its own, several under way at
// once.
//
// Thread rule: that of every engine. A Buffer is for one batch at a time where the device reads it in place.
// Promises: a job is `done` only where what came back proves it (kernels.h); whatever fails, is lost on the way, or is
// not there in time, is `failed`, and software does it. After a device was gone or did not answer, or failed
// kMostFailures times in a row, every job is refused. Nothing that a silent device may still write to is freed.
#pragma once

#include <memory>
#include <string>

#include "offload/devices.h"
#include "parity/engine.h"

namespace raid56::offload {

/// How often in a row batches may fail before the device is given up.
inline constexpr unsigned kMostFailures = 3;

struct Settings {
    double patience = 10;  // seconds that a batch may take
    bool in_place = true;  // where the device shares the host's memory: read columns where they are
    bool profile = false;  // for OpenclEngine::times()
};

class OpenclEngine : public parity::Engine {
  public:
    /// Every job that was ever given to submit(), by what became of it: the four last make up the first, once no
    /// batch is under way.
    struct Tally {
        uint64_t submitted = 0, done = 0, failed = 0, refused = 0;
    };
    virtual Tally tally() const = 0;
    /// Seconds the device spent, all in all, on copies to it, computing and copies from it, and bytes copied; with
    /// Settings::profile.
    struct Times {
        double in = 0, compute = 0, out = 0;
        uint64_t bytes_in = 0, bytes_out = 0;
    };
    virtual Times times() const = 0;
};

/// Compiles the kernels: seconds the first time, with some drivers. The engine is called "opencl". An error where the
/// device does not take part; what the engine can do is not checked here.
Result<std::unique_ptr<OpenclEngine>> make_opencl_engine(const Api& api, const DeviceInfo& device,
                                                         const Settings& settings = {});

}  // namespace raid56::offload
