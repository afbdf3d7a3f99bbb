// SPDX-License-Identifier: GPL-2.0-or-later
#include "offload/devices.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "offload/kernels.h"

namespace raid56::offload {
namespace {

constexpr cl_int kNoPlatform = -1001;  // CL_PLATFORM_NOT_FOUND_KHR: the loader found no driver

std::string text_of(const auto& get, auto object, auto what) {
    size_t size = 0;
    if (get(object, what, 0, nullptr, &size) != CL_SUCCESS || size == 0) return "?";
    std::string text(size, '\0');
    if (get(object, what, size, text.data(), nullptr) != CL_SUCCESS) return "?";
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
}

template <class T>
T value_of(const Api& api, cl_device_id device, cl_device_info what) {
    T value{};
    if (api.get_device_info(device, what, sizeof value, &value, nullptr) != CL_SUCCESS) return T{};
    return value;
}

DeviceType type_of(cl_device_type type) {
    if ((type & CL_DEVICE_TYPE_GPU) != 0) return DeviceType::gpu;
    if ((type & CL_DEVICE_TYPE_ACCELERATOR) != 0) return DeviceType::accelerator;
    if ((type & CL_DEVICE_TYPE_CPU) != 0) return DeviceType::processor;
    return DeviceType::other;
}

// Digests are numbers in the byte order of the machine that makes them.
std::string unfit(const Api& api, cl_device_id device) {
    const bool little = value_of<cl_bool>(api, device, CL_DEVICE_ENDIAN_LITTLE) == CL_TRUE;
    if (little != (std::endian::native == std::endian::little)) return "its byte order is another";
    if (std::endian::native != std::endian::little) return "not made for this byte order";
    if (value_of<cl_bool>(api, device, CL_DEVICE_AVAILABLE) != CL_TRUE) return "it is not available";
    if (value_of<cl_bool>(api, device, CL_DEVICE_COMPILER_AVAILABLE) != CL_TRUE) return "it has no compiler";
    if (value_of<size_t>(api, device, CL_DEVICE_MAX_WORK_GROUP_SIZE) < kGroupSize)
        return "its work-groups are too small";
    return {};
}

DeviceInfo look_at(const Api& api, const std::string& platform, cl_device_id device) {
    return {.id = device,
            .name = text_of(api.get_device_info, device, CL_DEVICE_NAME),
            .platform = platform,
            .type = type_of(value_of<cl_device_type>(api, device, CL_DEVICE_TYPE)),
            .shares_memory = value_of<cl_bool>(api, device, CL_DEVICE_HOST_UNIFIED_MEMORY) == CL_TRUE,
            .most_bytes = static_cast<size_t>(value_of<cl_ulong>(api, device, CL_DEVICE_MAX_MEM_ALLOC_SIZE)),
            .unfit = unfit(api, device)};
}

}  // namespace

Result<std::vector<DeviceInfo>> find_devices(const Api& api) {
    cl_uint count = 0;
    const cl_int error = api.get_platform_ids(0, nullptr, &count);
    if (error == kNoPlatform || (error == CL_SUCCESS && count == 0)) return std::vector<DeviceInfo>{};
    if (error != CL_SUCCESS) return Error{"OpenCL does not work here: " + error_name(error)};
    std::vector<cl_platform_id> platforms(count);
    if (const cl_int again = api.get_platform_ids(count, platforms.data(), nullptr); again != CL_SUCCESS)
        return Error{"OpenCL does not work here: " + error_name(again)};

    std::vector<DeviceInfo> found;
    for (cl_platform_id platform : platforms) {
        cl_uint devices = 0;
        // A driver without a device, or out of order: the others may do.
        if (api.get_device_ids(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &devices) != CL_SUCCESS) continue;
        std::vector<cl_device_id> ids(devices);
        if (devices == 0 ||
            api.get_device_ids(platform, CL_DEVICE_TYPE_ALL, devices, ids.data(), nullptr) != CL_SUCCESS)
            continue;
        const std::string name = text_of(api.get_platform_info, platform, CL_PLATFORM_NAME);
        for (cl_device_id id : ids) found.push_back(look_at(api, name, id));
    }
    return found;
}

Result<size_t> preferred_device(const std::vector<DeviceInfo>& devices) {
    std::optional<size_t> best;
    for (size_t i = 0; i < devices.size(); i++)
        if (devices[i].unfit.empty() && (!best || devices[i].type < devices[*best].type)) best = i;
    if (!best) return Error{devices.empty() ? "there is no OpenCL device" : "no OpenCL device here can be used"};
    return *best;
}

const char* type_name(DeviceType type) {
    switch (type) {
        case DeviceType::gpu: return "gpu";
        case DeviceType::accelerator: return "accelerator";
        case DeviceType::processor: return "processor";
        case DeviceType::other: return "other";
    }
    return "?";
}

}  // namespace raid56::offload
