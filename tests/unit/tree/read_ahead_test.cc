// SPDX-License-Identifier: GPL-2.0-or-later
// Blocks announced before they are asked for: had by one read where all is well, by every other way
// where it is not, and never left under way.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "parity/engine.h"
#include "support/chunk_image.h"
#include "support/tree_image.h"
#include "tree/block_reader.h"
#include "tree/cursor.h"

namespace raid56::tree {
namespace {

using format::Profile;
using test::Bytes;
using test::ChunkImage;
using test::ItemSpec;
using test::TreeImage;
using test::WatchedDevice;
using Ranges = WatchedDevice::Ranges;

constexpr uint64_t kOwner = 7;

/// Leaves one after the other in a chunk, block i at i * nodesize.
class Scene {
  public:
    explicit Scene(Profile profile = Profile::single, unsigned stripes = 1, unsigned blocks = 64,
                   uint32_t nodesize = ChunkImage::kSector)
        : node_(nodesize),
          image_(profile, stripes, length_for(profile, stripes, uint64_t{blocks} * nodesize), CsumKind::crc32c,
                 nodesize) {
        for (unsigned i = 0; i < blocks; i++) image_.write(at(i).v, content(i));
        image_.make_parity();
        reader_.emplace(image_.volume(), parity::scalar_engine(), stop_);
    }

    ChunkImage& image() { return image_; }
    WatchedDevice& device(unsigned index = 0) { return image_.device(index); }
    BlockReader& reader() { return *reader_; }
    void end_reader() { reader_.reset(); }
    std::atomic<bool>& stop() { return stop_; }

    Logical at(unsigned i) const { return Logical(ChunkImage::kStart + uint64_t{i} * node_); }
    Bytes content(unsigned i) const {
        return test::encode_leaf({test::uuid_of(0xf5), at(i).v, 7, kOwner}, {{{i, 1, 0}, test::noise(100, i)}}, node_);
    }
    void announce(unsigned i) { reader_->announce(at(i)); }
    /// Whether the block is had, as it should be.
    bool read(unsigned i) {
        const auto block = reader_->read({at(i), 0, Generation(7), kOwner, std::nullopt});
        return block && **block == content(i);
    }
    /// All stripes' together.
    size_t reads() {
        size_t all = 0;
        for (unsigned i = 0; i < image_.stripes(); i++) all += device(i).reads().size();
        return all;
    }
    size_t in_flight() {
        size_t all = 0;
        for (unsigned i = 0; i < image_.stripes(); i++) all += device(i).in_flight();
        return all;
    }
    /// Ruins a block where it lies first.
    void flip(unsigned i, unsigned copy = 0) {
        const auto place = volume::place_of(image_.layout(), at(i).v - ChunkImage::kStart);
        image_.column(static_cast<unsigned>(place.n.v), place.column, copy)[place.offset + 200] ^= 1;
    }
    unsigned index_of(unsigned i, unsigned copy = 0) {
        const auto place = volume::place_of(image_.layout(), at(i).v - ChunkImage::kStart);
        return image_.index_of(static_cast<unsigned>(place.n.v), place.column, copy);
    }

  private:
    static uint64_t length_for(Profile profile, unsigned stripes, uint64_t bytes) {
        const auto layout = volume::layout_of(profile, stripes);
        return volume::full_stripe_count(layout, bytes) * layout.data_length();
    }

