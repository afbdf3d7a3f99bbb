// SPDX-License-Identifier: GPL-2.0-or-later
// The whole program over randomly damaged images, in-process.
//
// usage: random_images COUNT [FIRST]
//
// Every image is made from a golden one by its number alone, from FIRST on: a failure names it. Of every run: an answer
// within ten seconds, an exit status of the table, a report that ends as it must. What a repair wrote, undo takes back,
// byte for byte; what it wrote to can still be opened, and what it calls repaired, a scrub calls clean.
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "damage.h"

namespace raid56::hostile {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kLongest = 10;          // seconds
constexpr long kMostMemory = 512 << 10;  // KiB

// Small ones, of every checksum, of several profiles, with a log, mixed block groups, large sectors.
constexpr const char* kBases[] = {"001-demo-clean",
                                  "002-raid5x2-sha256-clean",
                                  "004-raid6x5-bgt-clean",
                                  "005-raid6x3-blake2b-clean",
                                  "006-raid6x4-sector16k-clean",
                                  "007-raid5x3-mixed-clean",
                                  "008-raid6x4-log-clean",
                                  "009-raid5x4-xxhash-clean"};

struct Base {
    cmd::RepairWorld world;
    cmd::RepairWorld::State whole;
    Targets targets;
};

class Runs {
  public:
    explicit Runs(uint64_t number) : number_(number) {}

    void check(Base& base) {
        auto& world = base.world;
        world.set(base.whole);
        Damage(world, base.targets, number_).plant();
        const auto hurt = world.state();
        std::mt19937_64 random(~number_);
        switch (random() % 8) {
            case 0: run("scrub --files --free", [&] { return world.scrub({"--files", "--free"}); }); break;
            case 1: run("inspect", [&] { return world.inspect({}); }); break;
            case 2: {
                const std::string logical = std::to_string(base.targets.filled[random() % 64].offset << (random() % 3));
                run("inspect --logical " + logical, [&] { return world.inspect({"--logical", logical}); });
                break;
            }
            case 3: run("repair", [&] { return world.repair({"--no-checksum", "trust-parity"}); }); break;
            case 4: {
                const std::string& lost = world.paths()[random() % world.paths().size()];
                const std::string devid(1, lost.substr(1).front());  // dN.img
                run("rebuild of " + lost, [&] { return world.rebuild({lost}, {"--onto", devid + "=target"}); });
                break;
            }
            default: repair_and_undo(world, hurt);
        }
        if (!world.devices_hold(hurt)) fail("devices were written to, or not put back");
        world.set(hurt);  // without journals and targets
    }

    double longest() const { return longest_; }
    bool failed() const { return failed_; }
    const std::map<int, uint64_t>& statuses() const { return statuses_; }

  private:
    void repair_and_undo(cmd::RepairWorld& world, const cmd::RepairWorld::State& hurt) {
        const int status = run("repair --write", [&] { return world.write(); });
        const std::string verdict = verdict_;
        if (verdict == "repaired" && run("scrub after a repair", [&] { return world.scrub(); }) != 0)
            fail("repaired, and not clean");
        if (world.devices_hold(hurt) || !world.exists("journal")) return;
        if (run("scrub of what was written to", [&] { return world.scrub(); }) == 8) fail("cannot be opened: " + err_);
        if (run("undo", [&] { return world.undo(); }) == 0) return;
        // A device that nothing was written to and nothing tells is left out, as the message says.
        std::vector<std::string> paths = world.paths();
        std::erase_if(paths, [&](const auto& path) { return world.disk(path).content() == hurt.at(path); });
        if (run("undo", [&] { return world.undo_on(paths); }) != 0)
            fail("cannot be undone after status " + std::to_string(status) + ": " + err_);
    }
    template <class Run>
    int run(const std::string& what, Run&& command) {
        what_ = what;
        const auto begin = Clock::now();
        const cmd::Outcome done = command();
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        err_ = done.err;
        longest_ = std::max(longest_, seconds);
        statuses_[done.status]++;
        if (seconds > kLongest) fail("takes " + std::to_string(seconds) + " s");
        if (done.status != 0 && done.status != 1 && done.status != 4 && done.status != 8)
            fail("ends with " + std::to_string(done.status));
        if (done.status == 8 && done.err.empty()) fail("fails without a word");
        const auto printable = [](unsigned char c) { return c == '\n' || (c >= 32 && c != 127); };
        if (!std::all_of(done.err.begin(), done.err.end(), printable)) fail("control characters in messages");
        expect_summary(done);
        return done.status;
    }
    // One summary, at the end, with the status of the run.
    void expect_summary(const cmd::Outcome& done) {
        verdict_.clear();
        const size_t last = done.out.size() < 2 ? std::string::npos : done.out.rfind('\n', done.out.size() - 2);
        const auto summary =
            cmd::Json::parse(done.out.substr(last == std::string::npos ? 0 : last + 1), nullptr, false);
        if (what_.starts_with("inspect")) {
            if (done.status != 8 && !summary.is_object()) fail("no report: " + done.out);
            return;
        }
        if (!summary.is_object() || summary.value("type", "") != "summary") return fail("no summary: " + done.out);
        if (summary.value("exit_status", -1) != done.status) fail("the summary has another exit status");
        verdict_ = summary.value("verdict", "");
    }
    void fail(const std::string& why) {
        std::cerr << "image " << number_ << ", " << what_ << ": " << why << "\n";
        failed_ = true;
    }

    uint64_t number_;
    std::string what_, verdict_, err_;
    double longest_ = 0;
    bool failed_ = false;
    std::map<int, uint64_t> statuses_;
};

int main_of(uint64_t count, uint64_t first) {
    std::vector<std::unique_ptr<Base>> bases;
    for (const char* name : kBases) {
        auto base = std::make_unique<Base>();
        if (!base->world.unpack(name)) {
            std::cerr << name << " cannot be unpacked here\n";
            return 77;
        }
        base->world.power.never_cut();
        base->whole = base->world.state();
        base->targets = find_targets(base->world);
        bases.push_back(std::move(base));
    }
    double longest = 0;
    std::map<int, uint64_t> statuses;
    uint64_t failures = 0;
    for (uint64_t number = first; number < first + count; number++) {
        Runs runs(number);
        runs.check(*bases[number % bases.size()]);
        longest = std::max(longest, runs.longest());
        for (const auto& [status, times] : runs.statuses()) statuses[status] += times;
        failures += runs.failed();
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::cout << count << " images from " << first << ": longest run " << longest << " s, peak memory "
              << usage.ru_maxrss / 1024 << " MiB, " << failures << " failures; exit statuses:";
    for (const auto& [status, times] : statuses) std::cout << " " << status << " (" << times << ")";
    std::cout << "\n";
#ifndef __SANITIZE_ADDRESS__
    if (usage.ru_maxrss > kMostMemory) {
        std::cerr << "too much memory\n";
        failures++;
    }
#endif
    return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace raid56::hostile

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: random_images COUNT [FIRST]\n";
        return 2;
    }
    return raid56::hostile::main_of(std::strtoull(argv[1], nullptr, 10),
                                    argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);
}
