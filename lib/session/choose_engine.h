// SPDX-License-Identifier: GPL-2.0-or-later
// Which parity engines can be trusted on this machine, and which of them is the fastest: among those of the processor
// by what they do in its cache; an accelerator only for a file system large enough to pay for finding one, and only if
// whole full stripes, from the page cache to the verdict, are checked faster with it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "session/open_volume.h"
#include "session/options.h"

namespace raid56::session {

/// Some engines live as long as the program, others as long as somebody uses them: longer than all their buffers.
using EnginePtr = std::shared_ptr<parity::Engine>;

/// What follows "opencl" in the name of an engine, ":DEVICE".
struct AcceleratorName {
    std::optional<size_t> place;  // of offload::find_accelerators()
};
/// Nothing where the name is not one of an accelerator.
std::optional<AcceleratorName> accelerator_named(const std::string& engine);

/// The engine named, or for "auto" all of the world's that do every job right, the scalar one first;
/// stderr says why another is left out. An error where the engine named is not to be had or wrong, or
/// a checksum is: digests are judged by it. Prepares checksums: call before anything that needs them.
Result<std::vector<EnginePtr>> usable_engines(const Options& options, const World& world);

/// The fastest of them.
EnginePtr fastest_engine(const std::vector<EnginePtr>& engines, const World& world);

/// Both in one: the engine to work with.
Result<EnginePtr> choose_engine(const Options& options, const World& world);

/// For "auto", once it is known what there is to do: `engine`, or an accelerator that is faster by more than what
/// measuring errs. Where there is too little to do, none is looked for.
EnginePtr engine_for(const Options& options, const World& world, EnginePtr engine, const OpenVolume& open);

/// An accelerator that does every job right, ready to work; an error says why there is none.
Result<offload::OffloadEngine> open_checked(const World& world, std::optional<size_t> place, bool profile);

/// On stderr, where an engine gave jobs back that software then did.
void tell_trouble(const EnginePtr& engine, const World& world);

}  // namespace raid56::session
