// SPDX-License-Identifier: GPL-2.0-or-later
// Reading no faster than so many bytes a second, from all devices together.
//
// Thread rule: any thread, at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "device/write_device.h"

namespace raid56::device {

/// Sleeps so long; the default of whoever has no other clock.
void sleep_seconds(double seconds);

class RateLimit {
  public:
    /// `bytes` a second, not 0. `clock` in seconds, and `sleep`: shorter or longer than asked for does no harm. Once
    /// `stop` is set nobody waits any more; a wait under way ends within a tenth of a second.
    RateLimit(uint64_t bytes, double (*clock)(), void (*sleep)(double seconds), const std::atomic<bool>& stop)
        : bytes_(bytes), clock_(clock), sleep_(sleep), stop_(stop) {}

    /// Waits until all that was taken before has had its time: the first read waits for nothing, and one that is
    /// larger than the limit makes those behind it wait. What was not used of the last tenth of a second is caught up,
    /// since nobody wakes up to the millisecond; more than that is not saved up.
    void take(uint64_t bytes);

  private:
    double reserve(uint64_t bytes);

    const uint64_t bytes_;
    double (*clock_)();
    void (*sleep_)(double seconds);
    const std::atomic<bool>& stop_;
    std::mutex mutex_;
    double next_ = 0;  // when the next read may start
};

/// Reads of the inner device, each when the limit allows. Hints go nowhere: they start reads too.
class LimitedDevice final : public ReadDevice {
  public:
    LimitedDevice(std::unique_ptr<ReadDevice> inner, std::shared_ptr<RateLimit> limit)
        : own_(std::move(inner)), inner_(*own_), limit_(std::move(limit)) {}
    /// `inner` is to outlive it.
    LimitedDevice(ReadDevice& inner, std::shared_ptr<RateLimit> limit) : inner_(inner), limit_(std::move(limit)) {}

    uint64_t size() const override { return inner_.size(); }
    const std::string& path() const override { return inner_.path(); }
    uint32_t alignment() const override { return inner_.alignment(); }
    uint64_t bridge() const override { return inner_.bridge(); }
    bool reads_in_finish() const override { return inner_.reads_in_finish(); }
    void start(ReadOp& op) override {
        limit_->take(op.out.size());
        inner_.start(op);
    }
    void finish(ReadOp& op) override { inner_.finish(op); }

  private:
    std::unique_ptr<ReadDevice> own_;
    ReadDevice& inner_;
    std::shared_ptr<RateLimit> limit_;
};

/// What is read of a device that is written to, likewise. Writes are not limited.
class LimitedWriter final : public WriteDevice {
  public:
    LimitedWriter(std::unique_ptr<WriteDevice> inner, std::shared_ptr<RateLimit> limit)
        : inner_(std::move(inner)), limit_(limit), medium_(inner_->medium(), std::move(limit)) {}

    const std::string& path() const override { return inner_->path(); }
    Identity identity() const override { return inner_->identity(); }
    bool is_block() const override { return inner_->is_block(); }
    uint64_t size() const override { return inner_->size(); }
    int read(uint64_t offset, ByteSpan out) override {
        limit_->take(out.size());
        return inner_->read(offset, out);
    }
    int write(uint64_t offset, ByteView bytes) override { return inner_->write(offset, bytes); }
    int zero(uint64_t offset, uint64_t length) override { return inner_->zero(offset, length); }
    int sync() override { return inner_->sync(); }
    int resize(uint64_t size) override { return inner_->resize(size); }
    ReadDevice& medium() override { return medium_; }
    Result<Opened> open_reader() override;
    Result<void> still_free() override { return inner_->still_free(); }

  private:
    std::unique_ptr<WriteDevice> inner_;
    std::shared_ptr<RateLimit> limit_;
    LimitedDevice medium_;
};

}  // namespace raid56::device
