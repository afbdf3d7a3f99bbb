// SPDX-License-Identifier: GPL-2.0-or-later
// Engines that err are neither used nor measured, and standard error says why.
#include <gtest/gtest.h>

#include <set>

#include "world.h"

namespace raid56::cmd {
namespace {

using parity::Job;
using parity::Op;

/// The scalar engine by another name.
class OtherEngine : public parity::Engine {
  public:
    std::string_view name() const override { return "other"; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return parity::scalar_engine().allocate(size); }
    void submit(parity::Batch batch) override { parity::scalar_engine().submit(batch); }
    void wait(parity::Batch) override {}
};

/// Finds every P right.
class BlindEngine : public OtherEngine {
    void wait(parity::Batch batch) override {
        for (Job& job : batch) job.p_differs = false;
    }
};

std::set<std::string> engines_of(const Outcome& run, const char* type) {
    std::set<std::string> names;
    for (const auto& line : run.lines_of(type)) names.insert(line["engine"]);
    return names;
}

TEST(Engines, ThatErrHaveNoFiguresInABench) {
    BlindEngine blind;
    Worlds worlds;
    worlds.engines = {&parity::isal_engine(), &blind};
    const Outcome run = worlds.run({"bench", "--format", "json", "--threads", "1"});
    EXPECT_EQ(run.status, 0);
    EXPECT_TRUE(holds(run.err, "parity engine other: verify")) << run.err;
    EXPECT_TRUE(holds(run.err, "; it is not used\n")) << run.err;
    EXPECT_EQ(engines_of(run, "parity"), std::set<std::string>{"isal"});
    EXPECT_EQ(engines_of(run, "entrance"), std::set<std::string>{"isal"});
}

TEST(Engines, ThatErrAreRefusedByName) {
    BlindEngine blind;
    for (const char* command : {"scrub", "inspect", "bench"}) {
        Worlds worlds;
        worlds.engines = {&parity::scalar_engine(), &blind};
        worlds.add("a", std::vector<uint8_t>(1 << 20));
        const Outcome run = worlds.run({command, "--engine", "other", "a"});
        EXPECT_EQ(run.status, 8) << command;
        EXPECT_TRUE(holds(run.err, "btrfs-raid56: parity engine other: verify")) << run.err;
        EXPECT_TRUE(worlds.opened().empty()) << command;
    }
}

TEST(Engines, AreKnownByTheirNames) {
    Worlds worlds;
    worlds.engines = {&parity::scalar_engine()};
    EXPECT_EQ(worlds.run({"bench", "--engine", "isal"}).status, 16);
}

}  // namespace
}  // namespace raid56::cmd
