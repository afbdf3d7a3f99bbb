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

void SectorChoices::add(const uint8_t* content, size_t length) {
    if (content == nullptr) {
        by_set.push_back(kNoContent);
        return;
    }
    const auto known = std::find_if(contents.begin(), contents.end(),
                                    [&](const uint8_t* c) { return std::memcmp(c, content, length) == 0; });
    by_set.push_back(static_cast<uint16_t>(known - contents.begin()));
    if (known == contents.end()) contents.push_back(content);
}

// Hypotheses: 0 nothing is wrong here; 1 x alone (and Q); 2 x and P; 3 + y: x and data column y.
SectorChoices candidates(const Row& row, parity::Engine& engine, Arena& arena, unsigned x) {
    SectorChoices choices;
    choices.add(row.erased[x] ? nullptr : row.columns[x], row.length);
    if (row.np == 0) return choices;
    if (row.np == 1) {
        ColumnSet others = row.erased;
        others.reset(x);
        choices.add(others.any() ? nullptr : recover(row, engine, arena, x, parity::kNoColumn), row.length);
        return choices;
    }
    const auto add = [&](unsigned with) {
        ColumnSet others = row.erased;
        others.reset(x);
        others.reset(with);
        choices.add(others.any() ? nullptr : recover(row, engine, arena, x, with), row.length);
    };
    add(row.q());
    add(row.p());
    for (unsigned y = 0; y < row.nd; y++) {
        if (y != x && !row.proven[y])
            add(y);
        else
            choices.add(nullptr, row.length);
    }
    return choices;
}

}  // namespace raid56::stripe
