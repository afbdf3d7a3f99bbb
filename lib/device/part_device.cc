// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/part_device.h"

#include <algorithm>
#include <cerrno>

#include "device/mount_guard.h"

namespace raid56::device {
namespace {

// The cookie of a read that was never started on the whole.
char outside;

}  // namespace

PartDevice::PartDevice(std::unique_ptr<ReadDevice> whole, Range part, std::string name)
    : own_(std::move(whole)), whole_(*own_), part_(part), name_(std::move(name)) {}

PartDevice::PartDevice(ReadDevice& whole, Range part, std::string name)
    : whole_(whole), part_(part), name_(std::move(name)) {}

void PartDevice::hint(uint64_t offset, uint64_t length) {
    if (offset >= size()) return;
    whole_.hint(part_.start + offset, std::min(length, size() - offset));
}

void PartDevice::start(ReadOp& op) {
    if (op.offset > size() || size() - op.offset < op.out.size()) {
        op.error = EIO;
        op.cookie = &outside;
        return;
    }
    op.offset += part_.start;
    try {
        whole_.start(op);
    } catch (...) {
        op.offset -= part_.start;
        throw;
    }
}

void PartDevice::finish(ReadOp& op) {
    if (op.cookie == &outside) {
        op.cookie = nullptr;
        return;
    }
    whole_.finish(op);
    op.offset -= part_.start;
}

PartWriter::PartWriter(std::shared_ptr<WriteDevice> whole, Identity place, Identity shared, std::string name)
    : whole_(std::move(whole)), place_(place), shared_(shared), name_(std::move(name)) {}

uint64_t PartWriter::size() const {
    const uint64_t end = std::min(place_.part.end, whole_->size());
    return end - std::min(end, place_.part.start);
}

int PartWriter::read(uint64_t offset, ByteSpan out) {
    return has(offset, out.size()) ? whole_->read(place_.part.start + offset, out) : EIO;
}

int PartWriter::write(uint64_t offset, ByteView bytes) {
    return has(offset, bytes.size()) ? whole_->write(place_.part.start + offset, bytes) : ENOSPC;
}

int PartWriter::zero(uint64_t offset, uint64_t length) {
    return has(offset, length) ? whole_->zero(place_.part.start + offset, length) : ENOSPC;
}

int PartWriter::resize(uint64_t size) {
    if (size == this->size()) return 0;
    const bool is_last = there().end == whole_->size();
    if (!is_last || size > place_.part.length()) return EINVAL;
    return whole_->resize(place_.part.start + size);
}

ReadDevice& PartWriter::medium() {
    auto& whole = whole_->medium();
    if (!medium_ || medium_->size() != size()) medium_ = std::make_unique<PartDevice>(whole, there(), name_);
    return *medium_;
}

Result<Opened> PartWriter::open_reader() {
    auto whole = whole_->open_reader();
    if (!whole) return whole.error();
    return Opened{std::make_unique<PartDevice>(std::move(whole->device), there(), name_), shared_};
}

Result<void> PartWriter::still_free() {
    // A device is held exclusively, and with it every part; a file cannot be.
    return is_block() ? Result<void>() : refuse_if_used(running_kernel(), whole_->path(), place_);
}

}  // namespace raid56::device
