// SPDX-License-Identifier: GPL-2.0-or-later
// The field's tables and the arithmetic on blocks, against multiplication bit by bit.
#include "parity/galois.h"

#include <gtest/gtest.h>

#include <set>

#include "parity/words.h"
#include "row.h"

namespace raid56::parity {
namespace {

using test::multiply_slowly;

TEST(GaloisTest, MultiplicationIsTheDefinition) {
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            ASSERT_EQ(galois::multiply(static_cast<uint8_t>(a), static_cast<uint8_t>(b)), multiply_slowly(a, b))
                << a << " * " << b;
        }
    }
}

TEST(GaloisTest, InversesAndPowers) {
    std::set<unsigned> seen;
    uint8_t power = 1;
    for (unsigned n = 0; n < 600; n++) {
        EXPECT_EQ(galois::power(n), power);
        if (n < galois::kOrder) {
            EXPECT_TRUE(seen.insert(power).second) << "2 generates the field";
            EXPECT_EQ(galois::log(power), n);
            EXPECT_EQ(multiply_slowly(power, galois::inverse(power)), 1);
        }
        power = multiply_slowly(power, 2);
    }
}

TEST(BlockTest, TimesIsMultiplicationInEachByte) {
    for (unsigned factor = 0; factor < 256; factor++) {
        for (unsigned start = 0; start < 256; start += kBlockBytes) {
            uint8_t in[kBlockBytes], out[kBlockBytes];
            for (unsigned i = 0; i < kBlockBytes; i++) in[i] = static_cast<uint8_t>(start + i);
            store(times(static_cast<uint8_t>(factor), load(in, kBlockBytes)), out, kBlockBytes);
            for (unsigned i = 0; i < kBlockBytes; i++) ASSERT_EQ(out[i], multiply_slowly(factor, start + i));
        }
    }
}

TEST(BlockTest, CountsBytesThatAreNotZero) {
    for (unsigned value : {0x01, 0x7f, 0x80, 0x81, 0xff}) {
        uint8_t bytes[kBlockBytes] = {};
        for (unsigned i = 0; i < kBlockBytes; i++) {
            EXPECT_EQ(count_nonzero(load(bytes, kBlockBytes)), i);
            bytes[(i * 37) % kBlockBytes] = static_cast<uint8_t>(value);
        }
        EXPECT_EQ(count_nonzero(load(bytes, kBlockBytes)), kBlockBytes);
        EXPECT_EQ(count_nonzero(load(bytes, 5)), 5u);
    }
}

}  // namespace
}  // namespace raid56::parity
