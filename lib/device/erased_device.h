// SPDX-License-Identifier: GPL-2.0-or-later
// A device of which some bytes are known to be no data, though they can be read: a copy that has holes
// where the original could not be read. Reads of them fail, as the original's did.
//
// Thread rule: as ReadDevice and WriteDevice. Erasures are shared: nobody reads while something is written
// through another (a repair writes, then looks again).
#pragma once

#include <memory>

#include "base/range.h"
#include "device/write_device.h"

namespace raid56::device {

/// Offsets in bytes, of any granularity.
using Erasures = RangeSet;

class ErasedDevice final : public ReadDevice {
  public:
    ErasedDevice(std::unique_ptr<ReadDevice> inner, std::shared_ptr<const Erasures> erased);

    uint64_t size() const override { return inner_->size(); }
    const std::string& path() const override { return inner_->path(); }
    uint32_t alignment() const override { return inner_->alignment(); }
    uint64_t bridge() const override { return inner_->bridge(); }
    bool reads_in_finish() const override { return inner_->reads_in_finish(); }
    void hint(uint64_t offset, uint64_t length) override { inner_->hint(offset, length); }
    /// EIO for a read that touches an erased byte.
    void start(ReadOp& op) override;
    void finish(ReadOp& op) override;

  private:
    std::unique_ptr<ReadDevice> inner_;
    std::shared_ptr<const Erasures> erased_;
};

/// What is written is erased no more, for all that share the erasures.
class ErasedWriter final : public WriteDevice {
  public:
    ErasedWriter(std::unique_ptr<WriteDevice> inner, std::shared_ptr<Erasures> erased);

    const std::string& path() const override { return inner_->path(); }
    Identity identity() const override { return inner_->identity(); }
    bool is_block() const override { return inner_->is_block(); }
    uint64_t size() const override { return inner_->size(); }
    int read(uint64_t offset, ByteSpan out) override;
    int write(uint64_t offset, ByteView bytes) override;
    int zero(uint64_t offset, uint64_t length) override;
    int sync() override { return inner_->sync(); }
    int resize(uint64_t size) override { return inner_->resize(size); }
    /// The bytes as they lie there, erased or not.
    ReadDevice& medium() override { return inner_->medium(); }
    Result<Opened> open_reader() override;
    Result<void> still_free() override { return inner_->still_free(); }

  private:
    std::unique_ptr<WriteDevice> inner_;
    std::shared_ptr<Erasures> erased_;
};

}  // namespace raid56::device
