// SPDX-License-Identifier: GPL-2.0-or-later
// How every figure is taken: one round to warm up, then rounds until enough time has passed.
#pragma once

#include <cstddef>
#include <vector>

namespace raid56::bench {

/// Seconds by a steady clock, from any start.
using Clock = double (*)();

inline constexpr double kLeastSeconds = 0.005;  // of the rounds of one figure
inline constexpr double kMostSeconds = 0.05;    // a round that would take longer is left out

/// A rate at one size: of a batch of jobs or blocks.
struct Rate {
    size_t count = 0;
    double bytes_per_second = 0;
};

/// Bytes a second of `round`, which handles `bytes`.
template <class Round>
double measure(Clock clock, size_t bytes, Round&& round) {
    round();
    size_t rounds = 0;
    double elapsed = 0;
    const double start = clock();
    do {
        round();
        rounds++;
        elapsed = clock() - start;
    } while (elapsed < kLeastSeconds);
    return static_cast<double>(rounds * bytes) / elapsed;
}

/// Whether a round over `bytes` is short enough, as far as the sizes before it tell.
inline bool is_affordable(const std::vector<Rate>& before, size_t bytes) {
    return before.empty() || static_cast<double>(bytes) < kMostSeconds * before.back().bytes_per_second;
}

/// The smallest size that gives at least 0.9 of the best size's rate; 0 where nothing was measured.
size_t pays_from(const std::vector<Rate>& rates);

}  // namespace raid56::bench
