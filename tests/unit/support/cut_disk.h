// SPDX-License-Identifier: GPL-2.0-or-later
// A disk or file that loses power at a chosen operation: what was synced lasts, what was not may be there
// whole, not at all, or in part, down to single 512-byte units.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "device/write_device.h"

namespace raid56::test {

/// Thrown by the operation at which the power goes; no std::exception, so that nobody catches it.
struct PowerCut {};

/// Shared by all disks of a test: counts operations, and cuts at one of them.
class Power {
  public:
    /// The n-th operation from now (0: the next one) does not happen.
    void cut_at(uint64_t n) {
        const std::lock_guard lock(mutex_);
        left_ = n;
        used_ = 0;
    }
    void never_cut() { cut_at(UINT64_MAX); }
    uint64_t used() const {
        const std::lock_guard lock(mutex_);
        return used_;
    }
    void step() {
        const std::lock_guard lock(mutex_);
        if (left_ == 0) throw PowerCut();
        left_--;
        used_++;
    }

  private:
    mutable std::mutex mutex_;
    uint64_t left_ = UINT64_MAX, used_ = 0;
};

/// What happens to writes that were not synced.
enum class Unsynced { kept, dropped, torn };

class CutDisk {
  public:
    static constexpr size_t kUnit = 512;
    using Unit = std::array<uint8_t, kUnit>;
    struct Content {
        std::map<uint64_t, Unit> units;  // that differ from the base, by number
        uint64_t size = 0;
        bool operator==(const Content&) const = default;
    };

    CutDisk(Power& power, std::string path, std::shared_ptr<device::ReadDevice> base)
        : power_(power), path_(std::move(path)), base_(std::move(base)) {
        now_.size = durable_.size = base_ ? base_->size() : 0;
    }

    const std::string& path() const { return path_; }
    uint64_t size() const { return now_.size; }

    int read(uint64_t offset, ByteSpan out) {
        const std::lock_guard lock(mutex_);
        if (reads_++ == read_fails_at_) return EIO;
        const auto lost = lost_.lower_bound(offset / kUnit);
        if (lost != lost_.end() && *lost * kUnit < offset + out.size()) return EIO;
        return read(now_, offset, out);
    }
    int write(uint64_t offset, ByteView bytes) {
        const std::lock_guard lock(mutex_);
        if ((failing_.first <= offset && offset < failing_.second) || breaks()) return EIO;
        unsynced_.push_back({offset, {bytes.begin(), bytes.end()}, false, 0});
        power_.step();
        apply(now_, unsynced_.back(), nullptr);
        lost_.erase(lost_.lower_bound(offset / kUnit), lost_.lower_bound((offset + bytes.size()) / kUnit));
        return 0;
    }
    int zero(uint64_t offset, uint64_t length) {
        const std::lock_guard lock(mutex_);
        if (offset > now_.size || now_.size - offset < length) return EINVAL;
        if ((failing_.first <= offset && offset < failing_.second) || breaks()) return EIO;
        unsynced_.push_back({offset, {}, false, length});
        power_.step();
        apply(now_, unsynced_.back(), nullptr);
        lost_.erase(lost_.lower_bound(offset / kUnit), lost_.lower_bound((offset + length) / kUnit));
        return 0;
    }
    int resize(uint64_t size) {
        const std::lock_guard lock(mutex_);
        if (breaks()) return EIO;
        if (size > longest_) return EFBIG;
        unsynced_.push_back({size, {}, true, 0});
        power_.step();
        apply(now_, unsynced_.back(), nullptr);
        return 0;
    }
    int sync() {
        const std::lock_guard lock(mutex_);
        if (breaks()) return EIO;
        power_.step();
        durable_ = now_;
        unsynced_.clear();
        return 0;
    }

    /// It cannot be made longer than that.
    void limit_length(uint64_t longest) { longest_ = longest; }
    /// Every write that begins in [from, to) fails.
    void fail_writes(uint64_t from, uint64_t to) { failing_ = {from, to}; }
    /// Units of [from, to) cannot be read until they are written.
    void lose(uint64_t from, uint64_t to) {
        for (uint64_t unit = from / kUnit; unit < to / kUnit; unit++) lost_.insert(unit);
    }

