// SPDX-License-Identifier: GPL-2.0-or-later
// A device that is a run of bytes in memory: for tests. Pure.
// Thread rule: as ReadDevice; bytes() may be written only while no read is between start and finish.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "device/device.h"

namespace raid56::device {

class MemoryDevice final : public ReadDevice {
  public:
    explicit MemoryDevice(std::vector<uint8_t> bytes, std::string path = "memory")
        : bytes_(std::move(bytes)), path_(std::move(path)) {}

    uint64_t size() const override { return bytes_.size(); }
    const std::string& path() const override { return path_; }

    void start(ReadOp& op) override { op.error = 0; }
    void finish(ReadOp& op) override {
        const auto from = view_at(bytes_, op.offset, op.out.size());
        if (!from)
            op.error = EIO;
        else
            std::copy(from->begin(), from->end(), op.out.begin());
    }

    /// What it holds.
    ByteSpan bytes() { return bytes_; }

  private:
    std::vector<uint8_t> bytes_;
    std::string path_;
};

}  // namespace raid56::device
