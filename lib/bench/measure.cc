// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/measure.h"

#include <algorithm>

namespace raid56::bench {

size_t pays_from(const std::vector<Rate>& rates) {
    double best = 0;
    for (const auto& rate : rates) best = std::max(best, rate.bytes_per_second);
    for (const auto& rate : rates)
        if (rate.bytes_per_second >= 0.9 * best) return rate.count;
    return 0;
}

}  // namespace raid56::bench
