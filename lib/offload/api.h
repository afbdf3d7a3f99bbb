// SPDX-License-Identifier: GPL-2.0-or-later
// The functions of OpenCL 1.2 that are used, found when the program runs: without a loader of OpenCL it works the
// same, and no driver is loaded by a run that does not ask for one.
// Thread rule: constants once made; the functions are as safe as OpenCL says (all are, but for arguments of kernels).
#pragma once

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <string>

#include "base/result.h"

// X(member, function)
#define RAID56_CL_FUNCTIONS(X)                    \
    X(get_platform_ids, clGetPlatformIDs)         \
    X(get_platform_info, clGetPlatformInfo)       \
    X(get_device_ids, clGetDeviceIDs)             \
    X(get_device_info, clGetDeviceInfo)           \
    X(create_context, clCreateContext)            \
    X(release_context, clReleaseContext)          \
    X(create_queue, clCreateCommandQueue)         \
    X(release_queue, clReleaseCommandQueue)       \
    X(create_buffer, clCreateBuffer)              \
    X(release_buffer, clReleaseMemObject)         \
    X(create_program, clCreateProgramWithSource)  \
    X(build_program, clBuildProgram)              \
    X(get_build_info, clGetProgramBuildInfo)      \
    X(release_program, clReleaseProgram)          \
    X(create_kernel, clCreateKernel)              \
    X(release_kernel, clReleaseKernel)            \
    X(set_kernel_argument, clSetKernelArg)        \
    X(enqueue_write, clEnqueueWriteBuffer)        \
    X(enqueue_read, clEnqueueReadBuffer)          \
    X(enqueue_kernel, clEnqueueNDRangeKernel)     \
    X(enqueue_map, clEnqueueMapBuffer)            \
    X(enqueue_unmap, clEnqueueUnmapMemObject)     \
    X(flush, clFlush)                             \
    X(set_event_callback, clSetEventCallback)     \
    X(get_event_info, clGetEventInfo)             \
    X(get_event_profile, clGetEventProfilingInfo) \
    X(release_event, clReleaseEvent)

namespace raid56::offload {

struct Api {
#define RAID56_CL_MEMBER(member, function) decltype(&::function) member = nullptr;
    RAID56_CL_FUNCTIONS(RAID56_CL_MEMBER)
#undef RAID56_CL_MEMBER
};

/// Those of the system's loader, which stays loaded. An error where there is none, or one that lacks a function.
Result<const Api*> system_api();

/// The name of an error number as the standard spells it, or the number.
std::string error_name(cl_int error);

}  // namespace raid56::offload
