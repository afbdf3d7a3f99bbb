// SPDX-License-Identifier: GPL-2.0-or-later
// Bounded views of bytes, and the one way to read numbers and raw structs out of them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace raid56 {

using ByteView = std::span<const uint8_t>;
using ByteSpan = std::span<uint8_t>;

/// An unsigned number as it lies on disk: little-endian, unaligned.
template <class T>
class Le {
  public:
    constexpr operator T() const {
        T value = 0;
        for (size_t i = 0; i < sizeof(T); i++) value = static_cast<T>(value | static_cast<T>(T{raw_[i]} << (8 * i)));
        return value;
    }

  private:
    uint8_t raw_[sizeof(T)];
};
using Le16 = Le<uint16_t>;
using Le32 = Le<uint32_t>;
using Le64 = Le<uint64_t>;

/// A copy of the T at `offset`, or nothing where it would run past the end.
template <class T>
std::optional<T> read_at(ByteView bytes, size_t offset) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

/// The part [offset, offset + length), or nothing where it would run past the end.
inline std::optional<ByteView> view_at(ByteView bytes, size_t offset, size_t length) {
    if (offset > bytes.size() || bytes.size() - offset < length) return std::nullopt;
    return bytes.subspan(offset, length);
}

using Uuid = std::array<uint8_t, 16>;

}  // namespace raid56
