// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/choose_engine.h"

#include <algorithm>

#include "base/printable.h"
#include "checksum/checksum.h"
#include "session/check_digests.h"

namespace raid56::session {
namespace {

Result<void> check(parity::Engine& engine) {
    if (auto fine = parity::check_engine(engine); !fine) return fine;
    return check_digests(engine);
}

}  // namespace

Result<std::vector<parity::Engine*>> usable_engines(const Options& options, const World& world) {
    if (auto fine = checksum::self_test(); !fine) return fine.error();
    std::vector<parity::Engine*> usable;
    if (options.engine != "auto") {
        const auto named = std::ranges::find(world.engines, options.engine, &parity::Engine::name);
        if (named == world.engines.end()) return Error{"there is no parity engine named " + printable(options.engine)};
        if (auto fine = check(**named); !fine) return fine.error();
        usable.push_back(*named);
        return usable;
    }
    for (parity::Engine* engine : world.engines) {
        // What the others are held against needs no check of its own.
        const auto fine = engine == &parity::scalar_engine() ? Result<void>{} : check(*engine);
        if (fine)
            usable.push_back(engine);
        else
            world.err << fine.error().message << "; it is not used\n";
    }
    if (usable.empty()) usable.push_back(&parity::scalar_engine());
    return usable;
}

parity::Engine* fastest_engine(const std::vector<parity::Engine*>& engines, const World& world) {
    if (engines.size() == 1) return engines.front();
    parity::Engine* best = engines.front();
    double rate = 0;
    for (parity::Engine* engine : engines) {
        const double measured = parity::measure_engine(*engine, 4, true, world.clock);
        if (measured > rate) {
            rate = measured;
            best = engine;
        }
    }
    return best;
}

Result<parity::Engine*> choose_engine(const Options& options, const World& world) {
    const auto usable = usable_engines(options, world);
    if (!usable) return usable.error();
    return fastest_engine(*usable, world);
}

}  // namespace raid56::session
