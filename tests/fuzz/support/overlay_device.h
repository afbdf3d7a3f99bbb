// SPDX-License-Identifier: GPL-2.0-or-later
// A device in memory over bytes that never change: what is written goes into pages of its own, so that the next input
// starts from the same bytes at no cost. Counts how often it is read.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device/open.h"

namespace raid56::fuzz {

class OverlayDevice {
  public:
    static constexpr size_t kPage = 4096;

    OverlayDevice(std::vector<uint8_t> base, std::string path) : base_(std::move(base)), path_(std::move(path)) {
        size_ = base_.size();
    }

    /// As it was made.
    void reset() {
        pages_.clear();
        bad_.clear();
        size_ = base_.size();
        reads_ = 0;
    }
    const std::string& path() const { return path_; }
    uint64_t size() const { return size_; }
    uint64_t base_size() const { return base_.size(); }
    ByteView base() const { return base_; }
    /// A shorter one keeps its bytes, a longer one reads as zeros.
    void resize(uint64_t size) { size_ = size; }
    /// That page cannot be read until it is written.
    void lose(uint64_t page) { bad_.insert(page); }
    bool is_lost(uint64_t page) const { return bad_.contains(page); }

    int read(uint64_t offset, ByteSpan out) {
        if (++reads_ > limit_) *stop_ = true;
        if (offset > size_ || size_ - offset < out.size()) return EIO;
        if (!bad_.empty()) {
            const auto bad = bad_.lower_bound(offset / kPage);
            if (bad != bad_.end() && *bad * kPage < offset + out.size()) return EIO;
        }
        peek(offset, out);
        return 0;
    }
    /// The same, whether it can be read or not; zeros behind the base.
    void peek(uint64_t offset, ByteSpan out) const {
        const uint64_t there = offset < base_.size() ? std::min<uint64_t>(out.size(), base_.size() - offset) : 0;
        if (there > 0) std::memcpy(out.data(), base_.data() + offset, there);
        if (there < out.size()) std::memset(out.data() + there, 0, out.size() - there);
        for (auto page = pages_.lower_bound(offset / kPage); page != pages_.end(); ++page) {
            const uint64_t start = page->first * kPage;
            if (start >= offset + out.size()) break;
            const uint64_t from = std::max(start, offset), to = std::min(start + kPage, offset + out.size());
            std::memcpy(out.data() + (from - offset), page->second->data() + (from - start), to - from);
        }
    }
    void write(uint64_t offset, ByteView bytes) {
        while (!bytes.empty()) {
            const uint64_t page = offset / kPage, at = offset % kPage;
            const size_t length = std::min<size_t>(kPage - at, bytes.size());
            auto& own = pages_[page];
            if (!own) {
                own = std::make_unique<Page>();
                const uint64_t start = page * kPage;
                const uint64_t there = start < base_.size() ? std::min<uint64_t>(kPage, base_.size() - start) : 0;
                if (there > 0) std::memcpy(own->data(), base_.data() + start, there);
                if (there < kPage) std::memset(own->data() + there, 0, kPage - there);
            }
            std::memcpy(own->data() + at, bytes.data(), length);
            bad_.erase(page);
            offset += length;
            bytes = bytes.subspan(length);
        }
    }
    /// After so many reads since reset() the run is to stop.
    void limit(uint64_t reads, std::atomic<bool>& stop) {
        limit_ = reads;
        stop_ = &stop;
    }
    /// Reads since reset().
    uint64_t reads() const { return reads_; }

    /// What the program opens.
    std::unique_ptr<device::ReadDevice> open() { return std::make_unique<Opened>(*this); }

  private:
    using Page = std::array<uint8_t, kPage>;

    class Opened final : public device::ReadDevice {
      public:
        explicit Opened(OverlayDevice& of) : of_(of) {}
        uint64_t size() const override { return of_.size(); }
        const std::string& path() const override { return of_.path(); }
        void start(device::ReadOp& op) override { op.error = 0; }
        void finish(device::ReadOp& op) override { op.error = of_.read(op.offset, op.out); }

      private:
        OverlayDevice& of_;
    };

    std::vector<uint8_t> base_;
    std::string path_;
    uint64_t size_ = 0, reads_ = 0, limit_ = UINT64_MAX;
    std::atomic<bool>* stop_ = nullptr;
    std::map<uint64_t, std::unique_ptr<Page>> pages_;
    std::set<uint64_t> bad_;
};

/// Opens those devices by their paths, for a session::World.
inline auto opener_of(std::vector<OverlayDevice*> devices) {
    return [devices = std::move(devices)](const std::string& path, device::Reading) -> Result<device::Opened> {
        for (size_t i = 0; i < devices.size(); i++)
            if (devices[i]->path() == path) return device::Opened{devices[i]->open(), {false, 1, i}};
        return Error{path + ": is not there"};
    };
}

}  // namespace raid56::fuzz
