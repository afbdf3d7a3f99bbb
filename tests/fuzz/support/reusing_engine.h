// SPDX-License-Identifier: GPL-2.0-or-later
// An engine for many short runs.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "parity/engine.h"

namespace raid56::fuzz {

/// ISA-L's, with memory that is used again: each piece has its own size to the byte, so that what reads or writes past
/// its end is still seen.
class ReusingEngine final : public parity::Engine {
  public:
    explicit ReusingEngine(size_t batch_bytes) : batch_bytes_(batch_bytes) {}
    std::string_view name() const override { return parity::isal_engine().name(); }
    size_t batch_bytes() const override { return batch_bytes_; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return std::make_unique<Lent>(*this, size); }
    void submit(parity::Batch batch) override { parity::isal_engine().submit(batch); }
    void wait(parity::Batch batch) override { parity::isal_engine().wait(batch); }

  private:
    class Lent final : public parity::Buffer {
      public:
        Lent(ReusingEngine& of, size_t size) : of_(of) {
            const std::lock_guard lock(of_.mutex_);
            auto& kept = of_.kept_[size];
            if (kept.empty()) {
                buffer_ = parity::isal_engine().allocate(size);
                return;
            }
            buffer_ = std::move(kept.back());
            kept.pop_back();
            std::memset(buffer_->bytes().data(), 0, size);
        }
        ~Lent() override {
            const std::lock_guard lock(of_.mutex_);
            of_.kept_[buffer_->bytes().size()].push_back(std::move(buffer_));
        }
        std::span<uint8_t> bytes() override { return buffer_->bytes(); }

      private:
        ReusingEngine& of_;
        std::unique_ptr<parity::Buffer> buffer_;
    };

    size_t batch_bytes_;
    std::mutex mutex_;
    std::map<size_t, std::vector<std::unique_ptr<parity::Buffer>>> kept_;
};

}  // namespace raid56::fuzz
