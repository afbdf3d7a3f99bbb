// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/superblock.h"

#include <gtest/gtest.h>

#include "support/super_image.h"

namespace raid56::format {
namespace {

using test::Bytes;
using test::put;
using test::SuperSpec;
using test::uuid_of;
namespace at = test::super_at;

Superblock decode(const SuperSpec& spec) {
    auto super = decode_superblock(test::encode_super(spec), spec.bytenr);
    if (!super) {
        ADD_FAILURE() << describe(super.error().reason);
        return {};
    }
    return *super;
}

TEST(Superblock, EveryFieldComesFromItsPlace) {
    SuperSpec spec;
    spec.bytenr = kSuperOffsets[1];
    spec.flags = 1 | uint64_t{1} << 32;
    spec.generation = 0x1122334455667788;
    spec.chunk_root_generation = 0x1122334455667700;
    spec.root = 0x5000;
    spec.chunk_root = 0x6000;
    spec.log_root = 0x7000;
    spec.root_level = 1;
    spec.chunk_root_level = 2;
    spec.log_root_level = 7;
    spec.total_bytes = 0x123456789000;
    spec.num_devices = 3;
    spec.compat = 5;
    spec.compat_ro = 9;
    spec.cache_generation = 77;
    spec.csum_type = 2;
    spec.label = "a label";
    spec.dev_item = {9, 0x40000000, 0x30000000, 0, uuid_of(0x99), uuid_of(0xf5)};
    const auto super = decode(spec);
    EXPECT_EQ(super.fsid, uuid_of(0xf5));
    EXPECT_EQ(super.metadata_uuid, uuid_of(0xf5));
    EXPECT_EQ(super.bytenr, spec.bytenr);
    EXPECT_EQ(super.generation.v, spec.generation);
    EXPECT_EQ(super.chunk_root_generation.v, spec.chunk_root_generation);
    EXPECT_EQ(super.root.v, 0x5000u);
    EXPECT_EQ(super.chunk_root.v, 0x6000u);
    EXPECT_EQ(super.log_root.v, 0x7000u);
    EXPECT_EQ(super.root_level, 1);
    EXPECT_EQ(super.chunk_root_level, 2);
    EXPECT_EQ(super.log_root_level, 7);
    EXPECT_EQ(super.total_bytes, spec.total_bytes);
    EXPECT_EQ(super.bytes_used, spec.bytes_used);
    EXPECT_EQ(super.num_devices, 3u);
    EXPECT_EQ(super.sectorsize, 4096u);
    EXPECT_EQ(super.nodesize, 16384u);
    EXPECT_EQ(super.compat, 5u);
    EXPECT_EQ(super.compat_ro, 9u);
    EXPECT_EQ(super.incompat, spec.incompat);
    EXPECT_EQ(super.cache_generation, 77u);
    EXPECT_EQ(super.csum, CsumKind::sha256);
    EXPECT_EQ(super.label, "a label");
    EXPECT_EQ(super.dev_item.devid.v, 9u);
    EXPECT_EQ(super.dev_item.total_bytes, 0x40000000u);
    EXPECT_EQ(super.dev_item.uuid, uuid_of(0x99));
    EXPECT_TRUE(super.is_seed());
    EXPECT_TRUE(super.has_block_group_tree());
    EXPECT_TRUE(super.has_free_space_tree());
}

TEST(Superblock, SystemChunksFollowEachOtherWithoutPadding) {
    SuperSpec spec;
    spec.sys_chunks.resize(2);
    spec.sys_chunks[0].chunk.type = test::chunk_type::kSystem | test::chunk_type::kRaid1;
    spec.sys_chunks[0].chunk.stripes = {{1, 0x100000, uuid_of(1)}, {2, 0x200000, uuid_of(2)}};
    spec.sys_chunks[1].logical = 0x8000000;
    const auto super = decode(spec);
    ASSERT_EQ(super.sys_chunks.size(), 2u);
    EXPECT_EQ(super.sys_chunks[0].profile, Profile::raid1);
    EXPECT_EQ(super.sys_chunks[0].stripes[1], (Stripe{DevId(2), Physical(0x200000), uuid_of(2)}));
    EXPECT_EQ(super.sys_chunks[1].start.v, 0x8000000u);
    EXPECT_EQ(super.sys_chunks[1].profile, Profile::single);
}

TEST(Superblock, TheMetadataUuidIsTheFsidUnlessTheFeatureSaysOtherwise) {
    SuperSpec spec;
    spec.metadata_uuid = uuid_of(0x33);  // without the feature these bytes mean nothing
    EXPECT_EQ(decode(spec).metadata_uuid, spec.fsid);
    spec.incompat |= 0x400;
    spec.dev_item.fsid = uuid_of(0x33);
    EXPECT_EQ(decode(spec).metadata_uuid, uuid_of(0x33));
    EXPECT_EQ(decode(spec).fsid, spec.fsid);
}

TEST(Superblock, ALabelWithoutNulEndsWithItsField) {
    SuperSpec spec;
    spec.label = std::string(256, 'x');
    EXPECT_EQ(decode(spec).label, spec.label);
    spec.label = std::string("ab\0cd", 5);
    EXPECT_EQ(decode(spec).label, "ab");
}

TEST(Superblock, TruncatedAtEveryLengthIsRefused) {
    const Bytes block = test::encode_super({});
    for (size_t length = 0; length < block.size(); length++) {
        const Bytes part(block.begin(), block.begin() + static_cast<ptrdiff_t>(length));
        const auto super = decode_superblock(part, kSuperOffsets[0]);
        ASSERT_FALSE(super) << length;
        ASSERT_EQ(super.error().reason, Reason::truncated);
        ASSERT_FALSE(lacks_magic(part));
    }
}

TEST(Superblock, ASystemArrayOfAnySizeIsReadWithinItsBounds) {
    SuperSpec spec;
    spec.sys_chunks.assign(20, {});
    for (uint64_t size = 0; size <= 2100; size++) {
        Bytes block = test::encode_super(spec);
        put(block, at::kSysArraySize, size, 4);
        const auto super = decode_superblock(block, kSuperOffsets[0]);
        const bool whole = size > 0 && size <= 20 * 97 && size % 97 == 0;
        ASSERT_EQ(super.ok(), whole) << size;
    }
}

TEST(SuperCopies, ExistWhereTheKernelWritesThem) {
    EXPECT_FALSE(super_copy_exists(0, 0));
    EXPECT_FALSE(super_copy_exists(0, 0x10000 + 4096));
    EXPECT_TRUE(super_copy_exists(0, 0x10000 + 4097));
    EXPECT_FALSE(super_copy_exists(1, 0x4000000 + 4096));  // strictly within: the kernel stops there
    EXPECT_TRUE(super_copy_exists(1, 0x4000000 + 4097));
    EXPECT_FALSE(super_copy_exists(2, 0x4000001000));
    EXPECT_TRUE(super_copy_exists(2, 0x4000001001));
    EXPECT_TRUE(super_copy_exists(2, UINT64_MAX));
}

TEST(Magic, AWipedOneCanBeThoughtBack) {
    const Bytes whole = test::encode_super({});
    Bytes wiped = whole;
    put(wiped, at::kMagic, 0, 8);
    EXPECT_TRUE(lacks_magic(wiped));
    EXPECT_FALSE(lacks_magic(whole));
    EXPECT_EQ(with_magic(wiped), whole);
}

// ---- what copies have in common

TEST(PartOfDevice, IsTheSameWhereOnlyChecksumPlaceAndLogDiffer) {
    SuperSpec spec;
    const Bytes first = test::encode_super(spec);
    spec.bytenr = kSuperOffsets[1];
    spec.log_root = 0x9000;
    spec.log_root_level = 1;
    Bytes second = test::encode_super(spec);
    put(second, at::kLogRootTransid, 12, 8);
    EXPECT_EQ(part_of_device(first), part_of_device(second));
}

TEST(PartOfDevice, HasEveryOtherByte) {
    const Bytes first = test::encode_super({});
    const auto part = part_of_device(first);
    for (size_t i = 32; i < first.size(); i++) {
        const bool left_out = (i >= at::kBytenr && i < at::kBytenr + 8) ||
                              (i >= at::kLogRoot && i < at::kLogRoot + 16) || i == at::kLogRootLevel;
        Bytes second = first;
        second[i] ^= 0x10;
        ASSERT_EQ(part == part_of_device(second), left_out) << i;
    }
}

TEST(PartOfVolume, IsWithoutTheDeviceItem) {
    SuperSpec spec;
    const Bytes first = test::encode_super(spec);
    for (size_t i = 32; i < first.size(); i++) {
        const bool of_device = i >= at::kDevItem && i < at::kLabel;
        Bytes second = first;
        second[i] ^= 0x10;
        const bool same = part_of_device(first) == part_of_device(second);
        ASSERT_EQ(part_of_volume(first) == part_of_volume(second), of_device || same) << i;
    }
}

// ---- refusal

Superblock with_flags(uint64_t flags) {
    Superblock super;
    super.flags = flags;
    return super;
}
Superblock with_incompat(uint64_t incompat) {
    Superblock super;
    super.incompat = incompat;
    return super;
}

TEST(Refusal, EachHalfDoneConversionAndDumpIsRefusedInWords) {
    const std::pair<unsigned, const char*> kRefused[] = {
        {33, "metadata dump"},  {34, "metadata dump"},      {35, "fsid"}, {36, "fsid"}, {38, "block-group tree"},
        {39, "data checksums"}, {40, "metadata checksums"},
    };
    for (const auto& [bit, words] : kRefused) {
        const auto why = refusal(with_flags(1 | uint64_t{1} << bit));
        ASSERT_TRUE(why) << bit;
        EXPECT_NE(why->find(words), std::string::npos) << *why;
    }
}

TEST(Refusal, FlagsOfOrdinaryFileSystemsAreNone) {
    EXPECT_FALSE(refusal(with_flags(0)));
    EXPECT_FALSE(refusal(with_flags(1 | 2 | 4)));
    EXPECT_FALSE(refusal(with_flags(uint64_t{1} << 32)));  // a seed
}

TEST(Refusal, EveryIncompatBitIsEitherKnownHarmlessOrRefused) {
    constexpr uint64_t kHarmless = 0x10fff;  // bits 0 to 11, and simple quotas
    const std::pair<unsigned, const char*> kNamed[] = {
        {12, "zoned"}, {13, "extent-tree-v2"}, {14, "raid-stripe-tree"}, {17, "remap-tree"}};
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t mask = uint64_t{1} << bit;
        const auto why = refusal(with_incompat(mask));
        if ((kHarmless & mask) != 0) {
            EXPECT_FALSE(why) << bit << ": " << *why;
            continue;
        }
        ASSERT_TRUE(why) << bit;
        std::string expected = "bit " + std::to_string(bit);
        for (const auto& [known, name] : kNamed)
            if (known == bit) expected = name;
        EXPECT_NE(why->find(expected), std::string::npos) << *why;
        EXPECT_TRUE(refusal(with_incompat(kHarmless | mask))) << "hidden by the others";
    }
}

TEST(Features, AreNamedAndUnknownOnesNumbered) {
    Superblock super;
    super.incompat = 0x80 | 0x100 | uint64_t{1} << 63;
    super.compat_ro = 1 | 8 | 0x10;
    EXPECT_EQ(feature_names(super), (std::vector<std::string>{"raid56", "skinny-metadata", "incompat-63",
                                                              "free-space-tree", "block-group-tree", "compat-ro-4"}));
}

}  // namespace
}  // namespace raid56::format
