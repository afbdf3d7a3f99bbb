// SPDX-License-Identifier: GPL-2.0-or-later
// The OpenCL devices of this machine, whatever drives them.
// Thread rule: plain values.
#pragma once

#include <string>
#include <vector>

#include "offload/api.h"

namespace raid56::offload {

enum class DeviceType : uint8_t { gpu, accelerator, processor, other };

struct DeviceInfo {
    cl_device_id id = nullptr;
    std::string name, platform;  // as the driver spells them: not to be printed raw
    DeviceType type = DeviceType::other;
    bool shares_memory = false;  // with the host: nothing needs to be copied
    size_t most_bytes = 0;       // of one allocation
    std::string unfit;           // why it cannot be used; empty: it can
};

/// Every device of every platform, in the drivers' order: the place in it is how users name one. Empty where there
/// are none; an error only where OpenCL does not work at all.
Result<std::vector<DeviceInfo>> find_devices(const Api& api);

/// The one to take where none is named: the first that can be used of the best type, a GPU before an accelerator
/// before a processor. Its place; an error where there is none.
Result<size_t> preferred_device(const std::vector<DeviceInfo>& devices);

const char* type_name(DeviceType type);

}  // namespace raid56::offload