    uint32_t node_;
    ChunkImage image_;
    std::atomic<bool> stop_{false};
    std::optional<BlockReader> reader_;
};

// ---- all is well

TEST(ReadAhead, ABlockAnnouncedTwiceIsReadOnce) {
    Scene scene;
    scene.announce(3);
    scene.announce(3);
    EXPECT_TRUE(scene.read(3));
    EXPECT_EQ(scene.reads(), 1u);
    EXPECT_EQ(scene.in_flight(), 0u);
}

TEST(ReadAhead, AnAnnouncedBlockIsUnderWayAndReadNoMore) {
    Scene scene;
    scene.announce(3);
    const Ranges once = {{scene.image().offset(0, 0) + 3 * 4096, 4096}};
    EXPECT_EQ(scene.device().reads(), once);
    EXPECT_EQ(scene.in_flight(), 1u);
    EXPECT_TRUE(scene.read(3));
    EXPECT_TRUE(scene.read(3));
    EXPECT_EQ(scene.device().reads(), once);
    EXPECT_EQ(scene.in_flight(), 0u);
}

TEST(ReadAhead, BlocksMayBeAskedForInAnotherOrder) {
    Scene scene;
    for (const unsigned i : {0, 1, 2, 3, 4}) scene.announce(i);
    for (const unsigned i : {4, 0, 3, 1, 2}) EXPECT_TRUE(scene.read(i)) << i;
    EXPECT_EQ(scene.reads(), 5u);
}

TEST(ReadAhead, ABlockThatIsThereAlreadyIsNotReadAgain) {
    Scene scene;
    EXPECT_TRUE(scene.read(5));
    scene.announce(5);
    EXPECT_EQ(scene.reads(), 1u);
}

TEST(ReadAhead, OfSeveralCopiesReadsOne) {
    Scene scene(Profile::raid1, 2);
    scene.announce(5);
    EXPECT_EQ(scene.device(0).reads().size(), 1u);
    EXPECT_TRUE(scene.read(5));
    EXPECT_EQ(scene.reads(), 1u);
}

TEST(ReadAhead, ABlockAcrossStripsIsHadByOneReadOfEach) {
    Scene scene(Profile::raid5, 3, 20, 3 * 4096);  // block 5 begins one sector before the end of a strip
    scene.announce(5);
    EXPECT_EQ(scene.device(0).reads(), (Ranges{{scene.image().offset(0, 0) + 15 * 4096, 4096}}));
    EXPECT_EQ(scene.device(1).reads(), (Ranges{{scene.image().offset(0, 1), 2 * 4096}}));
    EXPECT_TRUE(scene.read(5));
    EXPECT_EQ(scene.reads(), 2u);
}

// ---- it is not

TEST(ReadAhead, OfARuinedCopyIsMadeGoodByTheOthers) {
    for (const auto& [profile, stripes] : {std::pair{Profile::raid1, 2u},
                                           {Profile::dup, 2u},
                                           {Profile::raid10, 4u},
                                           {Profile::raid5, 3u},
                                           {Profile::raid6, 4u}}) {
        Scene scene(profile, stripes);
        scene.flip(7);
        scene.announce(7);
        EXPECT_TRUE(scene.read(7));
        EXPECT_EQ(scene.in_flight(), 0u);
    }
}

TEST(ReadAhead, OfARuinedBlockWithoutAnotherCopyIsNoBlock) {
    Scene scene;
    scene.flip(7);
    scene.announce(7);
    EXPECT_FALSE(scene.read(7));
    EXPECT_EQ(scene.reader().hurt_blocks().size(), 1u);
}

TEST(ReadAhead, FromADeviceThatFailsIsMadeGoodByTheOthers) {
    for (const auto& [profile, stripes] :
         {std::pair{Profile::raid1, 2u}, {Profile::raid10, 4u}, {Profile::raid5, 3u}, {Profile::raid6, 4u}}) {
        Scene scene(profile, stripes);
        scene.image().faults(scene.index_of(7)).fail_range(0, UINT64_MAX, EIO);
        scene.announce(7);
        EXPECT_EQ(scene.in_flight(), 1u);
        EXPECT_TRUE(scene.read(7));
        EXPECT_EQ(scene.in_flight(), 0u);
    }
}

TEST(ReadAhead, OfABlockAcrossStripsOneOfWhichFailsIsMadeGood) {
    for (const unsigned failing : {0, 1}) {
        Scene scene(Profile::raid5, 3, 20, 3 * 4096);
        scene.image().faults(failing).fail_range(0, UINT64_MAX, EIO);
        scene.announce(5);
        EXPECT_TRUE(scene.read(5)) << failing;
        EXPECT_EQ(scene.in_flight(), 0u);
    }
}

TEST(ReadAhead, InVainIsNotMadeAgainWhereThereIsAnotherCopy) {
    for (const bool fails : {false, true}) {
        Scene scene(Profile::raid1, 2);
        const unsigned first = scene.index_of(7);
        if (fails)
            scene.image().faults(first).fail_range(0, UINT64_MAX, EIO);
        else
            scene.flip(7);
        scene.announce(7);
        EXPECT_TRUE(scene.read(7));
        EXPECT_EQ(scene.device(first).reads().size(), 1u) << fails;
        EXPECT_EQ(scene.reads(), 2u) << fails;
    }
}

TEST(ReadAhead, OfABlockKnownToBeLostIsNotTried) {
    for (const bool late : {false, true}) {
        Scene scene;
        scene.image().make_late(late ? 1 : 0);
        scene.flip(7);
        EXPECT_FALSE(scene.read(7));
        scene.device().clear_log();
        scene.announce(7);
        EXPECT_EQ(scene.reads(), 0u);
        EXPECT_EQ(scene.device().hints().size(), 0u);
        EXPECT_FALSE(scene.read(7));
        EXPECT_EQ(scene.reads(), 0u) << "known";
    }
}

TEST(ReadAhead, ThatFailsOnceIsMadeAgain) {
    Scene scene;
    scene.image().faults(0).fail_call(0, EIO);
    scene.announce(7);
    EXPECT_TRUE(scene.read(7));
    EXPECT_EQ(scene.reads(), 2u);
}

TEST(ReadAhead, FromAMissingDeviceIsNotTriedAndTheBlockHadAllTheSame) {
    for (const auto& [profile, stripes] : {std::pair{Profile::raid1, 2u}, {Profile::raid5, 3u}}) {
        Scene scene(profile, stripes);
        scene.image().volume().member(scene.index_of(7)).device = nullptr;
        scene.announce(7);
        EXPECT_EQ(scene.reads(), 0u);
        EXPECT_TRUE(scene.read(7));
    }
}

TEST(ReadAhead, OfABlockThatIsNotTheOneExpectedProvesNothing) {
    Scene scene;
    scene.announce(7);
    EXPECT_FALSE(scene.reader().read({scene.at(7), 0, Generation(8), kOwner, std::nullopt}));
    EXPECT_TRUE(scene.read(7)) << "asked for as it is";
}

TEST(ReadAhead, OfWhichOnlyAPartCouldBeStartedIsMadeGood) {
    Scene scene(Profile::raid5, 3, 20, 3 * 4096);  // block 5 lies in columns 0 and 1
    scene.device(1).be_poor(0);
    EXPECT_THROW(scene.announce(5), std::bad_alloc);
    EXPECT_EQ(scene.in_flight(), 1u);
    scene.device(1).be_poor(std::nullopt);
    EXPECT_TRUE(scene.read(5));
    EXPECT_EQ(scene.in_flight(), 0u);
}

// ---- nobody asks

TEST(ReadAhead, WhatNobodyAsksForIsFinishedWithTheReader) {
    Scene scene(Profile::raid1, 2);
    for (unsigned i = 0; i < 20; i++) scene.announce(i);
    EXPECT_EQ(scene.in_flight(), 20u);
    scene.end_reader();
    EXPECT_EQ(scene.in_flight(), 0u);
}

TEST(ReadAhead, TheOldestIsGivenUpBeyondTwoMebibytes) {
    for (const uint32_t node : {4096u, 16384u, 65536u}) {
        const unsigned most = (2 << 20) / node, blocks = 2 * most;
        Scene scene(Profile::single, 1, blocks, node);
        for (unsigned i = 0; i < blocks; i++) {
            scene.announce(i);
            EXPECT_LE(scene.in_flight(), most);
        }
        EXPECT_EQ(scene.in_flight(), most);
        for (unsigned i = most; i < blocks; i++) EXPECT_TRUE(scene.read(i)) << i;
        EXPECT_EQ(scene.reads(), blocks) << "the younger half was there";
        EXPECT_EQ(scene.in_flight(), 0u);
        EXPECT_TRUE(scene.read(0));
        EXPECT_EQ(scene.reads(), blocks + 1) << "the older one was not";
    }
}

TEST(ReadAhead, IsForgottenWithEverythingElse) {
    Scene scene;
    scene.announce(3);
    scene.reader().forget();
    EXPECT_EQ(scene.in_flight(), 0u);
    EXPECT_TRUE(scene.read(3));
    EXPECT_EQ(scene.reads(), 2u);
}

TEST(ReadAhead, OfAddressesThatAreNoBlockDoesNothing) {
    Scene scene(Profile::raid5, 3, 16, 16384);
    const auto& chunk = scene.image().chunk().chunk;
    for (const uint64_t address : {uint64_t{0}, ChunkImage::kStart - 16384, ChunkImage::kStart - 1, chunk.end().v,
                                   chunk.end().v - 1, chunk.end().v - 16383, uint64_t{1} << 63, UINT64_MAX - 16384,
                                   UINT64_MAX - 16383, UINT64_MAX - 4095, UINT64_MAX})
        scene.reader().announce(Logical(address));
    EXPECT_EQ(scene.reads(), 0u);
}

TEST(ReadAhead, OfAnAddressWithinASectorDoesNoHarm) {
    Scene scene(Profile::raid5, 3);
    for (const uint64_t skew : {1, 511, 4095}) scene.reader().announce(scene.at(15) + skew);
    EXPECT_TRUE(scene.read(15));
    EXPECT_TRUE(scene.read(16));
}

TEST(ReadAhead, EndsWhenTheUserStops) {
    Scene scene;
    scene.announce(3);
    scene.stop() = true;
    scene.announce(4);
    EXPECT_EQ(scene.reads(), 1u);
    EXPECT_FALSE(scene.read(3));
}

// ---- devices that read in finish()

TEST(ReadAhead, FromALateDeviceIsAHint) {
    Scene scene(Profile::raid5, 3, 64, 16384);
    scene.image().make_late(0b111);
    scene.announce(5);  // in column 1
    EXPECT_EQ(scene.device(1).hints(), (Ranges{{scene.image().offset(0, 1) + 16384, 16384}}));
    EXPECT_EQ(scene.reads(), 0u);
    EXPECT_TRUE(scene.read(5));
    EXPECT_EQ(scene.device(1).reads(), (Ranges{{scene.image().offset(0, 1) + 16384, 16384}}));
    EXPECT_EQ(scene.reads(), 1u);
}

TEST(ReadAhead, OfABlockPartlyOnALateDeviceStartsNothing) {
    for (const unsigned late : {0b001, 0b010, 0b011}) {
        Scene scene(Profile::raid5, 3, 20, 3 * 4096);
        scene.image().make_late(late);
        scene.announce(5);
        EXPECT_EQ(scene.reads(), 0u) << late;
        for (unsigned i = 0; i < 2; i++) EXPECT_EQ(scene.device(i).hints().size(), late >> i & 1u) << late;
        EXPECT_TRUE(scene.read(5)) << late;
    }
}

// ---- a cursor reads ahead

std::vector<std::vector<ItemSpec>> leaves(uint64_t count) {
    std::vector<std::vector<ItemSpec>> all;
    for (uint64_t i = 0; i < count; i++) all.push_back({{{10 * i, 1, 0}, {}}, {{10 * i + 1, 1, 0}, {}}});
    return all;
}

/// A tree of leaves on a watched device that holds what the image held.
class Walk {
  public:
    Walk(TreeImage& image, bool late)
        : device_(std::make_unique<device::MemoryDevice>(Bytes(image.bytes().begin(), image.bytes().end())), late) {
        image.volume().member(0).device = &device_;
        reader_.emplace(image.volume(), parity::scalar_engine(), image.stop());
    }

