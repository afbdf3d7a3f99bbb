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

Recovered recover(const Row& row, parity::Engine& engine, Arena& arena, unsigned a, unsigned b) {
    std::vector<uint8_t*> columns(row.columns.begin(), row.columns.end());
    Recovered made;
    made.a = columns[a] = arena.sector();
    if (b != parity::kNoColumn) made.b = columns[b] = arena.sector();
    parity::Job job;
    job.op = parity::Op::recover;
    job.has_q = row.np > 1;
    job.columns = columns;
    job.length = row.length;
    job.erased = {static_cast<uint8_t>(std::min(a, b)), parity::kNoColumn};
    if (b != parity::kNoColumn) job.erased[1] = static_cast<uint8_t>(std::max(a, b));
    parity::run(engine, {&job, 1});
    return made;
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
    const auto possible = [&](unsigned with) {
        ColumnSet others = row.erased;
        others.reset(x);
        if (with != parity::kNoColumn) others.reset(with);
        return others.none();
    };
    const auto add = [&](unsigned with) {
        choices.add(possible(with) ? recover(row, engine, arena, x, with).a : nullptr, row.length);
    };
    if (row.np == 1) {
        add(parity::kNoColumn);
        return choices;
    }
    add(row.q());
    add(row.p());
    // Where P and Q give the same, x alone explains both syndromes, and so does x with any other column.
    const uint16_t by_p = choices.by_set[1], by_q = choices.by_set[2];
    if (by_p == by_q && by_p != SectorChoices::kNoContent) {
        choices.by_set.insert(choices.by_set.end(), row.nd, by_p);
        return choices;
    }
    for (unsigned y = 0; y < row.nd; y++) {
        if (y != x && !row.proven[y])
            add(y);
        else
            choices.add(nullptr, row.length);
    }
    return choices;
}

}  // namespace raid56::stripe
