// SPDX-License-Identifier: GPL-2.0-or-later
#include "offload/api.h"

#include <dlfcn.h>

namespace raid56::offload {
namespace {

constexpr const char* kLoader = "libOpenCL.so.1";

Result<Api> load() {
    void* loader = dlopen(kLoader, RTLD_NOW | RTLD_LOCAL);
    if (loader == nullptr) return Error{std::string("there is no OpenCL here: ") + dlerror()};
    Api api;
    std::string lacking;
    const auto find = [&](auto& member, const char* name) {
        member = reinterpret_cast<std::remove_reference_t<decltype(member)>>(dlsym(loader, name));
        if (member == nullptr && lacking.empty()) lacking = name;
    };
#define RAID56_CL_FIND(member, function) find(api.member, #function);
    RAID56_CL_FUNCTIONS(RAID56_CL_FIND)
#undef RAID56_CL_FIND
    if (!lacking.empty()) return Error{std::string(kLoader) + " lacks " + lacking + ", which OpenCL 1.2 has"};
    return api;
}

}  // namespace

Result<const Api*> system_api() {
    static const Result<Api> api = load();
    if (!api) return api.error();
    return &*api;
}

std::string error_name(cl_int error) {
#define RAID56_CL_NAME(code) \
    case code: return #code;
    switch (error) {
        RAID56_CL_NAME(CL_DEVICE_NOT_FOUND)
        RAID56_CL_NAME(CL_DEVICE_NOT_AVAILABLE)
        RAID56_CL_NAME(CL_COMPILER_NOT_AVAILABLE)
        RAID56_CL_NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE)
        RAID56_CL_NAME(CL_OUT_OF_RESOURCES)
        RAID56_CL_NAME(CL_OUT_OF_HOST_MEMORY)
        RAID56_CL_NAME(CL_MAP_FAILURE)
        RAID56_CL_NAME(CL_BUILD_PROGRAM_FAILURE)
        RAID56_CL_NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
        RAID56_CL_NAME(CL_INVALID_VALUE)
        RAID56_CL_NAME(CL_INVALID_DEVICE)
        RAID56_CL_NAME(CL_INVALID_CONTEXT)
        RAID56_CL_NAME(CL_INVALID_COMMAND_QUEUE)
        RAID56_CL_NAME(CL_INVALID_MEM_OBJECT)
        RAID56_CL_NAME(CL_INVALID_WORK_GROUP_SIZE)
        RAID56_CL_NAME(CL_INVALID_BUFFER_SIZE)
    }
#undef RAID56_CL_NAME
    return "OpenCL error " + std::to_string(error);
}

}  // namespace raid56::offload
