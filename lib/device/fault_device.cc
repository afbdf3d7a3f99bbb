// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/fault_device.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace raid56::device {

namespace {

constexpr uint8_t kJunk = 0xee;

}  // namespace

/// The read of the inner device that stands behind a read of this one.
struct FaultDevice::Pending {
    ReadOp inner;
    Fault fault;
    bool started = false;
};

FaultDevice::FaultDevice(std::unique_ptr<ReadDevice> inner) : inner_(std::move(inner)) {}

/// The fault that comes first in the read; the mutex is held. Counts the access.
FaultDevice::Fault FaultDevice::fault_of(uint64_t offset, uint64_t length) {
    Fault fault;
    const uint64_t number = count_++;
    if (const auto call = calls_.find(number); call != calls_.end()) {
        fault = {call->second, 0};
        calls_.erase(call);
        return fault;
    }
    for (const auto& range : ranges_) {
        const bool touches = range.offset < offset ? offset - range.offset < range.length
                                                   : range.offset - offset < length && range.length != 0;
        if (!touches || length == 0) continue;
        const uint64_t good = range.offset > offset ? range.offset - offset : 0;
        if (fault.error == 0 || good < fault.good) fault = {range.error, good};
    }
    if (length > longest_ && (fault.error == 0 || longest_ < fault.good)) fault = {EIO, longest_};
    return fault;
}

void FaultDevice::start(ReadOp& op) {
    auto pending = std::make_unique<Pending>();
    {
        const std::lock_guard lock(mutex_);
        pending->fault = fault_of(op.offset, op.out.size());
        log_.push_back({op.offset, op.out.size(), pending->fault.error});
    }
    // Of a read that fails only the good part is fetched.
    const bool failing = pending->fault.error != 0;
    const size_t wanted = failing ? static_cast<size_t>(pending->fault.good) : op.out.size();
    pending->inner.offset = op.offset;
    pending->inner.out = op.out.first(wanted);
    if (!failing || wanted != 0) {
        inner_->start(pending->inner);
        pending->started = true;
    }
    op.error = 0;
    op.cookie = pending.release();
}

void FaultDevice::finish(ReadOp& op) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(std::exchange(op.cookie, nullptr)));
    if (pending->started) inner_->finish(pending->inner);
    op.error = pending->fault.error != 0 ? pending->fault.error : pending->inner.error;
    if (op.error == 0) return;
    const auto junk = op.out.subspan(pending->inner.error != 0 ? 0 : pending->inner.out.size());
    std::fill(junk.begin(), junk.end(), kJunk);
}

void FaultDevice::fail_range(uint64_t offset, uint64_t length, int error) {
    const std::lock_guard lock(mutex_);
    ranges_.push_back({offset, length, error});
}

void FaultDevice::fail_call(uint64_t n, int error) {
    const std::lock_guard lock(mutex_);
    calls_[count_ + n] = error;
}

void FaultDevice::shorten_reads(uint64_t length) {
    const std::lock_guard lock(mutex_);
    longest_ = length;
}

void FaultDevice::heal() {
    const std::lock_guard lock(mutex_);
    ranges_.clear();
    calls_.clear();
    longest_ = UINT64_MAX;
}

std::vector<FaultDevice::Access> FaultDevice::log() const {
    const std::lock_guard lock(mutex_);
    return log_;
}

void FaultDevice::clear_log() {
    const std::lock_guard lock(mutex_);
    log_.clear();
}

}  // namespace raid56::device
