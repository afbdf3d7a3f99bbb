// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a block device past the page cache: O_DIRECT with a deep queue of libaio.
//
// Thread rule: as ReadDevice; whoever waits reaps the completions of all, one thread at a time.
// Does not retry: a long read over one bad sector is an EIO of the whole, and the caller splits it.
// Reads that are not aligned go through an aligned buffer of its own, and what O_DIRECT cannot take
// (a last block that is not whole) through the page cache.
#pragma once

#include <libaio.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "device/device.h"
#include "device/fd.h"

namespace raid56::device {

class AioDevice final : public ReadDevice {
  public:
    /// Reads in flight at once, at most; more wait in line.
    static constexpr int kDepth = 256;

    /// `direct` is open with O_DIRECT, `buffered` without; `block_size` is the logical block size.
    /// nullptr where the kernel grants no queue; then both are still the caller's.
    static std::unique_ptr<AioDevice> make(Fd& direct, Fd& buffered, std::string path, uint64_t size,
                                           uint32_t block_size, int depth = kDepth);
    ~AioDevice() override;
    AioDevice(const AioDevice&) = delete;
    AioDevice& operator=(const AioDevice&) = delete;

    uint64_t size() const override { return size_; }
    const std::string& path() const override { return path_; }
    uint32_t alignment() const override { return block_size_; }
    uint64_t bridge() const override { return bridge_; }
    /// Before the first read.
    void bridge_gaps(uint64_t bytes) { bridge_ = bytes; }
    /// The file has another length now; while nothing is read.
    void set_size(uint64_t size) { size_ = size; }
    void start(ReadOp& op) override;
    void finish(ReadOp& op) override;

  private:
    struct Request;

    AioDevice(io_context_t context, Fd direct, Fd buffered, std::string path, uint64_t size, uint32_t block_size,
              int depth);
    void enlist(Request& request);
    void submit_waiting();
    void reap(std::unique_lock<std::mutex>& lock);
    void read_now(Request& request);

    io_context_t context_;
    Fd direct_;
    Fd buffered_;
    std::string path_;
    uint64_t size_;
    uint32_t block_size_;
    int depth_;
    uint64_t bridge_ = 0;

    std::mutex mutex_;
    std::condition_variable done_;
    std::deque<Request*> waiting_;           // not yet given to the kernel
    std::unordered_set<Request*> requests_;  // between start and finish
    int in_flight_ = 0;
    bool reaping_ = false;  // a thread sleeps in io_getevents
};

}  // namespace raid56::device
