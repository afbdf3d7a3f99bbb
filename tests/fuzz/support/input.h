// SPDX-License-Identifier: GPL-2.0-or-later
// What the fuzzer gave, read from its start to its end; behind the end lie zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/bytes.h"

namespace raid56::fuzz {

/// Addresses of the worlds that inputs speak of: their chunk begins here.
inline constexpr uint64_t kWorldStart = 0x100000;

class Input {
  public:
    Input(const uint8_t* data, size_t size) : bytes_(data, size) {}

    bool empty() const { return bytes_.empty(); }
    size_t left() const { return bytes_.size(); }

    uint8_t u8() { return static_cast<uint8_t>(little(1)); }
    uint16_t u16() { return static_cast<uint16_t>(little(2)); }
    uint32_t u32() { return static_cast<uint32_t>(little(4)); }
    uint64_t u64() { return little(8); }

    /// At most so many bytes.
    ByteView take(size_t length) {
        const ByteView part = bytes_.first(std::min(length, bytes_.size()));
        bytes_ = bytes_.subspan(part.size());
        return part;
    }
    ByteView rest() { return take(bytes_.size()); }

    /// A number of which few bytes say much: small ones, addresses of sectors, numbers that mean something to
    /// the format, or any one in eight bytes more.
    uint64_t number() {
        static constexpr uint64_t kMeant[] = {
            0,
            1,
            256,
            4096,
            16384,
            65536,
            1 << 20,
            uint64_t{1} << 27,
            1ull << 30,
            (1ull << 30) + 4096,
            1ull << 32,
            1ull << 48,
            1ull << 63,
            UINT64_MAX,
            UINT64_MAX - 4095,
            static_cast<uint64_t>(-6),
            static_cast<uint64_t>(-8),
            static_cast<uint64_t>(-9),
            static_cast<uint64_t>(-10),
            static_cast<uint64_t>(-256),
        };
        const uint8_t tag = u8();
        if (tag < 0x80) return tag;
        if (tag < 0xc0) return kWorldStart + (tag - 0x80u) * uint64_t{4096};
        if (tag < 0xf0) return kMeant[(tag - 0xc0u) % std::size(kMeant)];
        return u64();
    }

  private:
    uint64_t little(size_t length) {
        uint64_t value = 0;
        const ByteView part = take(length);
        for (size_t i = 0; i < part.size(); i++) value |= uint64_t{part[i]} << (8 * i);
        return value;
    }

    ByteView bytes_;
};

}  // namespace raid56::fuzz
