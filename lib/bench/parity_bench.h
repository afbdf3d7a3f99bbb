// SPDX-License-Identifier: GPL-2.0-or-later
// Rates of the parity engines: each kind of job, each shape, by the number of jobs in a batch.
//
// Columns that are read lie in cache and are shared by the jobs of a batch; columns that are written are
// each job's own, so that large batches of them do not.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "bench/measure.h"
#include "parity/engine.h"

namespace raid56::bench {

/// A kind of job; `lost` names the columns that it makes anew.
enum class Work : uint8_t { generate, verify, recover_d, recover_dd, recover_dp, recover_dq };

const char* work_name(Work work);
/// Those that a row with one or two parities knows.
std::span<const Work> works(unsigned np);

struct ParityFigure {
    Work work = Work::verify;
    unsigned nd = 0, np = 0;
    size_t length = 0;        // bytes of each column
    bool refused = false;     // the engine does not take such jobs: no rates
    std::vector<Rate> rates;  // by jobs in a batch; bytes of all columns, read and written
};

inline constexpr std::array<size_t, 7> kBatches = {1, 4, 16, 64, 256, 1024, 4096};

/// Batches whose written columns would take more than 32 MiB, or more than kMostSeconds, are left out.
ParityFigure measure_parity(parity::Engine& engine, Work work, unsigned nd, unsigned np, size_t length, Clock clock);

}  // namespace raid56::bench
