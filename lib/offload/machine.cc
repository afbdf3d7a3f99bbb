// SPDX-License-Identifier: GPL-2.0-or-later
#include "offload/machine.h"

#include <algorithm>
#include <cstring>

#include "offload/crc_folds.h"
#include "offload/kernels.h"

namespace raid56::offload {
namespace {

constexpr std::align_val_t kPage{4096};

Error failed(const std::string& what, cl_int error) { return {"cannot " + what + ": " + error_name(error)}; }

std::string build_log(const Api& api, cl_program program, cl_device_id device) {
    size_t size = 0;
    if (api.get_build_info(program, device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size) != CL_SUCCESS) return {};
    std::string log(size, '\0');
    if (api.get_build_info(program, device, CL_PROGRAM_BUILD_LOG, size, log.data(), nullptr) != CL_SUCCESS) return {};
    log.resize(std::min({log.find('\0'), log.find('\n'), log.size()}));
    return log;
}

}  // namespace

Result<std::unique_ptr<Machine>> make_machine(const Api& api, const DeviceInfo& device) {
    if (!device.unfit.empty()) return Error{"this OpenCL device cannot be used: " + device.unfit};
    auto machine = std::make_unique<Machine>();
    machine->api = &api;
    machine->device = device;
    cl_int error = CL_SUCCESS;
    machine->context = Context(api, api.create_context(nullptr, 1, &device.id, nullptr, nullptr, &error));
    if (!machine->context) return failed("make an OpenCL context", error);
    const char* source = kernel_source();
    machine->program = Program(api, api.create_program(machine->context.get(), 1, &source, nullptr, &error));
    if (!machine->program) return failed("make an OpenCL program", error);
    error = api.build_program(machine->program.get(), 1, &device.id, "", nullptr, nullptr);
    if (error != CL_SUCCESS) {
        const std::string log = build_log(api, machine->program.get(), device.id);
        return Error{failed("compile the OpenCL program", error).message + (log.empty() ? "" : ": " + log)};
    }
    std::vector<uint32_t> folds = crc_folds();
    machine->crc_folds = Memory(api, api.create_buffer(machine->context.get(), CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                                       folds.size() * sizeof folds[0], folds.data(), &error));
    if (!machine->crc_folds) return failed("get memory of the OpenCL device", error);
    return machine;
}

bool Signal::watch(const Api& api, cl_event event) {
    auto held = std::make_unique<std::shared_ptr<State>>(state_);
    if (api.set_event_callback(event, CL_COMPLETE, &Signal::tell, held.get()) == CL_SUCCESS) {
        held.release();  // tell() owns it now
        return true;
    }
    // Some drivers take no callback for what has ended already.
    cl_int status = CL_SUBMITTED;
    const cl_int error = api.get_event_info(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    if (error != CL_SUCCESS || status > CL_COMPLETE) return false;
    const std::lock_guard lock(state_->mutex);
    state_->status = status;
    return true;
}

void CL_CALLBACK Signal::tell(cl_event, cl_int status, void* data) {
    const std::unique_ptr<std::shared_ptr<State>> held(static_cast<std::shared_ptr<State>*>(data));
    State& state = **held;
    {
        const std::lock_guard lock(state.mutex);
        state.status = status;
    }
    state.ended.notify_all();
}

std::optional<cl_int> Signal::wait(Seconds most) {
    std::unique_lock lock(state_->mutex);
    state_->ended.wait_for(lock, most, [&] { return state_->status.has_value(); });
    return state_->status;
}

HostMemory::HostMemory(const Machine& machine, size_t size)
    : machine_(machine), size_(size), bytes_(static_cast<uint8_t*>(::operator new(size, kPage))) {
    std::memset(bytes_, 0, size);
}

HostMemory::~HostMemory() {
    object_ = Memory();
    ::operator delete(bytes_, kPage);
}

std::unique_ptr<HostMemory> HostMemory::make(const Machine& machine, cl_command_queue queue, size_t size,
                                             Seconds most) {
    const Api& api = *machine.api;
    // Whole pages: drivers copy what begins or ends within one.
    const size_t whole = (std::max<size_t>(size, 1) + 4095) / 4096 * 4096;
    std::unique_ptr<HostMemory> memory(new HostMemory(machine, whole));
    cl_int error = CL_SUCCESS;
    memory->object_ = Memory(api, api.create_buffer(machine.context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                                    whole, memory->bytes_, &error));
    if (!memory->object_) return nullptr;
    if (!memory->map_now(queue, most)) {
        static_cast<void>(memory.release());  // the driver may still have it
        return nullptr;
    }
    return memory;
}

bool HostMemory::map_now(cl_command_queue queue, Seconds most) {
    const Api& api = *machine_.api;
    cl_event mapped = nullptr;
    if (map(queue, &mapped) != CL_SUCCESS) return false;
    const Event event(api, mapped);
    Signal signal;
    if (!signal.watch(api, mapped) || api.flush(queue) != CL_SUCCESS) return false;
    return signal.wait(most) == CL_COMPLETE;
}

cl_int HostMemory::unmap(cl_command_queue queue, cl_event* event) {
    const cl_int error = machine_.api->enqueue_unmap(queue, object_.get(), bytes_, 0, nullptr, event);
    if (error == CL_SUCCESS) mapped_ = false;
    return error;
}

// What was made with the host's memory is mapped to that memory: OpenCL 1.2, clEnqueueMapBuffer.
cl_int HostMemory::map(cl_command_queue queue, cl_event* event) {
    cl_int error = CL_SUCCESS;
    machine_.api->enqueue_map(queue, object_.get(), CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0, size_, 0, nullptr, event,
                              &error);
    if (error == CL_SUCCESS) mapped_ = true;
    return error;
}

}  // namespace raid56::offload
