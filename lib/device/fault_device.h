// SPDX-License-Identifier: GPL-2.0-or-later
// A device that goes wrong on request and remembers every access: a decorator for tests. Pure.
//
// Thread rule: every call may come from any thread. Accesses are counted and logged when they start.
// After an error the good bytes before the first bad one are in `out`, as after a short read, and junk
// behind them: who uses either is found out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "device/device.h"

namespace raid56::device {

class FaultDevice final : public ReadDevice {
  public:
    struct Access {
        uint64_t offset = 0;
        uint64_t length = 0;
        int error = 0;  // the fault that it met, 0 for none (then the inner device decides)
        bool operator==(const Access&) const = default;
    };

    explicit FaultDevice(std::unique_ptr<ReadDevice> inner);

    uint64_t size() const override { return inner_->size(); }
    const std::string& path() const override { return inner_->path(); }
    uint32_t alignment() const override { return inner_->alignment(); }
    void start(ReadOp& op) override;
    void finish(ReadOp& op) override;

    /// Every read that touches [offset, offset + length) fails, with `error`.
    void fail_range(uint64_t offset, uint64_t length, int error);
    /// The n-th access from now on fails (0: the next one), once.
    void fail_call(uint64_t n, int error);
    /// Every read of more than `length` bytes comes back short, which is an EIO.
    void shorten_reads(uint64_t length);
    /// No more faults; the log stays.
    void heal();

    /// Every access so far, in the order of their start.
    std::vector<Access> log() const;
    void clear_log();

    ReadDevice& inner() { return *inner_; }

  private:
    struct Range {
        uint64_t offset, length;
        int error;
    };
    struct Fault {
        int error = 0;
        uint64_t good = 0;  // bytes before the first bad one
    };
    struct Pending;

    Fault fault_of(uint64_t offset, uint64_t length);

    std::unique_ptr<ReadDevice> inner_;
    mutable std::mutex mutex_;
    std::vector<Range> ranges_;
    std::map<uint64_t, int> calls_;  // by number of the access since the device was made
    uint64_t count_ = 0;
    uint64_t longest_ = UINT64_MAX;
    std::vector<Access> log_;
};

}  // namespace raid56::device
