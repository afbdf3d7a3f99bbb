// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/parity_bench.h"

#include <algorithm>

namespace raid56::bench {
namespace {

constexpr size_t kCacheBytes = 512 << 10;
constexpr size_t kMostWritten = 32 << 20;

// Columns that a job of this kind writes: indices in the row.
std::vector<unsigned> written(Work work, unsigned nd, unsigned np) {
    const unsigned last = nd - 1, p = nd, q = nd + 1;
    switch (work) {
        case Work::generate: return np > 1 ? std::vector{p, q} : std::vector{p};
        case Work::verify: return {};
        case Work::recover_d: return {0};
        case Work::recover_dd: return {0, last};
        case Work::recover_dp: return {0, p};
        case Work::recover_dq: return {0, q};
    }
    return {};
}

parity::Op op_of(Work work) {
    switch (work) {
        case Work::generate: return parity::Op::generate;
        case Work::verify: return parity::Op::verify;
        case Work::recover_d:
        case Work::recover_dd:
        case Work::recover_dp:
        case Work::recover_dq: return parity::Op::recover;
    }
    return parity::Op::verify;
}

}  // namespace

const char* work_name(Work work) {
    switch (work) {
        case Work::generate: return "generate";
        case Work::verify: return "verify";
        case Work::recover_d: return "recover-D";
        case Work::recover_dd: return "recover-DD";
        case Work::recover_dp: return "recover-DP";
        case Work::recover_dq: return "recover-DQ";
    }
    return "?";
}

std::span<const Work> works(unsigned np) {
    static constexpr std::array kAll = {Work::generate,   Work::verify,     Work::recover_d,
                                        Work::recover_dd, Work::recover_dp, Work::recover_dq};
    return std::span(kAll).first(np > 1 ? kAll.size() : 3);
}

ParityFigure measure_parity(parity::Engine& engine, Work work, unsigned nd, unsigned np, size_t length, Clock clock) {
    const size_t columns = nd + np;
    const auto own = written(work, nd, np);
    const size_t rows = std::clamp<size_t>(kCacheBytes / (columns * length), 1, kBatches.back());
    const size_t most = own.empty() ? kBatches.back() : std::min(kBatches.back(), kMostWritten / (own.size() * length));

    // Zeroed memory is a consistent row: every comparison goes to the end.
    const auto shared = engine.allocate(rows * columns * length);
    const auto outputs = own.empty() ? nullptr : engine.allocate(most * own.size() * length);
    std::vector<uint8_t*> pointers(most * columns);
    std::vector<parity::Job> jobs(most);
    for (size_t i = 0; i < most; i++) {
        uint8_t** row = &pointers[i * columns];
        for (size_t c = 0; c < columns; c++) row[c] = shared->bytes().data() + (i % rows * columns + c) * length;
        for (size_t k = 0; k < own.size(); k++) row[own[k]] = outputs->bytes().data() + (i * own.size() + k) * length;
        jobs[i].op = op_of(work);
        jobs[i].has_q = np > 1;
        jobs[i].columns = {row, columns};
        jobs[i].length = length;
        if (jobs[i].op == parity::Op::recover)
            for (size_t k = 0; k < own.size(); k++) jobs[i].erased[k] = static_cast<uint8_t>(own[k]);
    }

    ParityFigure figure{work, nd, np, length, false, {}};
    engine.submit({jobs.data(), 1});
    engine.wait({jobs.data(), 1});
    figure.refused = jobs[0].outcome == parity::Outcome::refused;
    if (figure.refused) return figure;
    for (const size_t count : kBatches) {
        const size_t bytes = count * columns * length;
        if (count > most || !is_affordable(figure.rates, bytes)) break;
        figure.rates.push_back({count, measure(clock, bytes, [&] { parity::run(engine, {jobs.data(), count}); })});
    }
    return figure;
}

}  // namespace raid56::bench
