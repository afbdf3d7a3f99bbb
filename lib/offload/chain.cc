// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. The table goes to the device.
// 2. `begin` clears what the kernels count in, and marks both ends of each range that is to come.
// 3. The ranges are copied; or, in place, the host's memory is handed over.
// 4. Rows and digests.
// 5. `finish` tells what the device saw at the ends of each range.
// 6. In place: the memory is handed back. All results come back as one piece.
#include "offload/chain.h"

#include <algorithm>
#include <cstring>

namespace raid56::offload {
namespace {

bool is_gone(cl_int error) {
    return error == CL_DEVICE_NOT_AVAILABLE || error == CL_INVALID_CONTEXT || error == CL_INVALID_COMMAND_QUEUE ||
           error == CL_INVALID_DEVICE;
}

bool is_shortage(cl_int error) {
    return error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_RESOURCES || error == CL_OUT_OF_HOST_MEMORY;
}

size_t groups_for(size_t items) { return std::max<size_t>(1, (items + kGroupSize - 1) / kGroupSize); }

}  // namespace

Result<std::unique_ptr<Chain>> Chain::make(const Machine& machine, bool profile, Seconds patience) {
    std::unique_ptr<Chain> chain(new Chain(machine, profile, patience));
    const Api& api = *machine.api;
    cl_int error = CL_SUCCESS;
    chain->queue_ = Queue(api, api.create_queue(machine.context.get(), machine.device.id,
                                                profile ? CL_QUEUE_PROFILING_ENABLE : 0, &error));
    if (!chain->queue_) return Error{"cannot make an OpenCL queue: " + error_name(error)};
    const std::pair<Kernel*, const char*> kernels[] = {{&chain->begin_, "begin"},
                                                       {&chain->rows_, "rows"},
                                                       {&chain->crc32c_, "crc32c"},
                                                       {&chain->xxh64_, "xxh64"},
                                                       {&chain->finish_, "finish"}};
    for (const auto& [kernel, name] : kernels) {
        *kernel = Kernel(api, api.create_kernel(machine.program.get(), name, &error));
        if (!*kernel) return Error{"cannot make an OpenCL kernel: " + error_name(error)};
    }
    return chain;
}

void Chain::start(Plan plan, HostMemory* base, uint64_t nonce) {
    plan_ = std::move(plan);
    base_ = plan_.base != nullptr ? base : nullptr;
    commands_.clear();
    ending_ = {};
    signal_.reset();
    plan_.table[0] = static_cast<uint32_t>(nonce);
    plan_.table[1] = static_cast<uint32_t>(nonce >> 32);
    if (make_room()) {
        std::memset(staging_->bytes().data(), 0, plan_.out_bytes());
        enqueue();
    }
    if (commands_.empty()) return;
    signal_.emplace();
    if (!signal_->watch(api_, commands_.back().event.get()) || api_.flush(queue_.get()) != CL_SUCCESS) {
        ending_.trouble = "the device does not tell when it is done";
        ending_.hangs = true;
    }
}

bool Chain::make_room() {
    if (!grow(table_, table_size_, plan_.table.size() * 4, CL_MEM_READ_ONLY) ||
        !grow(out_, out_size_, plan_.out_bytes(), CL_MEM_READ_WRITE) ||
        !grow(in_, in_size_, base_ != nullptr ? 0 : plan_.in_bytes, CL_MEM_READ_WRITE))
        return false;
    if (staging_ && staging_->bytes().size() >= plan_.out_bytes()) return true;
    staging_.reset();
    staging_ = HostMemory::make(machine_, queue_.get(), plan_.out_bytes(), patience_);
    if (!staging_) ending_ = {"no memory that the host and the device both reach", false, false, true};
    return staging_ != nullptr;
}

bool Chain::grow(Memory& memory, size_t& has, size_t needs, cl_mem_flags flags) {
    if (has >= needs) return true;
    memory = Memory();
    has = 0;
    cl_int error = CL_SUCCESS;
    memory = Memory(api_, api_.create_buffer(machine_.context.get(), flags, needs, nullptr, &error));
    if (memory) has = needs;
    if (!memory) ending_ = {"no memory on the device: " + error_name(error), false, is_gone(error), is_shortage(error)};
    return static_cast<bool>(memory);
}

// The first that fails ends the chain; finish() waits for those before it.
bool Chain::keep(const char* what, Step step, cl_int error, cl_event event) {
    if (error != CL_SUCCESS || event == nullptr) {
        ending_ = {std::string(what) + ": " + error_name(error), false, is_gone(error), is_shortage(error)};
        return false;
    }
    commands_.push_back({what, step, Event(api_, event)});
    return true;
}

bool Chain::write(const char* what, cl_mem to, size_t at, const void* from, size_t bytes) {
    cl_event event = nullptr;
    const cl_int error = api_.enqueue_write(queue_.get(), to, CL_FALSE, at, bytes, from, 0, nullptr, &event);
    return keep(what, Step::in, error, event);
}

template <class... Arguments>
bool Chain::run(const char* what, const Kernel& kernel, size_t groups, const Arguments&... arguments) {
    cl_uint index = 0;
    cl_int error = CL_SUCCESS;
    const auto set = [&](const auto& argument) {
        const cl_int result = api_.set_kernel_argument(kernel.get(), index++, sizeof argument, &argument);
        if (error == CL_SUCCESS) error = result;
    };
    (set(arguments), ...);
    cl_event event = nullptr;
    const size_t items = groups * kGroupSize, group = kGroupSize;
    if (error == CL_SUCCESS)
        error = api_.enqueue_kernel(queue_.get(), kernel.get(), 1, nullptr, &items, &group, 0, nullptr, &event);
    return keep(what, Step::compute, error, event);
}

void Chain::enqueue() {
    const cl_mem table = table_.get(), out = out_.get();
    const cl_mem in = base_ != nullptr ? base_->object() : in_.get();
    const auto ranges = static_cast<cl_uint>(plan_.ranges.size());
    const cl_uint range_table = plan_.range_table, zero = plan_.zero_numbers, tail = plan_.tail;
    const cl_uint marks = base_ != nullptr ? 0 : 1;
    if (!write("copying the table", table, 0, plan_.table.data(), plan_.table.size() * 4)) return;
    // In place nothing may be written there: not even named.
    const cl_mem marked = base_ != nullptr ? out : in;
    if (!run("beginning", begin_, groups_for(std::max(zero, ranges)), marked, out, table, range_table, ranges, marks,
             zero, tail))
        return;
    if (base_ != nullptr) {
        cl_event event = nullptr;
        const cl_int error = base_->unmap(queue_.get(), &event);
        if (!keep("handing memory over", Step::in, error, event)) return;
    } else {
        for (const Range& range : plan_.ranges)
            if (!write("copying columns", in, size_t{range.place} * kUnit, range.start, range.bytes())) return;
    }
    if (plan_.row_count > 0 && !run("rows", rows_, plan_.row_count, in, out, table, plan_.row_pieces)) return;
    const cl_mem folds = machine_.crc_folds.get();
    if (plan_.crc_count > 0 && !run("crc32c", crc32c_, plan_.crc_count, in, out, table, plan_.crc_pieces, folds))
        return;
    if (plan_.xxh_count > 0 && !run("xxhash64", xxh64_, plan_.xxh_count, in, out, table, plan_.xxh_pieces)) return;
    if (!run("finishing", finish_, groups_for(ranges), in, out, table, range_table, ranges, plan_.samples, tail))
        return;
    if (base_ != nullptr) {
        cl_event event = nullptr;
        const cl_int error = base_->map(queue_.get(), &event);
        if (!keep("handing memory back", Step::out, error, event)) return;
    }
    cl_event event = nullptr;
    const cl_int error = api_.enqueue_read(queue_.get(), out, CL_FALSE, 0, plan_.out_bytes(), staging_->bytes().data(),
                                           0, nullptr, &event);
    keep("copying results", Step::out, error, event);
}

// The last one's end is waited for, and then all are looked at: drivers go on behind a command that failed.
Ending Chain::finish() {
    times_ = {};
    if (!signal_ || ending_.hangs) return ending_;
    if (!signal_->wait(patience_)) hangs("the device");
    for (const Command& command : commands_) {
        if (ending_.hangs) return ending_;
        look_at(command);
    }
    if (ending_.trouble.empty()) ending_.trouble = what_came_back();
    if (ending_.trouble.empty() && profile_) take_times();
    return ending_;
}

void Chain::look_at(const Command& command) {
    cl_int status = status_of(command);
    if (status > CL_COMPLETE) {  // the last one failed before it was its turn
        Signal signal;
        if (!signal.watch(api_, command.event.get()) || !signal.wait(patience_)) return hangs(command.what);
        status = status_of(command);
    }
    if (status == CL_COMPLETE) return;
    if (ending_.trouble.empty()) ending_.trouble = std::string(command.what) + ": " + error_name(status);
    ending_.gone = ending_.gone || is_gone(status);
}

// CL_COMPLETE, an error, or above: not ended.
cl_int Chain::status_of(const Command& command) const {
    cl_int status = CL_SUCCESS;
    const cl_int error =
        api_.get_event_info(command.event.get(), CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    return error != CL_SUCCESS ? error : status;
}

void Chain::hangs(const char* what) {
    if (ending_.trouble.empty())
        ending_.trouble =
            std::string(what) + ": no end after " + std::to_string(static_cast<long>(patience_.count())) + " s";
    ending_.hangs = true;
}

std::string Chain::what_came_back() const {
    const uint32_t nonce[kNonceNumbers] = {plan_.table[0], plan_.table[1], ~plan_.table[0], ~plan_.table[1]};
    if (std::memcmp(results(0), nonce, sizeof nonce) != 0 || std::memcmp(results(plan_.tail), nonce, sizeof nonce) != 0)
        return "results did not come back";
    const uint8_t* samples = results(plan_.samples);
    for (size_t i = 0; i < plan_.ranges.size(); i++) {
        const Range& range = plan_.ranges[i];
        if (std::memcmp(samples + 2 * i * kUnit, range.start, kUnit) != 0 ||
            std::memcmp(samples + (2 * i + 1) * kUnit, range.start + range.bytes() - kUnit, kUnit) != 0)
            return "columns did not get there";
    }
    return {};
}

static uint32_t number_at(const uint8_t* bytes) {
    uint32_t number = 0;
    std::memcpy(&number, bytes, sizeof number);
    return number;
}

bool Chain::is_done(size_t taken) const {
    return number_at(results(kNonceNumbers + 2 * taken)) == plan_.taken[taken].groups;
}

uint32_t Chain::differs(size_t taken) const { return number_at(results(kNonceNumbers + 2 * taken + 1)); }

void Chain::take_times() {
    for (const Command& command : commands_) {
        cl_ulong from = 0, to = 0;
        if (api_.get_event_profile(command.event.get(), CL_PROFILING_COMMAND_START, sizeof from, &from, nullptr) !=
                CL_SUCCESS ||
            api_.get_event_profile(command.event.get(), CL_PROFILING_COMMAND_END, sizeof to, &to, nullptr) !=
                CL_SUCCESS ||
            to < from)
            continue;
        const double seconds = static_cast<double>(to - from) * 1e-9;
        switch (command.step) {
            case Step::in: times_.in += seconds; break;
            case Step::compute: times_.compute += seconds; break;
            case Step::out: times_.out += seconds; break;
        }
    }
}

}  // namespace raid56::offload
