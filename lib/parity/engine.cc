// SPDX-License-Identifier: GPL-2.0-or-later
#include "parity/engine.h"

#include <algorithm>

namespace raid56::parity {

// An old `done` must not pass for a new one.
void start(Engine& engine, Batch batch) {
    for (Job& job : batch) {
        job.outcome = Outcome::pending;
        job.p_differs = job.q_differs = false;
    }
    engine.submit(batch);
}

// Every job is looked at: what is not done is done again in software.
size_t finish(Engine& engine, Batch batch) {
    engine.wait(batch);
    size_t in_software = 0;
    for (size_t i = 0; i < batch.size(); i++) {
        Job& job = batch[i];
        if (job.outcome == Outcome::done) continue;
        job.p_differs = job.q_differs = false;
        scalar_engine().submit(batch.subspan(i, 1));
        scalar_engine().wait(batch.subspan(i, 1));
        if (job.outcome == Outcome::done) in_software++;
    }
    return in_software;
}

size_t run(Engine& engine, Batch batch) {
    start(engine, batch);
    return finish(engine, batch);
}

std::span<Engine* const> engines() {
    static const std::array<Engine*, 2> all = {&scalar_engine(), &isal_engine()};
    return all;
}

Engine* find_engine(std::string_view name) {
    auto found = std::ranges::find_if(engines(), [&](Engine* engine) { return engine->name() == name; });
    return found == engines().end() ? nullptr : *found;
}

}  // namespace raid56::parity
