// SPDX-License-Identifier: GPL-2.0-or-later
#include "faulty_api.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace raid56::test {
namespace {

using offload::Api;

struct State {
    const Api* real = nullptr;
    Fault fault = Fault::none;
    size_t number = 0;
    std::atomic<size_t> commands{0};
    std::atomic<size_t> buffers{SIZE_MAX};
    std::vector<cl_event> hanging;
    decltype(&::clEnqueueMarkerWithWaitList) marker = nullptr;
    decltype(&::clCreateUserEvent) create_event = nullptr;
    decltype(&::clSetUserEventStatus) set_status = nullptr;
    cl_context context = nullptr;
} state;

template <class Function>
void find(Function& function, const char* name) {
    void* loader = dlopen("libOpenCL.so.1", RTLD_NOW);
    function = reinterpret_cast<Function>(dlsym(loader, name));
}

// Enqueues by `real`, or what the fault makes of it.
template <class Real>
cl_int command(cl_command_queue queue, cl_event* event, const Real& real) {
    const size_t number = state.commands++;
    if (state.fault == Fault::gone && number >= state.number) return CL_DEVICE_NOT_AVAILABLE;
    if (number != state.number) return real();
    switch (state.fault) {
        case Fault::none:
        case Fault::gone: return real();
        case Fault::refused: return CL_OUT_OF_RESOURCES;
        case Fault::lost: return state.marker(queue, 0, nullptr, event);
        case Fault::failed: {
            cl_int created = CL_SUCCESS;
            *event = state.create_event(state.context, &created);
            return created == CL_SUCCESS ? state.set_status(*event, CL_OUT_OF_RESOURCES) : created;
        }
        case Fault::hangs: {
            cl_int created = CL_SUCCESS;
            cl_event never = state.create_event(state.context, &created);
            if (created != CL_SUCCESS) return created;
            state.hanging.push_back(never);
            cl_event barrier = nullptr;
            const cl_int error = state.marker(queue, 1, &never, &barrier);
            if (error != CL_SUCCESS) return error;
            state.real->release_event(barrier);
            return real();
        }
    }
    return CL_INVALID_VALUE;
}

cl_int CL_API_CALL enqueue_write(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t at, size_t size,
                                 const void* from, cl_uint count, const cl_event* waits, cl_event* event) {
    return command(queue, event, [&] {
        return state.real->enqueue_write(queue, memory, blocking, at, size, from, count, waits, event);
    });
}

cl_int CL_API_CALL enqueue_read(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t at, size_t size,
                                void* to, cl_uint count, const cl_event* waits, cl_event* event) {
    return command(queue, event, [&] {
        return state.real->enqueue_read(queue, memory, blocking, at, size, to, count, waits, event);
    });
}

cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t* offset,
                                  const size_t* items, const size_t* group, cl_uint count, const cl_event* waits,
                                  cl_event* event) {
    return command(queue, event, [&] {
        return state.real->enqueue_kernel(queue, kernel, dimensions, offset, items, group, count, waits, event);
    });
}

void* CL_API_CALL enqueue_map(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags, size_t at,
                              size_t size, cl_uint count, const cl_event* waits, cl_event* event, cl_int* error) {
    void* mapped = nullptr;
    *error = command(queue, event, [&] {
        cl_int real = CL_SUCCESS;
        mapped = state.real->enqueue_map(queue, memory, blocking, flags, at, size, count, waits, event, &real);
        return real;
    });
    return mapped;
}

cl_int CL_API_CALL enqueue_unmap(cl_command_queue queue, cl_mem memory, void* mapped, cl_uint count,
                                 const cl_event* waits, cl_event* event) {
    return command(queue, event, [&] { return state.real->enqueue_unmap(queue, memory, mapped, count, waits, event); });
}

cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size, void* host, cl_int* error) {
    if (state.buffers == 0) {
        *error = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        return nullptr;
    }
    if (state.buffers != SIZE_MAX) state.buffers--;
    return state.real->create_buffer(context, flags, size, host, error);
}

cl_context CL_API_CALL create_context(const cl_context_properties* properties, cl_uint count,
                                      const cl_device_id* devices,
                                      void(CL_CALLBACK* notify)(const char*, const void*, size_t, void*), void* data,
                                      cl_int* error) {
    return state.context = state.real->create_context(properties, count, devices, notify, data, error);
}

}  // namespace

FaultyApi::FaultyApi(const Api& real) : api_(real) {
    state.real = &real;
    find(state.marker, "clEnqueueMarkerWithWaitList");
    find(state.create_event, "clCreateUserEvent");
    find(state.set_status, "clSetUserEventStatus");
    api_.enqueue_write = enqueue_write;
    api_.enqueue_read = enqueue_read;
    api_.enqueue_kernel = enqueue_kernel;
    api_.enqueue_map = enqueue_map;
    api_.enqueue_unmap = enqueue_unmap;
    api_.create_buffer = create_buffer;
    api_.create_context = create_context;
    heal();
}

FaultyApi::~FaultyApi() { wake(); }

void FaultyApi::plant(Fault fault, size_t number) {
    state.fault = fault;
    state.number = number;
    state.commands = 0;
}

void FaultyApi::leave_buffers(size_t count) { state.buffers = count; }

void FaultyApi::heal() {
    plant(Fault::none, SIZE_MAX);
    leave_buffers(SIZE_MAX);
}

size_t FaultyApi::commands() const { return state.commands; }

void FaultyApi::wake() {
    for (cl_event event : state.hanging) {
        state.set_status(event, CL_COMPLETE);
        state.real->release_event(event);
    }
    state.hanging.clear();
}

}  // namespace raid56::test
