// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Drop the contents that the oracle calls impossible; a sector left with none ends the search.
// 2. Try the hypotheses that are the same for every sector.
// 3. Run through the combinations like an odometer, the first sector slowest, where they are few enough.
// 4. Stop at the second accepted content, or at the first where there can be no second.
#include "stripe/search.h"

#include <algorithm>
#include <cstring>

namespace raid56::stripe {
namespace {

/// Combinations that are still looked at for a second content once one has been found.
constexpr uint64_t kSecondLookLimit = uint64_t{1} << 12;

class Search {
  public:
    Search(const std::vector<SectorChoices>& choices, size_t sector, const Oracle& oracle)
        : choices_(choices), sector_(sector), oracle_(oracle), block_(choices.size() * sector) {}

    SearchResult run(uint64_t limit) {
        if (!drop_impossible()) return {Verdict::none, {}};
        if (try_uniform()) return std::move(result_);
        const uint64_t affordable = limit / block_.size();
        const uint64_t most = result_.verdict == Verdict::one ? std::min(affordable, kSecondLookLimit) : affordable;
        if (combinations() > most)
            return result_.verdict == Verdict::one ? std::move(result_) : SearchResult{Verdict::limit, {}};
        try_all();
        return std::move(result_);
    }

  private:
    bool drop_impossible() {
        for (size_t i = 0; i < choices_.size(); i++) {
            auto& left = left_.emplace_back();
            for (const uint8_t* content : choices_[i].contents)
                if (oracle_.plausible(i, ByteView(content, sector_))) left.push_back(content);
            if (left.empty()) return false;
        }
        return true;
    }

    void place(size_t i, const uint8_t* content) { std::memcpy(block_.data() + i * sector_, content, sector_); }

    // True when the search is over.
    bool try_block() {
        if (!oracle_.proven(block_)) return false;
        if (result_.verdict != Verdict::one) {
            result_ = {Verdict::one, block_};
            return oracle_.collision_free();
        }
        if (result_.block == block_ || oracle_.equivalent(result_.block, block_)) return false;
        result_ = {Verdict::ambiguous, {}};
        return true;
    }

    bool try_uniform() {
        size_t sets = 0;
        for (const auto& sector : choices_) sets = std::max(sets, sector.by_set.size());
        for (size_t s = 0; s < sets; s++)
            if (place_uniform(s) && try_block()) return true;
        return false;
    }

    // A sector that can only have been one thing is that under every hypothesis.
    bool place_uniform(size_t s) {
        for (size_t i = 0; i < choices_.size(); i++) {
            const auto& sector = choices_[i];
            const bool given = s < sector.by_set.size() && sector.by_set[s] != SectorChoices::kNoContent;
            if (!given && left_[i].size() != 1) return false;
            const uint8_t* content = given ? sector.contents[sector.by_set[s]] : left_[i].front();
            if (std::find(left_[i].begin(), left_[i].end(), content) == left_[i].end()) return false;
            place(i, content);
        }
        return true;
    }

    uint64_t combinations() const {
        uint64_t product = 1;
        for (const auto& left : left_)
            if (__builtin_mul_overflow(product, left.size(), &product)) return UINT64_MAX;
        return product;
    }

    void try_all() {
        std::vector<size_t> at(left_.size(), 0);
        for (size_t i = 0; i < at.size(); i++) place(i, left_[i][0]);
        while (!try_block() && !oracle_.give_up()) {
            size_t i = at.size();
            while (i > 0 && at[i - 1] + 1 == left_[i - 1].size()) {
                i--;
                at[i] = 0;
                place(i, left_[i][0]);
            }
            if (i == 0) return;  // every combination was tried
            at[i - 1]++;
            place(i - 1, left_[i - 1][at[i - 1]]);
        }
    }

    const std::vector<SectorChoices>& choices_;
    size_t sector_;
    const Oracle& oracle_;
    std::vector<std::vector<const uint8_t*>> left_;  // contents that are possible, by sector
    std::vector<uint8_t> block_;
    SearchResult result_;
};

}  // namespace

SearchResult search(const std::vector<SectorChoices>& choices, size_t sector, const Oracle& oracle, uint64_t limit) {
    return Search(choices, sector, oracle).run(limit);
}

}  // namespace raid56::stripe
