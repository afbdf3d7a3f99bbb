// SPDX-License-Identifier: GPL-2.0-or-later
// One batch after the other on a queue of its own: tables and columns go to the device, the kernels run, the results
// come back, each command behind the one before it, without the host in between; then one wait.
// Thread rule: one thread at a time.
// Does not promise that anything was done because the device says so: finish() looks at what came back (kernels.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "offload/machine.h"
#include "offload/plan.h"

namespace raid56::offload {

/// What became of a batch.
struct Ending {
    std::string trouble;   // empty: every command ended well, and what came back is whole
    bool hangs = false;    // something is still under way: the chain and all that it uses must be kept
    bool gone = false;     // the device says that it is not to be had any more
    bool nothing = false;  // no memory: the device itself is well
};

class Chain {
  public:
    /// An error where the device does not give what a chain needs.
    static Result<std::unique_ptr<Chain>> make(const Machine& machine, bool profile, Seconds patience);

    /// Enqueues everything. `base`: the memory that plan.base is of, where the device reads in place. What cannot be
    /// enqueued is told by finish(). The columns must stay as they are until then.
    void start(Plan plan, HostMemory* base, uint64_t nonce);
    /// Waits, once.
    Ending finish();

    const Plan& plan() const { return plan_; }
    // After a good ending. Whether a job's work-groups all counted themselves; what they found; what they made.
    bool is_done(size_t taken) const;
    uint32_t differs(size_t taken) const;
    const uint8_t* results(size_t number) const { return staging_->bytes().data() + number * 4; }

    /// Seconds that the device spent on the last batch: copying to it, computing, copying from it. Where it profiles.
    struct Times {
        double in = 0, compute = 0, out = 0;
    };
    Times times() const { return times_; }

  private:
    enum class Step : uint8_t { in, compute, out };
    struct Command {
        const char* what;
        Step step;
        Event event;
    };

    Chain(const Machine& machine, bool profile, Seconds patience)
        : machine_(machine), api_(*machine.api), profile_(profile), patience_(patience) {}

    bool make_room();
    bool grow(Memory& memory, size_t& has, size_t needs, cl_mem_flags flags);
    void enqueue();
    bool keep(const char* what, Step step, cl_int error, cl_event event);
    bool write(const char* what, cl_mem to, size_t at, const void* from, size_t bytes);
    template <class... Arguments>
    bool run(const char* what, const Kernel& kernel, size_t groups, const Arguments&... arguments);
    void look_at(const Command& command);
    cl_int status_of(const Command& command) const;
    void hangs(const char* what);
    std::string what_came_back() const;
    void take_times();

    const Machine& machine_;
    const Api& api_;
    const bool profile_;
    const Seconds patience_;
    Queue queue_;
    Kernel begin_, rows_, crc32c_, xxh64_, finish_;

    Memory in_, table_, out_;
    size_t in_size_ = 0, table_size_ = 0, out_size_ = 0;
    std::unique_ptr<HostMemory> staging_;  // what `out` comes back to

    Plan plan_;
    HostMemory* base_ = nullptr;
    std::vector<Command> commands_;
    Ending ending_;
    std::optional<Signal> signal_;
    Times times_;
};

}  // namespace raid56::offload
