// SPDX-License-Identifier: GPL-2.0-or-later
// A block whose rows need different erasure choices: within the tolerance of raid6, and out of reach
// of anybody who applies one choice to all rows.
#include <gtest/gtest.h>

#include <cstring>

#include "parity/row.h"
#include "stripe/search.h"

namespace raid56::stripe {
namespace {

using Truth = parity::test::Row;
constexpr size_t kLength = 64, kArenaSector = 4096;  // rows are shorter here than sectors on disk

/// Accepts one block.
class TruthOracle : public Oracle {
  public:
    explicit TruthOracle(std::vector<uint8_t> truth) : truth_(std::move(truth)) {}
    bool plausible(size_t, ByteView) const override { return true; }
    bool proven(ByteView block) const override {
        return std::equal(block.begin(), block.end(), truth_.begin(), truth_.end());
    }
    bool equivalent(ByteView, ByteView) const override { return false; }
    bool collision_free() const override { return false; }

  private:
    std::vector<uint8_t> truth_;
};

struct Block {
    std::vector<Truth> rows;
    std::vector<uint8_t> truth;  // column 0 of all rows
    Arena arena{kArenaSector};

    explicit Block(unsigned count) {
        for (unsigned r = 0; r < count; r++) {
            rows.emplace_back(3, true, kLength, r + 1);
            truth.insert(truth.end(), rows[r][0].data(), rows[r][0].data() + kLength);
        }
    }
    void hurt(unsigned row, std::vector<unsigned> columns) {
        for (const unsigned c : columns)
            for (size_t k = 0; k < kLength; k++) rows[row][c][k] ^= static_cast<uint8_t>(17 * (c + 1) + k);
    }
    std::vector<SectorChoices> choices() {
        std::vector<SectorChoices> all;
        for (auto& truth_row : rows) {
            const auto pointers = truth_row.pointers();
            Row row;
            row.nd = 3;
            row.np = 2;
            row.columns = pointers;
            row.length = kLength;
            all.push_back(candidates(row, parity::scalar_engine(), arena, 0));
        }
        return all;
    }
};

/// Whether one hypothesis, the same for all rows, gives the block.
bool uniform_finds(const std::vector<SectorChoices>& choices, const Oracle& oracle) {
    for (size_t s = 0; s < choices[0].by_set.size(); s++) {
        std::vector<uint8_t> block;
        for (const auto& sector : choices) {
            if (sector.by_set[s] == SectorChoices::kNoContent) break;
            const uint8_t* content = sector.contents[sector.by_set[s]];
            block.insert(block.end(), content, content + kLength);
        }
        if (block.size() == choices.size() * kLength && oracle.proven(block)) return true;
    }
    return false;
}

TEST(RowsApart, DataAndPInOneRowDataAndQInTheNext) {
    Block block(4);
    block.hurt(0, {0, 3});
    block.hurt(1, {0, 4});
    const TruthOracle oracle(block.truth);
    const auto choices = block.choices();
    EXPECT_FALSE(uniform_finds(choices, oracle)) << "the test proves nothing";
    const auto result = search(choices, kLength, oracle);
    EXPECT_EQ(result.verdict, Verdict::one);
    EXPECT_EQ(result.block, block.truth);
}

TEST(RowsApart, EveryPairOfHurtColumnsInEveryRow) {
    // All damages that raid6 bears, in each combination over three rows.
    const std::vector<std::vector<unsigned>> damages = {{},     {0},    {0, 1}, {0, 2}, {0, 3},
                                                        {0, 4}, {1, 2}, {1, 4}, {3, 4}};
    for (const auto& a : damages)
        for (const auto& b : damages)
            for (const auto& c : damages) {
                Block block(3);
                block.hurt(0, a);
                block.hurt(1, b);
                block.hurt(2, c);
                const auto result = search(block.choices(), kLength, TruthOracle(block.truth));
                ASSERT_EQ(result.verdict, Verdict::one);
                ASSERT_EQ(result.block, block.truth);
            }
}

TEST(RowsApart, BeyondTheToleranceOfOneRowTheWholeBlockIsLost) {
    Block block(4);
    block.hurt(2, {0, 1, 3});
    EXPECT_EQ(search(block.choices(), kLength, TruthOracle(block.truth)).verdict, Verdict::none);
}

}  // namespace
}  // namespace raid56::stripe