    WatchedDevice& device() { return device_; }
    BlockReader& reader() { return *reader_; }
    /// Times that a block was read.
    size_t reads_of(uint64_t block) const {
        return static_cast<size_t>(std::ranges::count(device_.reads(), block, &WatchedDevice::Range::offset));
    }
    /// Objectids of items, and -1 for a lost range.
    std::vector<int64_t> steps(const TreeRoot& root) {
        Cursor cursor(*reader_, root);
        std::vector<int64_t> all;
        while (const Step step = cursor.next())
            all.push_back(step.item ? static_cast<int64_t>(step.item->key.objectid) : -1);
        return all;
    }

  private:
    WatchedDevice device_;
    std::optional<BlockReader> reader_;
};

TEST(CursorAhead, ThatLooksOneThingUpReadsNothingElse) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(40), 50);
    for (uint64_t i = 0; i < 40; i++) {
        Walk walk(image, false);
        Cursor cursor(walk.reader(), root);
        if (i > 0) cursor.seek({10 * i, 1, 0});  // without it the first item is looked at
        EXPECT_TRUE(cursor.next().item);
        EXPECT_TRUE(cursor.next().item);
        EXPECT_EQ(walk.device().reads().size(), 2u) << "the root and a leaf";
    }
}

TEST(CursorAhead, GrowsWithTheWay) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(60), 80);
    Walk walk(image, false);
    Cursor cursor(walk.reader(), root);
    // Leaves that are there or under way when the walk stands in its first, second ... leaf.
    for (const size_t had : {1, 3, 6, 11, 20, 21, 22}) {
        EXPECT_TRUE(cursor.next().item);
        EXPECT_TRUE(cursor.next().item);
        EXPECT_EQ(walk.device().reads().size(), 1 + had);
    }
    cursor.seek({500, 1, 0});
    EXPECT_TRUE(cursor.next().item);
    EXPECT_EQ(walk.device().reads().size(), 1 + 22 + 1u) << "somewhere else it begins anew";
}

