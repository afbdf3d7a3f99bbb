// SPDX-License-Identifier: GPL-2.0-or-later
// Writing an image file or a block device through the page cache; what was written is read back past it.
//
// Thread rule: as WriteDevice.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "device/aio_device.h"
#include "device/fd.h"
#include "device/open.h"
#include "device/write_device.h"

namespace raid56::device {

/// Writes all of `bytes`, through short writes and interruptions; returns 0 or an errno.
int write_fully(int fd, uint64_t offset, ByteView bytes);

class FileWriter final : public WriteDevice {
  public:
    /// `direct` reads past the page cache, or is nullptr: then pages are dropped before they are read back.
    FileWriter(Fd fd, std::string path, Identity own, Identity shared, uint64_t size,
               std::unique_ptr<AioDevice> direct);

    const std::string& path() const override { return path_; }
    Identity identity() const override { return shared_; }
    bool is_block() const override { return identity_.block; }
    uint64_t size() const override { return size_; }
    int read(uint64_t offset, ByteSpan out) override;
    int write(uint64_t offset, ByteView bytes) override;
    int zero(uint64_t offset, uint64_t length) override;
    int sync() override;
    int resize(uint64_t size) override;
    ReadDevice& medium() override { return direct_ ? static_cast<ReadDevice&>(*direct_) : *dropping_; }
    Result<Opened> open_reader() override;
    Result<void> still_free() override;

  private:
    int write_zeros(uint64_t offset, uint64_t end);

    Fd fd_;
    std::string path_;
    Identity identity_;  // of the descriptor
    Identity shared_;    // that all names of it share
    std::atomic<uint64_t> size_;
    std::atomic<uint64_t> unsent_ = 0;      // bytes written since the disk was last told to begin
    std::unique_ptr<AioDevice> direct_;     // or
    std::unique_ptr<ReadDevice> dropping_;  // where that cannot be had
};

}  // namespace raid56::device
