// SPDX-License-Identifier: GPL-2.0-or-later
// A file in memory that can be read and written: a journal, a plan, a state file, a device under repair.
#pragma once

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/write_device.h"

namespace raid56::fuzz {

class MemoryFile final : public device::WriteDevice {
  public:
    /// The bytes are the caller's, so that they outlive the file.
    explicit MemoryFile(std::vector<uint8_t>& bytes, uint64_t most = 64 << 20, std::string path = "memory",
                        device::Identity identity = {})
        : bytes_(bytes), most_(most), identity_(identity), medium_(bytes, std::move(path)) {}

    const std::string& path() const override { return medium_.path(); }
    device::Identity identity() const override { return identity_; }
    bool is_block() const override { return false; }
    uint64_t size() const override { return bytes_.size(); }
    int read(uint64_t offset, ByteSpan out) override { return medium_.read(offset, out); }
    int write(uint64_t offset, ByteView bytes) override {
        if (offset > most_ || most_ - offset < bytes.size()) return ENOSPC;
        if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size());
        if (!bytes.empty()) std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
        return 0;
    }
    int zero(uint64_t offset, uint64_t length) override {
        if (offset > size() || size() - offset < length) return EINVAL;
        std::memset(bytes_.data() + offset, 0, length);
        return 0;
    }
    int sync() override { return 0; }
    int resize(uint64_t size) override {
        if (size > most_) return ENOSPC;
        bytes_.resize(size);
        return 0;
    }
    device::ReadDevice& medium() override { return medium_; }
    Result<device::Opened> open_reader() override {
        return device::Opened{std::make_unique<Medium>(bytes_, path()), identity_};
    }
    Result<void> still_free() override { return {}; }

  private:
    class Medium final : public device::ReadDevice {
      public:
        Medium(const std::vector<uint8_t>& bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}
        uint64_t size() const override { return bytes_.size(); }
        const std::string& path() const override { return path_; }
        void start(device::ReadOp& op) override { op.error = 0; }
        void finish(device::ReadOp& op) override {
            const auto from = view_at(bytes_, op.offset, op.out.size());
            if (!from)
                op.error = EIO;
            else if (!from->empty())
                std::memcpy(op.out.data(), from->data(), from->size());
        }

      private:
        const std::vector<uint8_t>& bytes_;
        std::string path_;
    };

    std::vector<uint8_t>& bytes_;
    uint64_t most_;
    device::Identity identity_;
    Medium medium_;
};

}  // namespace raid56::fuzz