TEST(CursorAhead, ThatSeeksReadsNoLeafTwice) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(40), 50);
    Walk walk(image, false);
    Cursor cursor(walk.reader(), root);
    for (uint64_t i = 0; i < 40; i++) {
        cursor.seek({10 * i, 1, 0});
        while (const Step step = cursor.next())
            if (step.item->key.objectid >= 10 * i + 10) break;
    }
    for (const uint64_t leaf : image.leaves()) EXPECT_EQ(walk.reads_of(leaf), 1u);
}

TEST(CursorAhead, GivesEveryItemAndReadsEachLeafOnce) {
    for (const uint64_t count : {2, 15, 16, 17, 40, 100}) {
        TreeImage image;
        const auto root = image.tree(kOwner, leaves(count), 120);
        ASSERT_EQ(root.level, 1);
        std::vector<int64_t> expected;
        for (int64_t i = 0; i < static_cast<int64_t>(count); i++) expected.insert(expected.end(), {10 * i, 10 * i + 1});
        for (const bool late : {false, true}) {
            Walk walk(image, late);
            EXPECT_EQ(walk.steps(root), expected);
            EXPECT_EQ(walk.device().reads().size(), count + 1);
            for (const uint64_t leaf : image.leaves()) EXPECT_EQ(walk.reads_of(leaf), 1u);
            EXPECT_EQ(walk.device().hints().size(), late ? count - 1 : 0u) << "all but the first";
        }
    }
}

