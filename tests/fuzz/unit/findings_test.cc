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
    void wipe_super(unsigned device) { volume_.write_super(device, test::Bytes(4096), false); }

    SmallVolume volume_{VolumeShape{}};
};

// All of the metadata lies on devid 1.
class FindingsRaid5 : public Findings {
  protected:
    FindingsRaid5() { volume_ = SmallVolume({format::Profile::raid5, 4, CsumKind::crc32c, 4096, true, false}); }
};

// The subvolume's tree has two levels.
class FindingsDeep : public Findings {
  protected:
    FindingsDeep() { volume_ = SmallVolume({format::Profile::raid5, 3, CsumKind::crc32c, 4096, false, true}); }
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

TEST_F(Findings, ADeviceWithoutASuperblockIsDistrustedToo) {
    wipe_super(0);
    EXPECT_EQ(scrub().verdict, report::Verdict::repairable);
    session::Options options;
    options.distrust.insert(DevId(1));
    unsigned parts = 0;
    for (const auto& damage : scrub(options).damages)
        if (damage.cause == scrub::Cause::distrusted && damage.devid == DevId(1)) parts++;
    EXPECT_EQ(parts, 3u) << "one for each chunk";
}

// Without devid 1, which only the log tells, the tree of roots cannot be had: the row of its block is hurt elsewhere.
TEST_F(FindingsRaid5, TreesAreReadAgainOnceADeviceIsToldByItsContent) {
    wipe_super(0);
    const test::Bytes other(4096, 0x5a);
    volume_.devices()[1]->write(volume_.chunks()[1].physical, other);
    const auto run = scrub();
    ASSERT_TRUE(run.opened) << run.error;
    EXPECT_TRUE(run.unknowns.empty());
    EXPECT_EQ(run.verdict, report::Verdict::repairable);
}

// Another chunk tree than the one that its row's parity gives, with a checksum that holds. It was taken from the parity
// while the device was not yet told; a repair then made the parity anew, and nothing could be opened any more.
TEST_F(FindingsRaid5, WhatADeviceHoldsCountsWhetherItIsToldByItsSuperblockOrByItsContent) {
    const uint64_t at = volume_.blocks()[kChunkLeaf];
    auto block = volume_.read_block(at);
    const auto item = format::leaf_item(block, 1);  // of devid 2
    block[static_cast<size_t>(item.data.data() - block.data()) + offsetof(format::raw::dev_item, fsid)] ^= 1;
    volume_.write_block(at, block, true, false);
    const auto told_by_superblock = scrub();
    EXPECT_FALSE(told_by_superblock.opened);
    wipe_super(0);
    const auto told_by_content = scrub();
    EXPECT_FALSE(told_by_content.opened);
    EXPECT_NE(told_by_content.error.find("not the one that the chunk tree expects of devid 2"), std::string::npos)
        << told_by_content.error;
}

// A leaf that no checksum speaks against, and that begins with another key than the node above it says; its row's
// parity gives the right one. That was taken when the tree was read, and called stale when the row was judged: a repair
// then made the leaf the tree's loss.
TEST_F(FindingsDeep, ALeafIsJudgedByTheKeyThatTheNodeAboveItNames) {
    unsigned leaves = 0;
    for (const uint64_t at : volume_.blocks()) {
        auto block = volume_.read_block(at);
        const auto header = format::decode_header(block);
        if (header.owner != format::objectid::kFsTree || header.level != 0) continue;
        leaves++;
        test::put(block, 101, format::block_key(block, 0, 0).objectid - 1, 8);
        volume_.write_block(at, block, true, false);
        const auto run = scrub();
        ASSERT_TRUE(run.opened) << run.error;
        EXPECT_EQ(run.verdict, report::Verdict::repairable);
        ASSERT_EQ(run.damages.size(), 1u);
        EXPECT_EQ(run.damages[0].role, scrub::Role::tree);
        EXPECT_EQ(run.damages[0].cause, scrub::Cause::header);
        EXPECT_EQ(run.damages[0].logical, Logical(at));
        volume_.reset();
    }
    EXPECT_GT(leaves, 1u);
}

}  // namespace
}  // namespace raid56::fuzz
