// SPDX-License-Identifier: GPL-2.0-or-later
#include <vector>

#include "base/units.h"
#include "parity/engine.h"
#include "parity/shape.h"

namespace raid56::parity {

// One full stripe, cut into rows of 4 KiB: what a scrub has in cache when it verifies.
double measure_engine(Engine& engine, unsigned nd, bool has_q, Clock now) {
    constexpr size_t kRow = 4096;
    constexpr size_t kRows = kStripLen / kRow;
    constexpr double kLeastSeconds = 0.002;

    const size_t columns = nd + (has_q ? 2u : 1u);
    if (nd == 0 || columns > kMaxColumns) return 0;
    // Zeroed memory is a consistent row: every comparison goes to the end.
    const std::unique_ptr<Buffer> buffer = engine.allocate(columns * kStripLen);
    std::vector<uint8_t*> pointers;
    for (size_t row = 0; row < kRows; row++) {
        for (size_t c = 0; c < columns; c++) pointers.push_back(buffer->bytes().data() + c * kStripLen + row * kRow);
    }
    std::vector<Job> jobs(kRows);
    for (size_t row = 0; row < kRows; row++) {
        jobs[row] = {.op = Op::verify, .has_q = has_q, .columns = {&pointers[row * columns], columns}, .length = kRow};
    }

    run(engine, jobs);  // caches, dispatchers, first use of tables
    size_t rounds = 0;
    double elapsed = 0;
    const double start = now();
    do {
        run(engine, jobs);
        rounds++;
        elapsed = now() - start;
    } while (elapsed < kLeastSeconds);
    return static_cast<double>(rounds * columns * kStripLen) / elapsed;
}

}  // namespace raid56::parity