TEST(CursorAhead, ReadsEachBlockOfAHigherTreeOnce) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(60), 5);
    ASSERT_EQ(root.level, 3);
    Walk walk(image, false);
    EXPECT_EQ(walk.steps(root).size(), 120u);
    for (const auto& read : walk.device().reads()) EXPECT_EQ(walk.reads_of(read.offset), 1u) << read.offset;
    EXPECT_EQ(walk.device().reads().size(), 60u + 12 + 3 + 1);
}

TEST(CursorAhead, HasTheNextLeavesUnderWay) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(40), 50);
    Walk walk(image, false);
    Cursor cursor(walk.reader(), root);
    for (uint64_t i = 0; i < 30; i++) {
        EXPECT_TRUE(cursor.next().item);
        EXPECT_TRUE(cursor.next().item);
        for (uint64_t next = i + 1; i >= 4 && next < std::min<uint64_t>(40, i + 10); next++)
            EXPECT_EQ(walk.reads_of(image.leaves()[next]), 1u) << i << " " << next;
        EXPECT_EQ(walk.reads_of(image.leaves().back()), i < 24 ? 0u : 1u) << "not all at once";
    }
}

TEST(CursorAhead, ThatIsLeftHalfwayLeavesNothingUnderWay) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(40), 50);
    WatchedDevice* device = nullptr;
    {
        Walk walk(image, false);
        device = &walk.device();
        Cursor cursor(walk.reader(), root);
        for (unsigned i = 0; i < 2 * 5; i++) EXPECT_TRUE(cursor.next().item);
        EXPECT_GT(device->in_flight(), 0u);
    }  // the device holds its user to it
}

TEST(CursorAhead, GoesOnBehindALostLeaf) {
    TreeImage image;
    const auto root = image.tree(kOwner, leaves(5), 50);
    image.ruin(image.leaves()[1]);
    image.ruin(image.leaves()[3]);
    for (const bool late : {false, true}) {
        Walk walk(image, late);
        EXPECT_EQ(walk.steps(root), (std::vector<int64_t>{0, 1, -1, 20, 21, -1, 40, 41}));
    }
}

TEST(CursorAhead, SurvivesPointersToNowhere) {
    TreeImage image;
    const auto first = image.leaf(kOwner, leaves(1)[0]);
    const auto root = image.node(kOwner, 1,
                                 {first,
                                  {{10, 1, 0}, UINT64_MAX - 4095, 7},
                                  {{20, 1, 0}, uint64_t{1} << 63, 7},
                                  {{30, 1, 0}, TreeImage::kStart + TreeImage::kLength, 7},
                                  {{40, 1, 0}, TreeImage::kStart - 4096, 7}});
    Walk walk(image, false);
    EXPECT_EQ(walk.steps({Logical(root.block), 1, Generation(7), kOwner}),
              (std::vector<int64_t>{0, 1, -1, -1, -1, -1}));
    EXPECT_EQ(walk.device().reads().size(), 2u);
}

}  // namespace
}  // namespace raid56::tree
