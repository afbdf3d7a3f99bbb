// SPDX-License-Identifier: GPL-2.0-or-later
// Writes little-endian fields one after the other. Encoders share no struct with the decoders: a
// wrong offset there would hide itself here.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace raid56::test {

using Bytes = std::vector<uint8_t>;

class Encoder {
  public:
    Encoder& u8(uint64_t n) { return number(n, 1); }
    Encoder& u16(uint64_t n) { return number(n, 2); }
    Encoder& u32(uint64_t n) { return number(n, 4); }
    Encoder& u64(uint64_t n) { return number(n, 8); }
    Encoder& raw(ByteView bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Encoder& text(std::string_view text) {
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        return *this;
    }
    Encoder& zeros(size_t n) {
        bytes_.resize(bytes_.size() + n);
        return *this;
    }
    size_t size() const { return bytes_.size(); }
    Bytes take() { return std::move(bytes_); }

  private:
    Encoder& number(uint64_t n, int bytes) {
        for (int i = 0; i < bytes; i++) bytes_.push_back(static_cast<uint8_t>(n >> (8 * i)));
        return *this;
    }

    Bytes bytes_;
};

/// Overwrites `size` bytes at `offset` with a little-endian number.
inline void put(Bytes& bytes, size_t offset, uint64_t n, size_t size) {
    for (size_t i = 0; i < size; i++) bytes.at(offset + i) = static_cast<uint8_t>(n >> (8 * i));
}

/// A uuid whose bytes are all `n`.
inline Uuid uuid_of(uint8_t n) {
    Uuid uuid;
    uuid.fill(n);
    return uuid;
}

}  // namespace raid56::test
