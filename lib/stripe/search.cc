// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Drop the contents that the oracle calls impossible; a sector left with none ends the search.
// 2. Run through the combinations like an odometer, the first sector slowest, up to the limit.
// 3. Stop at the second accepted content, or at the first where there can be no second.
#include "stripe/search.h"

#include <cstring>

namespace raid56::stripe {

SearchResult search(const std::vector<std::vector<const uint8_t*>>& choices, size_t sector, const Oracle& oracle,
                    uint64_t limit) {
    std::vector<std::vector<const uint8_t*>> left(choices.size());
    for (size_t i = 0; i < choices.size(); i++) {
        for (const uint8_t* choice : choices[i])
            if (oracle.plausible(i, ByteView(choice, sector))) left[i].push_back(choice);
        if (left[i].empty()) return {Verdict::none, {}};
    }

    SearchResult result;
    std::vector<size_t> at(choices.size(), 0);
    std::vector<uint8_t> block(choices.size() * sector);
    const auto place = [&](size_t i) { std::memcpy(block.data() + i * sector, left[i][at[i]], sector); };
    for (size_t i = 0; i < at.size(); i++) place(i);
    for (uint64_t tried = 0; tried < limit; tried++) {
        if (oracle.proven(block)) {
            if (result.verdict != Verdict::one)
                result = {Verdict::one, block};
            else if (!oracle.equivalent(result.block, block))
                return {Verdict::ambiguous, {}};
            if (oracle.collision_free()) return result;
        }
        size_t i = at.size();
        while (i > 0 && at[i - 1] + 1 == left[i - 1].size()) {
            at[i - 1] = 0;
            place(i - 1);
            i--;
        }
        if (i == 0) return result;  // every combination was tried
        at[i - 1]++;
        place(i - 1);
    }
    return {Verdict::limit, {}};
}

}  // namespace raid56::stripe
