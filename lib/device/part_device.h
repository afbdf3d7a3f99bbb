// SPDX-License-Identifier: GPL-2.0-or-later
// A part of a file or block device as a device of its own: offset 0 is where it begins.
//
// Thread rule: as ReadDevice and WriteDevice. Parts of one thing may share its writer; who writes to
// parts that overlap has been refused before (opened.h).
#pragma once

#include <memory>
#include <string>

#include "device/opened.h"
#include "device/write_device.h"

namespace raid56::device {

class PartDevice final : public ReadDevice {
  public:
    /// [part.start, part.end), within `whole`. `name`: of the part, as named by the user.
    PartDevice(std::unique_ptr<ReadDevice> whole, Range part, std::string name);
    /// The same of what somebody else keeps, and keeps longer.
    PartDevice(ReadDevice& whole, Range part, std::string name);

    uint64_t size() const override { return part_.length(); }
    const std::string& path() const override { return name_; }
    uint32_t alignment() const override { return whole_.alignment(); }
    uint64_t bridge() const override { return whole_.bridge(); }
    bool reads_in_finish() const override { return whole_.reads_in_finish(); }
    void hint(uint64_t offset, uint64_t length) override;
    void start(ReadOp& op) override;
    void finish(ReadOp& op) override;

  private:
    std::unique_ptr<ReadDevice> own_;
    ReadDevice& whole_;
    Range part_;
    std::string name_;
};

class PartWriter final : public WriteDevice {
  public:
    /// `place`: of the part, in the file or device at the path of `whole`; its end may lie behind the end
    /// of that. `shared`: what all names of the part share.
    PartWriter(std::shared_ptr<WriteDevice> whole, Identity place, Identity shared, std::string name);

    const std::string& path() const override { return name_; }
    Identity identity() const override { return shared_; }
    bool is_block() const override { return whole_->is_block(); }
    uint64_t size() const override;
    int read(uint64_t offset, ByteSpan out) override;
    /// ENOSPC past its end, for a part of a file too.
    int write(uint64_t offset, ByteView bytes) override;
    int zero(uint64_t offset, uint64_t length) override;
    int sync() override { return whole_->sync(); }
    /// EINVAL but for a part that ends with its file, which then gets longer or shorter with it, as far as
    /// the name of the part allows.
    int resize(uint64_t size) override;
    ReadDevice& medium() override;
    Result<Opened> open_reader() override;
    Result<void> still_free() override;

  private:
    Range there() const { return {place_.part.start, place_.part.start + size()}; }
    bool has(uint64_t offset, uint64_t length) const { return offset <= size() && size() - offset >= length; }

    std::shared_ptr<WriteDevice> whole_;
    Identity place_;
    Identity shared_;
    std::string name_;
    std::unique_ptr<PartDevice> medium_;  // of its present length
};

}  // namespace raid56::device
