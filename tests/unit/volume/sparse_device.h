// SPDX-License-Identifier: GPL-2.0-or-later
// A device of any size that holds a few blocks and zeros: superblock copies lie up to 256 GiB deep.
// Reads must hit a block exactly or none at all.
#pragma once

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "device/device.h"

namespace raid56::volume {

class SparseDevice final : public device::ReadDevice {
  public:
    explicit SparseDevice(uint64_t size) : size_(size) {}

    uint64_t size() const override { return size_; }
    const std::string& path() const override { return path_; }
    void start(device::ReadOp&) override {}
    void finish(device::ReadOp& op) override {
        if (op.offset > size_ || op.out.size() > size_ - op.offset) past_end_ = true;
        op.error = bad_.contains(op.offset) || past_end_ ? EIO : 0;
        std::fill(op.out.begin(), op.out.end(), uint8_t{0});
        if (const auto block = blocks_.find(op.offset); op.error == 0 && block != blocks_.end())
            std::copy_n(block->second.begin(), std::min(block->second.size(), op.out.size()), op.out.begin());
    }

    void put(uint64_t offset, std::vector<uint8_t> bytes) { blocks_[offset] = std::move(bytes); }
    void fail(uint64_t offset) { bad_[offset] = true; }
    /// Whether anybody ever read beyond the end.
    bool past_end() const { return past_end_; }

  private:
    uint64_t size_;
    std::string path_ = "sparse";
    std::map<uint64_t, std::vector<uint8_t>> blocks_;
    std::map<uint64_t, bool> bad_;
    bool past_end_ = false;
};

}  // namespace raid56::volume
