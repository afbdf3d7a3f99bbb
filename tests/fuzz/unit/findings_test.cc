// SPDX-License-Identifier: GPL-2.0-or-later
// Findings of the whole-volume fuzzer that are more than "it ends in order": what has to be said of them.
#include <gtest/gtest.h>

#include "fuzz/support/small_volume.h"
#include "fuzz/support/volume_run.h"
#include "support/encode.h"

namespace raid56::fuzz {
namespace {

class Findings : public ::testing::Test {
  protected:
    VolumeRun scrub(const session::Options& options = {}) {
        std::vector<OverlayDevice*> devices;
        for (auto& device : volume_.devices()) devices.push_back(device.get());
        std::atomic<bool> stop{false};
        return run_volume(devices, options, parity::scalar_engine(), stop);
    }
    /// Changes a tree block as if the file system itself had written it so.
    template <class Change>
    void change_block(size_t index, Change&& change) {
        auto block = volume_.read_block(volume_.blocks()[index]);
        change(block);
        volume_.write_block(volume_.blocks()[index], block, true, true);
    }

    static constexpr size_t kChunkLeaf = 0;
    SmallVolume volume_{VolumeShape{}};
};

TEST_F(Findings, WhatTheyBeginWithIsClean) { EXPECT_EQ(scrub().verdict, report::Verdict::clean); }

// Its device is a member all the same: only what the chunk tree says of it is gone.
TEST_F(Findings, ADeviceItemThatIsTooShortIsDamageOfTheChunkTree) {
    change_block(kChunkLeaf, [](test::Bytes& block) { test::put(block, 101 + 2 * 25 + 21, 3, 4); });
    const auto run = scrub();
    ASSERT_TRUE(run.opened) << run.error;
    EXPECT_EQ(run.verdict, report::Verdict::unrepairable);
    ASSERT_EQ(run.unknowns.size(), 1u);
    EXPECT_EQ(run.unknowns[0].cause, "chunk-tree");
}

}  // namespace
}  // namespace raid56::fuzz
