// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/choose_engine.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "base/printable.h"
#include "bench/entrance_bench.h"
#include "checksum/checksum.h"
#include "scrub/threads.h"
#include "session/check_digests.h"

namespace raid56::session {
namespace {

constexpr std::string_view kAccelerator = "opencl";

// Drivers take up to a second or two to start, and to compile; that is to be less than a twentieth of the work.
constexpr uint64_t kWorthwhile = uint64_t{256} << 30;  // bytes that are allocated, at some GB/s
constexpr double kFasterBy = 1.05;                     // two measurements of one engine differ by less

Result<void> check(parity::Engine& engine) {
    if (auto fine = parity::check_engine(engine); !fine) return fine;
    return check_digests(engine);
}

EnginePtr lasting(parity::Engine* engine) {
    return {engine, [](parity::Engine*) {}};
}

struct Work {
    unsigned nd = 0, np = 0;  // of the shape of raid5/6 that has most
    uint64_t bytes = 0;       // that are allocated as raid5/6, of any shape
};

Work work_of(const OpenVolume& open) {
    std::map<std::pair<unsigned, unsigned>, uint64_t> shapes;
    Work work;
    for (const auto& chunk : open.volume->chunks()) {
        if (chunk.layout.np == 0) continue;
        shapes[{chunk.layout.nd, chunk.layout.np}] += chunk.chunk.length;
        work.bytes += chunk.chunk.length;
    }
    const auto most = std::ranges::max_element(shapes, std::less<>(), [](const auto& shape) { return shape.second; });
    if (most != shapes.end()) std::tie(work.nd, work.np) = most->first;
    return work;
}

}  // namespace

std::optional<AcceleratorName> accelerator_named(const std::string& engine) {
    if (engine == kAccelerator) return AcceleratorName{};
    if (!engine.starts_with(kAccelerator) || engine[kAccelerator.size()] != ':') return std::nullopt;
    const char* const digits = engine.data() + kAccelerator.size() + 1;
    const char* const end = engine.data() + engine.size();
    size_t place = 0;
    const auto [read, error] = std::from_chars(digits, end, place);
    if (error != std::errc() || read != end) return std::nullopt;
    return AcceleratorName{place};
}

Result<offload::OffloadEngine> open_checked(const World& world, std::optional<size_t> place, bool profile) {
    auto opened = world.accelerators.open(place, profile);
    if (!opened) return opened.error();
    if (auto fine = check(*opened->engine); !fine) return fine.error();
    // What is refused is no error, but an accelerator that does nothing is none.
    if (const std::string trouble = opened->engine->trouble(); !trouble.empty()) return Error{trouble};
    return opened;
}

Result<std::vector<EnginePtr>> usable_engines(const Options& options, const World& world) {
    if (auto fine = checksum::self_test(); !fine) return fine.error();
    std::vector<EnginePtr> usable;
    if (const auto accelerator = accelerator_named(options.engine)) {
        auto opened = open_checked(world, accelerator->place, false);
        if (!opened) return opened.error();
        usable.emplace_back(std::move(opened->engine));
        return usable;
    }
    if (options.engine != "auto") {
        const auto named = std::ranges::find(world.engines, options.engine, &parity::Engine::name);
        if (named == world.engines.end()) return Error{"there is no parity engine named " + printable(options.engine)};
        if (auto fine = check(**named); !fine) return fine.error();
        usable.push_back(lasting(*named));
        return usable;
    }
    for (parity::Engine* engine : world.engines) {
        // What the others are held against needs no check of its own.
        const auto fine = engine == &parity::scalar_engine() ? Result<void>{} : check(*engine);
        if (fine)
            usable.push_back(lasting(engine));
        else
            world.err << fine.error().message << "; it is not used\n";
    }
    if (usable.empty()) usable.push_back(lasting(&parity::scalar_engine()));
    return usable;
}

EnginePtr fastest_engine(const std::vector<EnginePtr>& engines, const World& world) {
    if (engines.size() == 1) return engines.front();
    EnginePtr best = engines.front();
    double rate = 0;
    for (const EnginePtr& engine : engines) {
        const double measured = parity::measure_engine(*engine, 4, true, world.clock);
        if (measured > rate) {
            rate = measured;
            best = engine;
        }
    }
    return best;
}

Result<EnginePtr> choose_engine(const Options& options, const World& world) {
    const auto usable = usable_engines(options, world);
    if (!usable) return usable.error();
    return fastest_engine(*usable, world);
}

EnginePtr engine_for(const Options& options, const World& world, EnginePtr engine, const OpenVolume& open) {
    const Work work = work_of(open);
    if (options.engine != "auto" || work.bytes < kWorthwhile) return engine;
    const auto found = world.accelerators.find();
    if (!found) return engine;
    const unsigned threads = scrub::thread_count(options.threads);
    const auto rate_of = [&](parity::Engine& one) {
        return bench::measure_entrance(one, work.nd, work.np, 0, open.volume->super().csum, threads, world.clock)
            .bytes_per_second;
    };
    double best = kFasterBy * rate_of(*engine);
    for (size_t place = 0; place < found->size(); place++) {
        // A processor behind OpenCL is the one that the other engines use, by a longer way.
        if (!(*found)[place].unfit.empty() || (*found)[place].type == "processor") continue;
        auto opened = open_checked(world, place, false);
        if (!opened) {
            world.err << "OpenCL device " << place << ": " << printable(opened.error().message) << "; it is not used\n";
            continue;
        }
        if (const double rate = rate_of(*opened->engine); rate > best) {
            best = rate;
            engine = std::move(opened->engine);
        }
    }
    return engine;
}

void tell_trouble(const EnginePtr& engine, const World& world) {
    if (engine == nullptr) return;
    if (const std::string trouble = engine->trouble(); !trouble.empty())
        world.err << "btrfs-raid56: parity engine " << engine->name() << ": " << printable(trouble) << '\n';
}

}  // namespace raid56::session
