// SPDX-License-Identifier: GPL-2.0-or-later
#include "parity/buffer.h"

#include <cstring>
#include <new>

namespace raid56::parity {
namespace {

constexpr std::align_val_t kAlignment{4096};

class PlainBuffer : public Buffer {
  public:
    explicit PlainBuffer(size_t size) : bytes_(static_cast<uint8_t*>(::operator new(size, kAlignment))), size_(size) {
        std::memset(bytes_, 0, size);
    }
    ~PlainBuffer() override { ::operator delete(bytes_, kAlignment); }
    PlainBuffer(const PlainBuffer&) = delete;
    PlainBuffer& operator=(const PlainBuffer&) = delete;

    std::span<uint8_t> bytes() override { return {bytes_, size_}; }

  private:
    uint8_t* bytes_;
    size_t size_;
};

}  // namespace

std::unique_ptr<Buffer> plain_buffer(size_t size) { return std::make_unique<PlainBuffer>(size); }

}  // namespace raid56::parity
