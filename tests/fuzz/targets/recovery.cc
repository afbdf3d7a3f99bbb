// SPDX-License-Identifier: GPL-2.0-or-later
// Rows hurt within and beyond what their parities bear: what the sector was is among its candidates whenever no more
// columns are wrong than there are parities, and the search finds just that.
//
// Input: data columns (1), flags (bit 0: Q; bit 1: no parity), rows (1), the column that is wanted (1); for each row
// erased, corrupt and proven columns (2 bits masks of 16), a seed, and what the corrupt ones hold (bit 0 of the seed:
// zeros).
#include <cstring>

#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "stripe/search.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr size_t kSector = 256;  // the least that an arena takes

class Truth final : public stripe::Oracle {
  public:
    Truth(std::vector<uint8_t> block, bool hints) : block_(std::move(block)), hints_(hints) {}
    bool plausible(size_t index, ByteView sector) const override {
        return !hints_ || index != 0 || std::memcmp(sector.data(), block_.data(), 8) == 0;
    }
    bool proven(ByteView block) const override {
        tried_++;
        return std::memcmp(block.data(), block_.data(), block_.size()) == 0;
    }
    bool equivalent(ByteView, ByteView) const override { return false; }
    bool collision_free() const override { return hints_; }
    uint64_t tried() const { return tried_; }

  private:
    std::vector<uint8_t> block_;
    bool hints_;
    mutable uint64_t tried_ = 0;
};

struct HurtRow {
    std::vector<uint8_t> right, found;
    std::vector<uint8_t*> columns;
    stripe::Row row;
    unsigned wrong = 0;  // columns
};

void make(HurtRow& made, Input& input, unsigned nd, unsigned np) {
    const unsigned columns = nd + np;
    made.right.resize(columns * kSector);
    const uint16_t erased = input.u16(), corrupt = input.u16(), proven = input.u16();
    const uint8_t seed = input.u8();
    uint64_t state = seed;
    for (size_t i = 0; i < nd * kSector; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        // Now and then columns alike, and zeros.
        made.right[i] = (seed & 2) != 0 ? static_cast<uint8_t>(state >> 56) : static_cast<uint8_t>(i % kSector * seed);
    }
    std::vector<uint8_t*> all;
    for (unsigned c = 0; c < columns; c++) all.push_back(made.right.data() + c * kSector);
    if (np > 0) {
        parity::Job job;
        job.op = parity::Op::generate;
        job.has_q = np > 1;
        job.columns = all;
        job.length = kSector;
        parity::run(parity::scalar_engine(), {&job, 1});
    }
    made.found = made.right;
    made.row.nd = nd;
    made.row.np = np;
    made.row.length = kSector;
    for (unsigned c = 0; c < columns; c++) {
        uint8_t* column = made.found.data() + c * kSector;
        made.columns.push_back(column);
        const bool is_erased = (erased >> (c % 16) & 1) != 0, is_corrupt = (corrupt >> (c % 16) & 1) != 0;
        if (is_corrupt || is_erased) {
            if ((seed & 1) != 0)
                std::memset(column, 0, kSector);
            else
                column[seed % kSector] ^= static_cast<uint8_t>(c + 1);
        }
        if (is_erased) made.row.erased.set(c);
        const bool is_wrong = is_erased || std::memcmp(column, all[c], kSector) != 0;
        made.wrong += is_wrong ? 1 : 0;
        if (c < nd && !is_wrong && (proven >> (c % 16) & 1) != 0) made.row.proven.set(c);
    }
    made.row.columns = made.columns;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const unsigned nd = input.u8() % 14 + 1u;
    const uint8_t flags = input.u8();
    const unsigned np = (flags & 2) != 0 ? 0 : (flags & 1) != 0 ? 2 : 1;
    const unsigned count = input.u8() % 4 + 1u;
    const unsigned wanted = input.u8() % nd;

    std::vector<HurtRow> rows(count);
    stripe::Arena arena(kSector);
    std::vector<stripe::SectorChoices> choices;
    std::vector<uint8_t> block;
    bool within = true;
    uint64_t combinations = 1;
    for (auto& hurt : rows) {
        make(hurt, input, nd, np);
        const uint8_t* right = hurt.right.data() + wanted * kSector;
        block.insert(block.end(), right, right + kSector);
        choices.push_back(stripe::candidates(hurt.row, parity::scalar_engine(), arena, wanted));
        const auto& contents = choices.back().contents;
        const bool found = std::any_of(contents.begin(), contents.end(), [&](const uint8_t* content) {
            return std::memcmp(content, right, kSector) == 0;
        });
        if (hurt.wrong <= np) FUZZ_EXPECT(found);
        within = within && found;
        combinations *= contents.size();
        for (const uint16_t set : choices.back().by_set)
            FUZZ_EXPECT(set == stripe::SectorChoices::kNoContent || set < contents.size());
        // Nothing of what was found is written over.
        for (unsigned c = 0; c < nd + np; c++) FUZZ_EXPECT(hurt.columns[c] == hurt.found.data() + c * kSector);
    }
    constexpr uint64_t kTries = 1 << 12;
    const Truth truth(block, (flags & 4) != 0);
    const auto result = stripe::search(choices, kSector, truth, kTries * block.size());
    FUZZ_EXPECT(truth.tried() <= kTries + 64);
    FUZZ_EXPECT(result.verdict != stripe::Verdict::ambiguous);
    if (result.verdict == stripe::Verdict::one) FUZZ_EXPECT(within && result.block == block);
    if (within && combinations <= kTries) FUZZ_EXPECT(result.verdict == stripe::Verdict::one);
    if (!within) FUZZ_EXPECT(result.verdict != stripe::Verdict::one);
    return 0;
}
