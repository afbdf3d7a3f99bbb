// SPDX-License-Identifier: GPL-2.0-or-later
// The field of raid6's Q: GF(2^8), polynomial 0x11d, generator g = 2 (FACTS 9). Constexpr tables.
// Thread rule: constants. Single bytes only: words.h has whole blocks.
#pragma once

#include <array>
#include <cstdint>

namespace raid56::parity::galois {

/// Non-zero elements; g^255 = 1.
inline constexpr unsigned kOrder = 255;
/// What x^8 is: 0x11d without its highest bit.
inline constexpr uint8_t kPolynomial = 0x1d;

struct Tables {
    std::array<uint8_t, 2 * kOrder> exp{};  // exp[n] = g^n: twice around, so that a sum of two logs is an index
    std::array<uint8_t, 256> log{};         // log[0] means nothing
};

constexpr Tables make_tables() {
    Tables tables;
    unsigned x = 1;
    for (unsigned n = 0; n < kOrder; n++) {
        tables.exp[n] = tables.exp[n + kOrder] = static_cast<uint8_t>(x);
        tables.log[x] = static_cast<uint8_t>(n);
        x <<= 1;
        if (x & 0x100) x ^= 0x100 | kPolynomial;
    }
    return tables;
}

inline constexpr Tables kTables = make_tables();

/// g^n for any n.
constexpr uint8_t power(unsigned n) { return kTables.exp[n % kOrder]; }

/// n with g^n = x, 0..254; x must not be 0.
constexpr unsigned log(uint8_t x) { return kTables.log[x]; }

constexpr uint8_t multiply(uint8_t a, uint8_t b) {
    return a == 0 || b == 0 ? uint8_t{0} : kTables.exp[log(a) + log(b)];
}

/// 1 / x; x must not be 0.
constexpr uint8_t inverse(uint8_t x) { return kTables.exp[kOrder - log(x)]; }

static_assert(power(8) == 0x1d && power(254) == 0x8e && power(255) == 1);
static_assert(multiply(2, 0x8e) == 1 && inverse(2) == 0x8e && inverse(1) == 1);

}  // namespace raid56::parity::galois
