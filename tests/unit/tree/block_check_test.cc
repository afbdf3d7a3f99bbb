// SPDX-License-Identifier: GPL-2.0-or-later
// Proof of a block: each thing that its place demands of it, and the reasons that only a reader with
// expectations can give.
#include "tree/block_check.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::tree {
namespace {

using format::Reason;
using test::Bytes;
using test::HeaderSpec;
using test::TreeImage;

const std::vector<test::ItemSpec> kItems = {{{3, 1, 0}, {1, 2, 3}}, {{4, 1, 0}, {}}};

class BlockCheckTest : public ::testing::Test {
  protected:
    TreeImage image_;
    HeaderSpec header_{test::uuid_of(0xf5), 0x100000, 7, 2};
    BlockExpect expect_{Logical(0x100000), uint8_t{0}, Generation(7), uint64_t{2}, format::Key{3, 1, 0}};

    BlockCheck check(const Bytes& block) { return check_block(image_.volume(), block, expect_); }
    Bytes leaf() { return test::encode_leaf(header_, kItems, TreeImage::kNode); }
    void expect_reason(Reason reason) {
        const auto checked = check(leaf());
        ASSERT_EQ(checked.state, BlockState::bad_header);
        ASSERT_TRUE(checked.reject);
        EXPECT_EQ(checked.reject->reason, reason) << format::describe(checked.reject->reason);
    }
};

TEST_F(BlockCheckTest, WhatIsAsExpectedIsProven) { EXPECT_EQ(check(leaf()).state, BlockState::proven); }

TEST_F(BlockCheckTest, WhatIsNotKnownIsNotDemanded) {
    expect_ = {Logical(0x100000), {}, {}, {}, {}};
    header_.generation = 99;
    header_.owner = 300;
    EXPECT_EQ(check(leaf()).state, BlockState::proven);
}

TEST_F(BlockCheckTest, OfAnotherAddress) {
    header_.bytenr += 4096;
    expect_reason(Reason::bad_bytenr);
}

TEST_F(BlockCheckTest, OfAnotherFileSystem) {
    header_.fsid = test::uuid_of(9);
    expect_reason(Reason::bad_fsid);
}

TEST_F(BlockCheckTest, OfASeedItIsTaken) {
    volume::Member seed;
    seed.devid = DevId(2);
    seed.seed = true;
    seed.fsid = test::uuid_of(9);
    image_.volume().add_member(seed);
    header_.fsid = test::uuid_of(9);
    EXPECT_EQ(check(leaf()).state, BlockState::proven);
}

TEST_F(BlockCheckTest, OfAnotherTime) {
    header_.generation = 6;
    expect_reason(Reason::bad_generation);
}

TEST_F(BlockCheckTest, OfAnotherTree) {
    header_.owner = 5;
    expect_reason(Reason::bad_owner);
}

TEST_F(BlockCheckTest, OfAnotherLevel) {
    expect_.level = uint8_t{1};
    expect_reason(Reason::bad_level);
}

TEST_F(BlockCheckTest, OfAnotherFirstKey) {
    expect_.first_key = format::Key{3, 1, 1};
    expect_reason(Reason::bad_first_key);
}

TEST_F(BlockCheckTest, WithoutAnyItemItHasNoFirstKey) {
    const auto checked = check(test::encode_leaf(header_, {}, TreeImage::kNode));
    EXPECT_EQ(checked.reject->reason, Reason::bad_first_key);
}

TEST_F(BlockCheckTest, OfBadStructure) {
    const auto checked = check(test::encode_leaf(header_, {kItems[0], kItems[0]}, TreeImage::kNode));
    EXPECT_EQ(checked.reject->reason, Reason::unsorted_keys);
}

TEST_F(BlockCheckTest, EveryBitBehindTheChecksumFieldIsCovered) {
    const Bytes good = leaf();
    for (size_t i = 32; i < good.size(); i++) {
        Bytes block = good;
        block[i] ^= 0x40;
        ASSERT_EQ(check(block).state, BlockState::bad_checksum) << i;
    }
}

TEST_F(BlockCheckTest, BytesBetweenChecksumAndFieldEndMeanNothing) {
    const Bytes good = leaf();
    for (size_t i = 0; i < 32; i++) {
        Bytes block = good;
        block[i] ^= 0x40;
        ASSERT_EQ(check(block).state, i < 4 ? BlockState::bad_checksum : BlockState::proven) << i;
    }
}

TEST_F(BlockCheckTest, AnOracleTakesBlocksThatDifferOnlyThereAsOne) {
    const BlockOracle oracle(image_.volume(), expect_, image_.stop());
    const Bytes good = leaf();
    Bytes other = good;
    other[20] = 1;
    EXPECT_TRUE(oracle.proven(good));
    EXPECT_TRUE(oracle.proven(other));
    EXPECT_TRUE(oracle.equivalent(good, other));
    other[40] ^= 1;
    EXPECT_FALSE(oracle.equivalent(good, other));
}

TEST_F(BlockCheckTest, AFirstSectorOfAnotherBlockIsImplausibleOthersAreNot) {
    const BlockOracle oracle(image_.volume(), expect_, image_.stop());
    EXPECT_TRUE(oracle.plausible(0, leaf()));
    header_.bytenr += 4096;
    EXPECT_FALSE(oracle.plausible(0, leaf()));
    EXPECT_TRUE(oracle.plausible(1, leaf()));
}

}  // namespace
}  // namespace raid56::tree
