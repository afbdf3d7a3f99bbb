// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/erased_device.h"

#include <cerrno>

namespace raid56::device {
namespace {

// The cookie of a read that was never started.
char erased_read;

Range range_of(uint64_t offset, uint64_t length) {
    return {offset, length > UINT64_MAX - offset ? UINT64_MAX : offset + length};
}

}  // namespace

ErasedDevice::ErasedDevice(std::unique_ptr<ReadDevice> inner, std::shared_ptr<const Erasures> erased)
    : inner_(std::move(inner)), erased_(std::move(erased)) {}

void ErasedDevice::start(ReadOp& op) {
    if (!erased_->touches(range_of(op.offset, op.out.size()))) return inner_->start(op);
    op.error = EIO;
    op.cookie = &erased_read;
}

void ErasedDevice::finish(ReadOp& op) {
    if (op.cookie != &erased_read) return inner_->finish(op);
    op.cookie = nullptr;
}

ErasedWriter::ErasedWriter(std::unique_ptr<WriteDevice> inner, std::shared_ptr<Erasures> erased)
    : inner_(std::move(inner)), erased_(std::move(erased)) {}

int ErasedWriter::read(uint64_t offset, ByteSpan out) {
    return erased_->touches(range_of(offset, out.size())) ? EIO : inner_->read(offset, out);
}

int ErasedWriter::write(uint64_t offset, ByteView bytes) {
    const int error = inner_->write(offset, bytes);
    if (error == 0) erased_->remove(range_of(offset, bytes.size()));
    return error;
}

int ErasedWriter::zero(uint64_t offset, uint64_t length) {
    const int error = inner_->zero(offset, length);
    if (error == 0) erased_->remove(range_of(offset, length));
    return error;
}

Result<Opened> ErasedWriter::open_reader() {
    auto opened = inner_->open_reader();
    if (!opened) return opened.error();
    return Opened{std::make_unique<ErasedDevice>(std::move(opened->device), erased_), opened->identity};
}

}  // namespace raid56::device
