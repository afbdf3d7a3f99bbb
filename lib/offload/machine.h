// SPDX-License-Identifier: GPL-2.0-or-later
// One device made ready: its context and its program. And what everything on it needs: waiting with a limit, memory
// that both sides reach.
// Thread rule: a Machine is constant once made; HostMemory and Signal have one owner.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "offload/devices.h"
#include "offload/handle.h"

namespace raid56::offload {

using Seconds = std::chrono::duration<double>;

struct Machine {
    const Api* api = nullptr;
    DeviceInfo device;
    Context context;
    Program program;
    Memory crc_folds;
};

/// Makes a device ready: compiles the kernels for it, which may take seconds the first time.
Result<std::unique_ptr<Machine>> make_machine(const Api& api, const DeviceInfo& device);

/// The end of one event. May be destroyed while the event is still to come.
class Signal {
  public:
    /// False where the driver does not want to tell.
    bool watch(const Api& api, cl_event event);
    /// The event's status: CL_COMPLETE or an error; nothing where the time is over before it ends.
    std::optional<cl_int> wait(Seconds most);

  private:
    struct State {
        std::mutex mutex;
        std::condition_variable ended;
        std::optional<cl_int> status;
    };
    static void CL_CALLBACK tell(cl_event event, cl_int status, void* data);

    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Zeroed memory of the host, aligned to 4096, that the driver knows of: copies from and to it take the fast way, and
/// a device that shares the host's memory can work on it in place. Mapped, which means the host's to use, but for the
/// time between unmap() and map().
class HostMemory {
  public:
    /// nullptr where the driver does not take part within that time.
    static std::unique_ptr<HostMemory> make(const Machine& machine, cl_command_queue queue, size_t size, Seconds most);
    ~HostMemory();
    HostMemory(const HostMemory&) = delete;
    HostMemory& operator=(const HostMemory&) = delete;

    std::span<uint8_t> bytes() { return {bytes_, size_}; }
    cl_mem object() const { return object_.get(); }
    cl_int unmap(cl_command_queue queue, cl_event* event);
    cl_int map(cl_command_queue queue, cl_event* event);
    bool is_mapped() const { return mapped_; }
    /// Maps it, whatever became of earlier commands; false where that fails or takes longer.
    bool map_now(cl_command_queue queue, Seconds most);

  private:
    HostMemory(const Machine& machine, size_t size);

    const Machine& machine_;
    size_t size_;
    uint8_t* bytes_;
    Memory object_;
    bool mapped_ = false;  // or will be, behind what is enqueued
};

}  // namespace raid56::offload
