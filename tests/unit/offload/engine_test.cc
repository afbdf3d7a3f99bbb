// SPDX-License-Identifier: GPL-2.0-or-later
// The suite of all engines over OpenCL: columns copied to the device, and read in place where it shares the memory.
#include "engine_suite.h"

#include "offload/opencl_engine.h"

namespace raid56::offload {
namespace {

parity::Engine* engine_of(bool in_place) {
    const auto api = system_api();
    if (!api) return nullptr;
    const auto devices = find_devices(**api);
    if (!devices) return nullptr;
    const auto best = preferred_device(*devices);
    if (!best) return nullptr;
    auto engine = make_opencl_engine(**api, (*devices)[*best], {.in_place = in_place});
    EXPECT_TRUE(engine) << engine.error().message;
    return engine ? engine->release() : nullptr;
}

parity::Engine* copying() {
    static parity::Engine* const engine = engine_of(false);
    return engine;
}
parity::Engine* in_place() {
    static parity::Engine* const engine = engine_of(true);
    return engine;
}

using parity::Candidate;
using parity::EngineTest;

INSTANTIATE_TEST_SUITE_P(OpenCL, EngineTest,
                         ::testing::Values(Candidate{"copying", copying, 1}, Candidate{"in_place", in_place, 1}),
                         [](const auto& it) { return std::string(it.param.name); });

}  // namespace
}  // namespace raid56::offload
