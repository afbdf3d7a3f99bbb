// SPDX-License-Identifier: GPL-2.0-or-later
#include "stripe/row.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace raid56::stripe {

void Arena::Free::operator()(uint8_t* memory) const { std::free(memory); }

uint8_t* Arena::sector() {
    const size_t block = used_ / kSectorsPerBlock;
    if (block == blocks_.size()) {
        void* memory = std::aligned_alloc(4096, sector_ * kSectorsPerBlock);
        if (memory == nullptr) throw std::bad_alloc();
        blocks_.emplace_back(static_cast<uint8_t*>(memory));
    }
    return blocks_[block].get() + used_++ % kSectorsPerBlock * sector_;
}

uint8_t* recover(const Row& row, parity::Engine& engine, Arena& arena, unsigned a, unsigned b, uint8_t** other) {
    std::vector<uint8_t*> columns(row.columns.begin(), row.columns.end());
    columns[a] = arena.sector();
    if (b != parity::kNoColumn) columns[b] = arena.sector();
    parity::Job job;
    job.op = parity::Op::recover;
    job.has_q = row.np > 1;
    job.columns = columns;
    job.length = row.length;
    job.erased = {static_cast<uint8_t>(std::min(a, b)), parity::kNoColumn};
    if (b != parity::kNoColumn) job.erased[1] = static_cast<uint8_t>(std::max(a, b));
    parity::run(engine, {&job, 1});
    if (other != nullptr && b != parity::kNoColumn) *other = columns[b];
    return columns[a];
}

std::vector<const uint8_t*> candidates(const Row& row, parity::Engine& engine, Arena& arena, unsigned x) {
    std::vector<const uint8_t*> found;
    if (!row.erased[x]) found.push_back(row.columns[x]);
    if (row.np == 0) return found;

    const auto add = [&](unsigned with) {
        uint8_t* made = recover(row, engine, arena, x, with);
        const bool known = std::any_of(found.begin(), found.end(),
                                       [&](const uint8_t* f) { return std::memcmp(f, made, row.length) == 0; });
        if (!known) found.push_back(made);
    };
    ColumnSet gone = row.erased;
    gone.reset(x);
    if (gone.count() + 1 > row.np) return found;
    if (row.np == 1) {
        add(parity::kNoColumn);
        return found;
    }
    if (gone.any()) {
        add(static_cast<unsigned>(gone._Find_first()));
        return found;
    }
    add(row.q());
    add(row.p());
    for (unsigned y = 0; y < row.nd; y++)
        if (y != x && !row.proven[y]) add(y);
    return found;
}

}  // namespace raid56::stripe
