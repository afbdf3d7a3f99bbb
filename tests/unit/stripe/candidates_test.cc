// SPDX-License-Identifier: GPL-2.0-or-later
// What a sector may have been: against every erasure set that the parities allow, solved byte by byte
// by trying all 256 values.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>

#include "parity/row.h"
#include "stripe/row.h"

namespace raid56::stripe {
namespace {

using Content = std::vector<uint8_t>;
using Truth = parity::test::Row;
constexpr size_t kLength = 16, kArenaSector = 4096;  // rows are shorter here than sectors on disk

struct Shape {
    unsigned nd, np;
};
const Shape kShapes[] = {{1, 1}, {2, 1}, {3, 1}, {4, 1}, {1, 2}, {2, 2}, {3, 2}, {4, 2}};

Content content(const uint8_t* bytes) { return {bytes, bytes + kLength}; }

std::set<Content> as_set(const SectorChoices& choices) {
    std::set<Content> all;
    for (const uint8_t* one : choices.contents)
        EXPECT_TRUE(all.insert(content(one)).second) << "the same content twice";
    return all;
}

Row view_of(const Truth& truth, std::vector<uint8_t*>& pointers, unsigned erased, unsigned proven = 0) {
    pointers = truth.pointers();
    Row row;
    row.nd = truth.nd();
    row.np = truth.has_q() ? 2 : 1;
    row.columns = pointers;
    row.length = kLength;
    row.erased = ColumnSet(erased);
    row.proven = ColumnSet(proven);
    return row;
}

uint8_t power_of_2(unsigned n) {
    unsigned value = 1;
    for (unsigned i = 0; i < n; i++) value = parity::test::multiply_slowly(value, 2);
    return static_cast<uint8_t>(value);
}

/// Column x with the columns of `set` unknown: every combination of values for which the parities that
/// are known hold. Exactly one, where the set is no larger than the number of parities.
Content solve(const Truth& truth, unsigned x, unsigned set) {
    const unsigned nd = truth.nd();
    const auto unknown = [&](unsigned c) { return (set >> c & 1) != 0; };
    Truth copy = truth;
    Content out(kLength);
    for (size_t k = 0; k < kLength; k++) {
        std::vector<unsigned> data;
        for (unsigned c = 0; c < nd; c++)
            if (unknown(c)) data.push_back(c);
        unsigned solutions = 0;
        const unsigned most = data.size() == 2 ? 65536 : 256;
        for (unsigned guess = 0; guess < most; guess++) {
            unsigned p = 0, q = 0;
            for (unsigned c = 0; c < nd; c++) {
                unsigned value = copy[c][k];
                if (c == data[0]) value = guess & 0xff;
                if (data.size() == 2 && c == data[1]) value = guess >> 8;
                p ^= value;
                q ^= parity::test::multiply_slowly(power_of_2(c), value);
            }
            const bool p_holds = unknown(nd) || p == copy[nd][k];
            const bool q_holds = !truth.has_q() || unknown(nd + 1) || q == copy[nd + 1][k];
            if (!p_holds || !q_holds) continue;
            solutions++;
            out[k] = static_cast<uint8_t>(x == data[0] ? guess & 0xff : guess >> 8);
        }
        EXPECT_EQ(solutions, 1u);
    }
    return out;
}

/// By the definition: as it stands, and rebuilt under each erasure set with as many columns as there
/// are parities, which holds x and everything erased, and nothing proven.
std::set<Content> expected(const Truth& truth, unsigned x, unsigned erased, unsigned proven) {
    const unsigned np = truth.has_q() ? 2 : 1;
    std::set<Content> all;
    if ((erased >> x & 1) == 0) all.insert(content(truth.views()[x]));
    for (unsigned set = 0; set < 1u << truth.count(); set++) {
        const bool fits = (set >> x & 1) != 0 && (set & erased) == erased && (set & proven & ~(1u << x)) == 0;
        if (fits && static_cast<unsigned>(std::popcount(set)) == np) all.insert(solve(truth, x, set));
    }
    return all;
}

TEST(Candidates, HoldTheTruthUnderEveryErasurePattern) {
    for (const auto [nd, np] : kShapes) {
        const Truth truth(nd, np > 1, kLength, nd * 10 + np);
        for (unsigned erased = 0; erased < 1u << truth.count(); erased++) {
            if (static_cast<unsigned>(std::popcount(erased)) > np) continue;
            Truth found = truth;
            for (unsigned c = 0; c < truth.count(); c++)
                if ((erased >> c & 1) != 0) found[c].fill(0xee);
            for (unsigned x = 0; x < nd; x++) {
                std::vector<uint8_t*> pointers;
                Arena arena(kArenaSector);
                const auto all =
                    as_set(candidates(view_of(found, pointers, erased), parity::scalar_engine(), arena, x));
                EXPECT_EQ(all, std::set{content(truth.views()[x])}) << nd << "+" << np << " column " << x << " erased "
                                                                    << erased << ": a row that agrees has one content";
            }
        }
    }
}

TEST(Candidates, AreExactlyTheErasureSetsOfARowThatAgreesInNothing) {
    for (const auto [nd, np] : kShapes) {
        Truth row(nd, np > 1, kLength, nd * 10 + np);
        // Every column changed on its own: no two of them fit together.
        for (unsigned c = 0; c < row.count(); c++)
            for (size_t k = 0; k < kLength; k++) row[c][k] ^= static_cast<uint8_t>(k * (c + 3) + c + 1);
        for (unsigned erased = 0; erased < 1u << row.count(); erased++) {
            if (static_cast<unsigned>(std::popcount(erased)) > np) continue;
            for (unsigned x = 0; x < nd; x++) {
                std::vector<uint8_t*> pointers;
                Arena arena(kArenaSector);
                const auto all = as_set(candidates(view_of(row, pointers, erased), parity::scalar_engine(), arena, x));
                EXPECT_EQ(all, expected(row, x, erased, 0))
                    << nd << "+" << np << " column " << x << " erased " << erased;
            }
        }
    }
}

TEST(Candidates, LeaveOutSetsThatEraseAProvenColumn) {
    for (const auto [nd, np] : kShapes) {
        Truth row(nd, np > 1, kLength, nd * 10 + np);
        for (unsigned c = 0; c < row.count(); c++) row[c][c] ^= 0x5a;
        for (unsigned proven = 0; proven < 1u << nd; proven++)
            for (unsigned x = 0; x < nd; x++) {
                if ((proven >> x & 1) != 0) continue;
                std::vector<uint8_t*> pointers;
                Arena arena(kArenaSector);
                const auto all =
                    as_set(candidates(view_of(row, pointers, 0, proven), parity::scalar_engine(), arena, x));
                EXPECT_EQ(all, expected(row, x, 0, proven))
                    << nd << "+" << np << " column " << x << " proven " << proven;
            }
    }
}

TEST(Candidates, WhereMoreIsErasedThanTheParitiesBearOnlyWhatIsThereIsLeft) {
    for (const auto [nd, np] : kShapes) {
        const Truth truth(nd, np > 1, kLength);
        for (unsigned erased = 0; erased < 1u << truth.count(); erased++)
            for (unsigned x = 0; x < nd; x++) {
                const unsigned others = static_cast<unsigned>(std::popcount(erased & ~(1u << x)));
                if (others + 1 <= np) continue;
                std::vector<uint8_t*> pointers;
                Arena arena(kArenaSector);
                const auto choices = candidates(view_of(truth, pointers, erased), parity::scalar_engine(), arena, x);
                EXPECT_EQ(choices.contents.size(), (erased >> x & 1) != 0 ? 0u : 1u);
            }
    }
}

TEST(Candidates, WhatStandsThereComesFirst) {
    Truth row(4, true, kLength);
    row[2][5] ^= 1;
    std::vector<uint8_t*> pointers;
    Arena arena(kArenaSector);
    const auto choices = candidates(view_of(row, pointers, 0), parity::scalar_engine(), arena, 2);
    ASSERT_EQ(choices.contents.size(), 2u) << "as it stands, and what everything else says";
    EXPECT_EQ(choices.contents[0], row[2].data());
}

TEST(Candidates, ARowWithoutParityIsWhatItIs) {
    const Truth truth(3, false, kLength);
    std::vector<uint8_t*> pointers;
    Row row = view_of(truth, pointers, 0);
    row.np = 0;
    Arena arena(kArenaSector);
    EXPECT_EQ(candidates(row, parity::scalar_engine(), arena, 1).contents.size(), 1u);
    row.erased.set(1);
    EXPECT_TRUE(candidates(row, parity::scalar_engine(), arena, 1).contents.empty());
}

TEST(Candidates, HypothesesHaveTheSameNumbersInEveryRow) {
    // Two rows of which different columns are hurt: the third hypothesis of both erases x and P.
    for (unsigned hurt : {0u, 1u, 3u}) {
        Truth truth(3, true, kLength), row = truth;
        row[0].fill(0xaa);
        row[hurt].fill(0xbb);
        std::vector<uint8_t*> pointers;
        Arena arena(kArenaSector);
        const auto choices = candidates(view_of(row, pointers, 0), parity::scalar_engine(), arena, 0);
        ASSERT_EQ(choices.by_set.size(), 3u + 3u);
        const auto by_p_erased = choices.by_set[2];
        ASSERT_NE(by_p_erased, SectorChoices::kNoContent);
        EXPECT_EQ(content(choices.contents[by_p_erased]) == content(truth.views()[0]), hurt == 0 || hurt == 3);
    }
}

TEST(Recover, NeverWritesToTheRow) {
    Truth truth(4, true, kLength), before = truth;
    std::vector<uint8_t*> pointers;
    Arena arena(kArenaSector);
    for (unsigned a = 0; a < 6; a++)
        for (unsigned b = a + 1; b < 6; b++) {
            const auto made = recover(view_of(truth, pointers, 0), parity::scalar_engine(), arena, a, b);
            EXPECT_EQ(content(made.a), content(before.views()[a])) << a << ' ' << b;
            EXPECT_EQ(content(made.b), content(before.views()[b])) << a << ' ' << b;
        }
    EXPECT_TRUE(truth == before);
}

}  // namespace
}  // namespace raid56::stripe