    /// The n-th change or sync from now on (0: the next one) fails, and all behind it, until mend().
    void break_at(uint64_t n) {
        changes_ = 0;
        breaks_at_ = n;
    }
    void mend() { break_at(UINT64_MAX); }
    /// Changes and syncs since break_at() or mend().
    uint64_t changes() const { return changes_; }

    /// The n-th read from now on (0: the next one) fails, once.
    void fail_read(uint64_t n) {
        reads_ = 0;
        read_fails_at_ = n;
    }
    /// Reads since fail_read().
    uint64_t reads() const { return reads_; }

    /// After a cut: what is there when the power is back.
    Content after_cut(Unsynced what, uint32_t seed) const {
        Content content = durable_;
        std::mt19937 random(seed);
        if (what != Unsynced::dropped)
            for (const auto& op : unsynced_) apply(content, op, what == Unsynced::torn ? &random : nullptr);
        return content;
    }
    const Content& content() const { return now_; }
    void set(Content content) {
        now_ = durable_ = std::move(content);
        unsynced_.clear();
    }
    /// A byte of it becomes another.
    void flip(uint64_t offset) {
        uint8_t byte = 0;
        read(now_, offset, ByteSpan(&byte, 1));
        byte ^= 0xff;
        put(now_, offset, ByteView(&byte, 1));
        durable_ = now_;
    }
    /// Whether both hold the same bytes.
    bool holds(const Content& other) const {
        if (now_.size != other.size) return false;
        std::vector<uint64_t> numbers;
        for (const auto& [number, unit] : now_.units) numbers.push_back(number);
        for (const auto& [number, unit] : other.units) numbers.push_back(number);
        Unit a, b;
        return std::all_of(numbers.begin(), numbers.end(), [&](uint64_t number) {
            load(now_, number, a);
            load(other, number, b);
            return a == b;
        });
    }

  private:
    struct Op {
        uint64_t offset = 0;  // or the new size
        std::vector<uint8_t> bytes;
        bool resize = false;
        uint64_t zeros = 0;  // that many bytes of zeros, instead of `bytes`
    };

    bool breaks() { return changes_++ >= breaks_at_; }
    // Zeros behind the end.
    void load(const Content& content, uint64_t number, Unit& unit) const {
        unit.fill(0);
        const auto found = content.units.find(number);
        const uint64_t at = number * kUnit;
        if (found != content.units.end()) {
            unit = found->second;
        } else if (base_ && at < std::min(base_->size(), content.size)) {
            base_->read(at, ByteSpan(unit).first(std::min<uint64_t>(kUnit, base_->size() - at)));
        }
        if (at + kUnit > content.size) {
            const size_t there = content.size > at ? content.size - at : 0;
            std::fill(unit.begin() + static_cast<ptrdiff_t>(there), unit.end(), uint8_t{0});
        }
    }
    int read(const Content& content, uint64_t offset, ByteSpan out) const {
        if (offset > content.size || content.size - offset < out.size()) return EIO;
        const uint64_t first = offset / kUnit, last = (offset + out.size() + kUnit - 1) / kUnit;
        const auto near = content.units.lower_bound(first);
        if (base_ && (near == content.units.end() || near->first >= last) && offset + out.size() <= base_->size())
            return base_->read(offset, out);
        Unit unit;
        for (uint64_t number = first; number < last; number++) {
            load(content, number, unit);
            const uint64_t from = std::max(offset, number * kUnit);
            const uint64_t to = std::min(offset + out.size(), (number + 1) * kUnit);
            std::copy_n(unit.begin() + static_cast<ptrdiff_t>(from - number * kUnit), to - from,
                        out.begin() + static_cast<ptrdiff_t>(from - offset));
        }
        return 0;
    }
    void put(Content& content, uint64_t offset, ByteView bytes) const {
        const uint64_t number = offset / kUnit;
        Unit unit;
        load(content, number, unit);
        std::copy(bytes.begin(), bytes.end(), unit.begin() + static_cast<ptrdiff_t>(offset - number * kUnit));
        content.size = std::max(content.size, offset + bytes.size());
        content.units[number] = unit;
    }
    // The first unit, of those from `number` on, that may hold anything but zeros.
    uint64_t next_filled(const Content& content, uint64_t number) const {
        if (base_ && number * kUnit < base_->size()) return number;
        const auto found = content.units.lower_bound(number);
        return found == content.units.end() ? UINT64_MAX / kUnit : found->first;
    }
    // Behind the end nothing grows: a change of length may not have lasted.
    void zero(Content& content, uint64_t offset, uint64_t end, std::mt19937* random) const {
        static constexpr Unit kZeros{};
        end = std::min(end, content.size);
        Unit unit;
        for (uint64_t number = next_filled(content, offset / kUnit); number * kUnit < end;
             number = next_filled(content, number + 1)) {
            load(content, number, unit);
            if (unit == kZeros || (random != nullptr && (*random)() % 2 == 0)) continue;
            const uint64_t at = std::max(offset, number * kUnit);
            put(content, at, ByteView(kZeros).first(std::min(end, (number + 1) * kUnit) - at));
        }
    }
    void apply(Content& content, const Op& op, std::mt19937* random) const {
        if (op.resize) {
            if (random != nullptr && (*random)() % 2 == 0) return;
            const uint64_t old_size = content.size;
            Unit unit;
            if (op.offset < old_size && op.offset % kUnit != 0) {
                load(content, op.offset / kUnit, unit);
                std::fill(unit.begin() + static_cast<ptrdiff_t>(op.offset % kUnit), unit.end(), uint8_t{0});
                content.units[op.offset / kUnit] = unit;
            }
            content.size = op.offset;
            const uint64_t first_gone = (op.offset + kUnit - 1) / kUnit;
            content.units.erase(content.units.lower_bound(first_gone), content.units.end());
            return;
        }
        if (op.zeros != 0) return zero(content, op.offset, op.offset + op.zeros, random);
        const uint64_t end = op.offset + op.bytes.size();
        for (uint64_t at = op.offset; at < end;) {
            const uint64_t next = std::min(end, (at / kUnit + 1) * kUnit);
            if (random == nullptr || (*random)() % 2 == 0)
                put(content, at, ByteView(op.bytes).subspan(at - op.offset, next - at));
            at = next;
        }
    }

