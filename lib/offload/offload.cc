// SPDX-License-Identifier: GPL-2.0-or-later
#include "offload/offload.h"

#include "offload/opencl_engine.h"

namespace raid56::offload {
namespace {

Accelerator told(const DeviceInfo& device) {
    return {device.name, device.platform, type_name(device.type), device.shares_memory, device.unfit};
}

Usage usage_of(const parity::Engine& engine) {
    const auto times = static_cast<const OpenclEngine&>(engine).times();
    return {times.in, times.compute, times.out, times.bytes_in, times.bytes_out};
}

Result<std::vector<DeviceInfo>> devices() {
    const auto api = system_api();
    if (!api) return api.error();
    return find_devices(**api);
}

}  // namespace

Result<std::vector<Accelerator>> find_accelerators() {
    const auto found = devices();
    if (!found) return found.error();
    std::vector<Accelerator> all;
    for (const DeviceInfo& device : *found) all.push_back(told(device));
    return all;
}

Result<OffloadEngine> open_accelerator(std::optional<size_t> place, bool profile) {
    const auto found = devices();
    if (!found) return found.error();
    if (!place) {
        const auto best = preferred_device(*found);
        if (!best) return best.error();
        place = *best;
    }
    if (*place >= found->size())
        return Error{"there is no OpenCL device " + std::to_string(*place) + ", only " + std::to_string(found->size())};
    const DeviceInfo& device = (*found)[*place];
    auto engine = make_opencl_engine(**system_api(), device, {.profile = profile});
    if (!engine) return engine.error();
    return OffloadEngine{std::move(*engine), told(device), usage_of};
}

}  // namespace raid56::offload
