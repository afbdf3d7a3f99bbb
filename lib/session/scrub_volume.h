// SPDX-License-Identifier: GPL-2.0-or-later
// The part that scrub and repair have in common: who is there, and everything checked and told.
#pragma once

#include <functional>
#include <stdexcept>

#include "scrub/classify.h"
#include "scrub/selection.h"
#include "session/checkpoint.h"
#include "session/open_volume.h"
#include "session/tally.h"

namespace raid56::session {

struct ScrubParts {
    OpenVolume& open;
    parity::Engine& engine;
    const Options& options;
    const World& world;
    const scrub::Selection* part = nullptr;  // what is looked at; null: everything
    Checkpoint* checkpoint = nullptr;        // null: none is kept
};

/// A checkpoint that cannot be read. The message is a sentence.
struct CheckpointFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Tells the volume and its devices.
void tell_members(const OpenVolume& open, report::Writer& writer, report::ProgressLine& progress);

/// Surveys the trees, tells the volume, its devices and superblock copies, and scrubs every chunk.
/// `begin`, if given, is called once the devices' states are decided, before the first finding is told; fixes
/// are collected then. `supers`, if given, gets what is wrong with superblock copies.
scrub::Counters scrub_volume(const ScrubParts& parts, report::Writer& writer, Tally& tally,
                             report::ProgressLine& progress, const std::function<void()>& begin = {},
                             std::vector<scrub::Damage>* supers = nullptr);

/// Checks the full stripes of a set once more, from the devices.
scrub::Counters scrub_again(const ScrubParts& parts, const scrub::StripeSet& stripes, scrub::Sink& sink);

}  // namespace raid56::session