    mutable std::mutex mutex_;
    Power& power_;
    std::string path_;
    std::shared_ptr<device::ReadDevice> base_;
    Content now_, durable_;
    std::vector<Op> unsynced_;
    std::pair<uint64_t, uint64_t> failing_{0, 0};
    uint64_t longest_ = UINT64_MAX;
    std::set<uint64_t> lost_;  // units
    uint64_t changes_ = 0, breaks_at_ = UINT64_MAX;
    uint64_t reads_ = 0, read_fails_at_ = UINT64_MAX;
};

/// A disk as somebody reads it.
class CutReader final : public device::ReadDevice {
  public:
    explicit CutReader(std::shared_ptr<CutDisk> disk) : disk_(std::move(disk)), size_(disk_->size()) {}
    uint64_t size() const override { return size_; }
    const std::string& path() const override { return disk_->path(); }
    void start(device::ReadOp& op) override { op.error = 0; }
    void finish(device::ReadOp& op) override { op.error = disk_->read(op.offset, op.out); }

  private:
    std::shared_ptr<CutDisk> disk_;
    uint64_t size_;  // as it was when it was opened
};

/// A disk as a repair writes it.
class CutWriter final : public device::WriteDevice {
  public:
    CutWriter(std::shared_ptr<CutDisk> disk, device::Identity identity)
        : disk_(disk), identity_(identity), medium_(std::move(disk)) {}
    const std::string& path() const override { return disk_->path(); }
    device::Identity identity() const override { return identity_; }
    bool is_block() const override { return identity_.block; }
    uint64_t size() const override { return disk_->size(); }
    int read(uint64_t offset, ByteSpan out) override { return disk_->read(offset, out); }
    int write(uint64_t offset, ByteView bytes) override { return disk_->write(offset, bytes); }
    int zero(uint64_t offset, uint64_t length) override { return disk_->zero(offset, length); }
    int sync() override { return disk_->sync(); }
    int resize(uint64_t size) override { return disk_->resize(size); }
    device::ReadDevice& medium() override { return medium_; }
    Result<device::Opened> open_reader() override {
        return device::Opened{std::make_unique<CutReader>(disk_), identity_};
    }
    Result<void> still_free() override { return {}; }

  private:
    std::shared_ptr<CutDisk> disk_;
    device::Identity identity_;
    CutReader medium_;
};

}  // namespace raid56::test
