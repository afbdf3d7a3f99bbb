// SPDX-License-Identifier: GPL-2.0-or-later
// Arithmetic on numbers that come from a disk: an overflow is a value, not a wrap.
#pragma once

#include <cstdint>
#include <optional>

namespace raid56 {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
    uint64_t r;
    if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
    return r;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
    uint64_t r;
    if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
    return r;
}

constexpr bool is_power_of_2(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }
constexpr uint64_t round_up(uint64_t n, uint64_t unit) { return (n + unit - 1) / unit * unit; }
constexpr uint64_t round_down(uint64_t n, uint64_t unit) { return n / unit * unit; }

}  // namespace raid56
