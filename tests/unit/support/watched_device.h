// SPDX-License-Identifier: GPL-2.0-or-later
// A device that remembers its reads and hints, and holds its user to the order of start and finish.
// Not thread-safe.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "device/device.h"

namespace raid56::test {

class WatchedDevice final : public device::ReadDevice {
  public:
    struct Range {
        uint64_t offset = 0, length = 0;
        bool operator==(const Range&) const = default;
    };
    using Ranges = std::vector<Range>;

    /// `late`: what it says of reads_in_finish().
    explicit WatchedDevice(std::unique_ptr<device::ReadDevice> inner, bool late = false)
        : inner_(std::move(inner)), late_(late) {}
    ~WatchedDevice() override { EXPECT_EQ(in_flight_.size(), 0u) << "a read was started and never finished"; }

    uint64_t size() const override { return inner_->size(); }
    const std::string& path() const override { return inner_->path(); }
    bool reads_in_finish() const override { return late_; }
    uint64_t bridge() const override { return bridge_; }
    void hint(uint64_t offset, uint64_t length) override { hints_.push_back({offset, length}); }
    void start(device::ReadOp& op) override {
        if (poor_ && reads_.size() >= *poor_) throw std::bad_alloc();
        EXPECT_TRUE(in_flight_.insert(&op).second) << "started twice";
        reads_.push_back({op.offset, op.out.size()});
        inner_->start(op);
    }
    void finish(device::ReadOp& op) override {
        EXPECT_EQ(in_flight_.erase(&op), 1u) << "finished, but not started";
        inner_->finish(op);
    }

    /// There is no memory for more reads than so many, all in all; nothing: for any number.
    void be_poor(std::optional<size_t> reads) { poor_ = reads; }
    void be_late(bool late) { late_ = late; }
    void bridge_gaps(uint64_t bytes) { bridge_ = bytes; }
    /// In the order of their start.
    const Ranges& reads() const { return reads_; }
    const Ranges& hints() const { return hints_; }
    size_t in_flight() const { return in_flight_.size(); }
    void clear_log() {
        reads_.clear();
        hints_.clear();
    }

  private:
    std::unique_ptr<device::ReadDevice> inner_;
    bool late_;
    std::optional<size_t> poor_;
    uint64_t bridge_ = 0;
    Ranges reads_, hints_;
    std::set<const device::ReadOp*> in_flight_;
};

}  // namespace raid56::test
