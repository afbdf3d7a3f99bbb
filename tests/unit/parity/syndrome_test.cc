// SPDX-License-Identifier: GPL-2.0-or-later
// locate(): each single culprit is named, two culprits are not taken for one.
#include "parity/syndrome.h"

#include <gtest/gtest.h>

#include "row.h"

namespace raid56::parity {
namespace {

using test::multiply_slowly;
using test::Row;

Finding find(const Row& row) { return locate(row.views(), row.length()); }

/// Changes every `step`-th byte from `from` on, each to another value; returns how many.
size_t scramble(Row& row, unsigned column, size_t from = 0, size_t step = 1) {
    size_t changed = 0;
    for (size_t k = from; k < row.length(); k += step) {
        row[column][k] ^= static_cast<uint8_t>(1 + (k * 31 + column * 7) % 255);
        changed++;
    }
    return changed;
}

uint8_t power_of_2(unsigned n) {
    uint8_t power = 1;
    while (n-- > 0) power = multiply_slowly(power, 2);
    return power;
}

TEST(LocateTest, AConsistentRowHasNoSuspect) {
    for (unsigned nd : {1u, 2u, 4u, 30u, 253u}) {
        for (size_t length : {0, 1, 63, 512, 4096}) {
            Finding finding = find(Row(nd, true, length));
            EXPECT_EQ(finding.suspect, Suspect::none) << nd << " " << length;
            EXPECT_EQ(finding.differing_bytes, 0u);
        }
    }
}

TEST(LocateTest, EverySingleDataColumn) {
    for (unsigned nd : {1u, 2u, 3u, 4u, 10u, 30u, 253u}) {
        for (size_t length : {100, 4096}) {
            for (unsigned column = 0; column<nd; column += nd> 30 ? 9 : 1) {
                for (size_t step : {1, 13, 97}) {
                    Row row(nd, true, length);
                    const size_t changed = scramble(row, column, 2, step);
                    Finding finding = find(row);
                    ASSERT_EQ(finding.suspect, Suspect::data) << nd << " " << column;
                    ASSERT_EQ(finding.column, column) << nd;
                    ASSERT_EQ(finding.differing_bytes, changed);
                }
            }
        }
    }
}

TEST(LocateTest, POrQ) {
    for (unsigned nd : {1u, 4u, 253u}) {
        Row p(nd, true, 4096);
        const size_t in_p = scramble(p, nd, 5, 3);
        EXPECT_EQ(find(p).differing_bytes, in_p);
        EXPECT_EQ(find(p).suspect, Suspect::p);
        Row q(nd, true, 4096);
        const size_t in_q = scramble(q, nd + 1, 5, 3);
        EXPECT_EQ(find(q).differing_bytes, in_q);
        EXPECT_EQ(find(q).suspect, Suspect::q);
    }
}

TEST(LocateTest, OneByteIsEnoughToNameAColumn) {
    for (size_t place : {0, 1, 62, 63, 64, 2000, 4094, 4095}) {
        for (unsigned column = 0; column < 4; column++) {
            for (unsigned value : {0x01, 0x80, 0xff}) {
                Row row(4, true, 4096);
                row[column][place] ^= static_cast<uint8_t>(value);
                Finding finding = find(row);
                EXPECT_EQ(finding.suspect, Suspect::data);
                EXPECT_EQ(finding.column, column);
                EXPECT_EQ(finding.differing_bytes, 1u);
            }
        }
    }
}

TEST(LocateTest, TwoColumnsAreSeveral) {
    constexpr unsigned kData = 5;
    for (unsigned a = 0; a < kData + 2; a++) {
        for (unsigned b = a + 1; b < kData + 2; b++) {
            Row everywhere(kData, true, 4096);  // in the same bytes
            scramble(everywhere, a);
            scramble(everywhere, b);
            EXPECT_EQ(find(everywhere).suspect, Suspect::several) << a << " " << b;

            for (size_t gap : {1, 64, 2048}) {  // in different bytes, alone in each
                Row apart(kData, true, 4096);
                apart[a][100] ^= 9;
                apart[b][100 + gap] ^= 9;
                EXPECT_EQ(find(apart).suspect, Suspect::several) << a << " " << b << " " << gap;
                EXPECT_EQ(find(apart).differing_bytes, 2u);
            }
        }
    }
}

TEST(LocateTest, OneByteMoreThatDoesNotFit) {
    for (size_t place : {0, 40, 64, 4095}) {
        for (unsigned column : {0u, 2u, 4u, 5u}) {  // another data column, P, Q
            Row row(4, true, 4096);
            scramble(row, 1, 1, 2);  // odd bytes
            row[column][place & ~size_t{1}] ^= 0x33;
            EXPECT_EQ(find(row).suspect, Suspect::several) << place << " " << column;
        }
    }
}

TEST(LocateTest, TwoDataColumnsChangedAlikeLookLikeQ) {
    // P holds, Q does not: the syndromes alone cannot know better (FACTS 9, ambiguity ii).
    Row row(4, true, 4096);
    for (size_t k = 0; k < 4096; k++) {
        row[1][k] ^= 0x5c;
        row[2][k] ^= 0x5c;
    }
    EXPECT_EQ(find(row).suspect, Suspect::q);
}

TEST(LocateTest, TwoCorrelatedColumnsImitateAThird) {
    // e_a ^ e_b = s and g^a e_a ^ g^b e_b = g^c s: column c would explain it (FACTS 9, ambiguity ii).
    const unsigned a = 0, b = 1, c = 3;
    Row row(4, true, 4096);
    for (size_t k = 0; k < 4096; k++) {
        const uint8_t error = static_cast<uint8_t>(1 + k % 255);
        row[a][k] ^= multiply_slowly(error, power_of_2(b) ^ power_of_2(c));
        row[b][k] ^= multiply_slowly(error, power_of_2(a) ^ power_of_2(c));
    }
    Finding finding = find(row);
    EXPECT_EQ(finding.suspect, Suspect::data);
    EXPECT_EQ(finding.column, c);
}

TEST(LocateTest, AColumnThatTheRowDoesNotHave) {
    for (unsigned z : {4u, 5u, 100u, 254u}) {  // P and Q changed as column z of a wider row would do
        Row row(4, true, 4096);
        for (size_t k = 0; k < 4096; k++) {
            const uint8_t error = static_cast<uint8_t>(1 + k % 255);
            row.p()[k] ^= error;
            row.q()[k] ^= multiply_slowly(error, power_of_2(z));
        }
        EXPECT_EQ(find(row).suspect, Suspect::several) << z;
        EXPECT_EQ(find(row).differing_bytes, 4096u);
    }
    Row row(4, true, 4096);  // the same for one that it does have
    row.p()[17] ^= 0x21;
    row.q()[17] ^= multiply_slowly(0x21, power_of_2(3));
    EXPECT_EQ(find(row).suspect, Suspect::data);
    EXPECT_EQ(find(row).column, 3u);
}

TEST(LocateTest, ThreeDevices) {  // 1+2: P = Q = D
    Row data(1, true, 512), p(1, true, 512), q(1, true, 512), all(1, true, 512);
    data[0][7] ^= 1;
    EXPECT_EQ(find(data).suspect, Suspect::data);
    EXPECT_EQ(find(data).column, 0u);
    p.p()[7] ^= 1;
    EXPECT_EQ(find(p).suspect, Suspect::p);
    q.q()[7] ^= 1;
    EXPECT_EQ(find(q).suspect, Suspect::q);
    all.p()[7] ^= 1;
    all.q()[7] ^= 2;
    EXPECT_EQ(find(all).suspect, Suspect::several);
}

}  // namespace
}  // namespace raid56::parity
