// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/items.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/item_image.h"

namespace raid56::format {
namespace {

using test::Bytes;
using test::Encoder;

// ---- extents

TEST(Extent, OfData) {
    const Bytes data = test::encode_extent_item(3, 99, 1);
    const auto extent = decode_extent({{0x100000, 168, 0x8000000}, data}, 4096, 16384);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->start.v, 0x100000u);
    EXPECT_EQ(extent->length, 0x8000000u);
    EXPECT_EQ(extent->generation.v, 99u);
    EXPECT_FALSE(extent->tree);
    EXPECT_FALSE(extent->owner);
}

TEST(Extent, OfABlockSkinny) {
    const auto item = test::tree_extent(0x104000, 3, objectid::kExtentTree, 12);
    const auto extent = decode_extent({item.key, item.data}, 4096, 16384);
    ASSERT_TRUE(extent);
    EXPECT_TRUE(extent->tree);
    EXPECT_EQ(extent->length, 16384u);
    EXPECT_EQ(extent->level, 3);
    EXPECT_EQ(extent->generation.v, 12u);
    EXPECT_EQ(extent->owner, objectid::kExtentTree);
}

TEST(Extent, OfABlockWithItsInfo) {
    const Bytes data = Encoder().u64(1).u64(12).u64(2 | 0x100).zeros(17).u8(2).u8(176).u64(objectid::kCsumTree).take();
    const auto extent = decode_extent({{0x104000, 168, 16384}, data}, 4096, 16384);
    ASSERT_TRUE(extent);
    EXPECT_TRUE(extent->tree);
    EXPECT_EQ(extent->level, 2);
    EXPECT_EQ(extent->owner, objectid::kCsumTree);
}

std::optional<uint64_t> owner_of(uint64_t refs, uint8_t ref_type, uint64_t root) {
    const Bytes data = Encoder().u64(refs).u64(7).u64(2).u8(ref_type).u64(root).take();
    const auto extent = decode_extent({{0x104000, 169, 0}, data}, 4096, 16384);
    return extent ? extent->owner : std::optional<uint64_t>(12345);
}

TEST(Extent, TheOwnerIsKnownOnlyWhereOneReferenceNamesATreeThatSharesNothing) {
    EXPECT_EQ(owner_of(1, type::kTreeBlockRef, 2), 2u);
    EXPECT_FALSE(owner_of(2, type::kTreeBlockRef, 2)) << "another reference may be a keyed item";
    EXPECT_FALSE(owner_of(1, type::kSharedBlockRef, 2)) << "that is a parent's address";
    EXPECT_FALSE(owner_of(1, type::kTreeBlockRef, objectid::kFsTree));
    EXPECT_FALSE(owner_of(1, type::kTreeBlockRef, 256));
    EXPECT_FALSE(owner_of(1, type::kTreeBlockRef, objectid::kTreeReloc));
    EXPECT_FALSE(owner_of(1, type::kTreeBlockRef, objectid::kTreeLog));
    EXPECT_EQ(owner_of(1, type::kTreeBlockRef, objectid::kDataRelocTree), objectid::kDataRelocTree);
}

TEST(Extent, WithoutAnyInlineReferenceHasNoKnownOwner) {
    const Bytes data = test::encode_extent_item(1, 7, 2);
    const auto extent = decode_extent({{0x104000, 169, 0}, data}, 4096, 16384);
    ASSERT_TRUE(extent);
    EXPECT_FALSE(extent->owner);
}

// ---- file extents

Item file_item(const Bytes& data) { return {{257, type::kExtentData, 0x2000}, data}; }

TEST(FileExtent, OnDisk) {
    test::FileExtentSpec spec;
    spec.disk_bytenr = 0x100000;
    spec.disk_num_bytes = 0x10000;
    spec.offset = 0x4000;
    spec.num_bytes = 0xc000;
    const Bytes data = test::encode_file_extent(spec);
    const auto extent = decode_file_extent(file_item(data), 4096);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->inode, 257u);
    EXPECT_EQ(extent->file_offset, 0x2000u);
    EXPECT_EQ(extent->type, ExtentType::regular);
    EXPECT_EQ(extent->disk_start.v, 0x100000u);
    EXPECT_EQ(extent->disk_length, 0x10000u);
    EXPECT_EQ(extent->offset, 0x4000u);
    EXPECT_EQ(extent->length, 0xc000u);
    EXPECT_TRUE(extent->on_disk());
}

TEST(FileExtent, Preallocated) {
    test::FileExtentSpec spec;
    spec.type = 2;
    spec.disk_bytenr = 0x100000;
    spec.disk_num_bytes = spec.num_bytes = 0x10000;
    const Bytes data = test::encode_file_extent(spec);
    const auto extent = decode_file_extent(file_item(data), 4096);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->type, ExtentType::preallocated);
    EXPECT_TRUE(extent->on_disk());
}

TEST(FileExtent, ACompressedOneMayUnpackToMoreThanLiesOnDisk) {
    test::FileExtentSpec spec;
    spec.compression = 3;
    spec.disk_bytenr = 0x100000;
    spec.disk_num_bytes = 0x1000;
    spec.ram_bytes = 0x20000;
    spec.offset = 0x10000;
    spec.num_bytes = 0x10000;
    const Bytes data = test::encode_file_extent(spec);
    const auto extent = decode_file_extent(file_item(data), 4096);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->compression, 3);
    EXPECT_EQ(extent->disk_length, 0x1000u);
}

TEST(FileExtent, AHoleIsNowhere) {
    test::FileExtentSpec spec;
    spec.disk_num_bytes = 0x1000;
    spec.num_bytes = 0x5000;
    const Bytes data = test::encode_file_extent(spec);
    const auto extent = decode_file_extent(file_item(data), 4096);
    ASSERT_TRUE(extent);
    EXPECT_FALSE(extent->on_disk());
    EXPECT_EQ(extent->length, 0x5000u);
}

TEST(FileExtent, InlineDataFollowsTheHead) {
    const Bytes data = test::encode_inline_extent("hello");
    const auto extent = decode_file_extent(file_item(data), 4096);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->type, ExtentType::inline_data);
    EXPECT_EQ(extent->length, 5u);
    EXPECT_FALSE(extent->on_disk());
}

// ---- roots

TEST(RootItem, BothSizesAreTaken) {
    for (const bool legacy : {false, true}) {
        const Bytes data = test::encode_root(0x123000, 3, 44, 1, legacy);
        ASSERT_EQ(data.size(), legacy ? 239u : 439u);
        const auto root = decode_root({{256, type::kRootItem, 0}, data}, 4096);
        ASSERT_TRUE(root);
        EXPECT_EQ(root->block.v, 0x123000u);
        EXPECT_EQ(root->level, 3);
        EXPECT_EQ(root->generation.v, 44u);
        EXPECT_EQ(root->refs, 1u);
    }
}

TEST(RootItem, WithoutReferencesIsBeingDeleted) {
    const Bytes data = test::encode_root(0x123000, 0, 44, 0);
    const auto root = decode_root({{256, type::kRootItem, 0}, data}, 4096);
    ASSERT_TRUE(root);
    EXPECT_EQ(root->refs, 0u);
}

// ---- inodes and names

TEST(InodeItem, SaysSizeModeAndWhetherThereAreChecksums) {
    for (const uint64_t flags : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{3}}) {
        const Bytes data = test::encode_inode(0x1234, 0100644, flags);
        ASSERT_EQ(data.size(), 160u);
        const auto inode = decode_inode({{257, type::kInodeItem, 0}, data});
        ASSERT_TRUE(inode);
        EXPECT_EQ(inode->size, 0x1234u);
        EXPECT_EQ(inode->mode, 0100644u);
        EXPECT_EQ(inode->no_checksums(), (flags & 1) != 0);
    }
}

TEST(DirItem, HoldsEveryNameOfOneHash) {
    Bytes data = test::encode_dir_entry({257, 1, 0}, "one", "attribute");
    const Bytes second = test::encode_dir_entry({258, 132, UINT64_MAX}, std::string("t\0w", 3));
    data.insert(data.end(), second.begin(), second.end());
    const auto entries = decode_dir_item({{256, type::kDirItem, 1}, data});
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 2u);
    EXPECT_EQ((*entries)[0].name, "one");
    EXPECT_EQ((*entries)[0].location, (Key{257, 1, 0}));
    EXPECT_EQ((*entries)[1].name, std::string_view("t\0w", 3));
    EXPECT_EQ((*entries)[1].location, (Key{258, 132, UINT64_MAX}));
}

TEST(DirItem, SaysWhetherItIsADirectory) {
    for (const uint8_t kind : {1, 2, 7}) {
        Bytes data = test::encode_dir_entry({257, 1, 0}, "name");
        data[29] = kind;
        const auto entries = decode_dir_item({{256, type::kDirIndex, 2}, data});
        ASSERT_TRUE(entries);
        EXPECT_EQ(entries->front().directory, kind == 2);
    }
}

TEST(NameIn, HasTheNumberInItsDirectory) {
    const Bytes ref = test::Encoder().u64(17).u16(2).text("ab").u64(18).u16(1).text("c").take();
    const auto names = decode_inode_refs({{257, type::kInodeRef, 256}, ref});
    ASSERT_TRUE(names);
    ASSERT_EQ(names->size(), 2u);
    EXPECT_EQ((*names)[0].index, 17u);
    EXPECT_EQ((*names)[1].index, 18u);
    const Bytes extref = test::Encoder().u64(300).u64(19).u16(1).text("d").take();
    const auto extended = decode_inode_refs({{257, type::kInodeExtref, 1}, extref});
    ASSERT_TRUE(extended);
    EXPECT_EQ(extended->front().index, 19u);
    EXPECT_EQ(extended->front().directory, 300u);
    const Bytes backref = test::Encoder().u64(256).u64(20).u16(1).text("e").take();
    const auto subvolume = decode_root_backref({{257, type::kRootBackref, 5}, backref});
    ASSERT_TRUE(subvolume);
    EXPECT_EQ(subvolume->index, 20u);
}

// ---- checksums

TEST(CsumItem, CoversOneSectorADigest) {
    const auto item = test::csum_item(0x100000, 5, 10, 32);
    const auto run = decode_csum_item({item.key, item.data}, 4096, 32);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->start.v, 0x100000u);
    EXPECT_EQ(run->count, 5u);
    EXPECT_EQ(run->digests.size(), 160u);
    EXPECT_EQ(run->digests[32], 11);
}

TEST(ReplaceState, IsReadAndUnknownOnesAreNone) {
    for (uint64_t state = 0; state < 7; state++) {
        const Bytes data = Encoder().u64(1).u64(0).u64(0).u64(0).u64(state).zeros(32).take();
        ASSERT_EQ(data.size(), 72u);
        const auto decoded = decode_replace_state({{0, type::kDevReplace, 0}, data});
        ASSERT_EQ(decoded.has_value(), state <= 4) << state;
        if (decoded) EXPECT_EQ(static_cast<uint64_t>(*decoded), state);
    }
    EXPECT_FALSE(decode_replace_state({{0, type::kDevReplace, 0}, Bytes(71)}));
}

// ---- truncation

struct Cut {
    const char* name;
    Bytes data;
    size_t needed;  // the shortest length that is taken
    std::function<std::optional<Reason>(ByteView)> decode;
};

template <class T>
std::optional<Reason> reason(const Decoded<T>& decoded) {
    return decoded ? std::nullopt : std::optional(decoded.error().reason);
}

TEST(Items, TruncatedAtEveryLengthNeverReadPastTheEnd) {
    test::FileExtentSpec spec;
    spec.disk_bytenr = 0x100000;
    spec.disk_num_bytes = spec.num_bytes = 0x1000;
    const std::vector<Cut> cuts = {
        {"data extent", test::encode_extent_item(1, 7, 1), 24,
         [](ByteView d) {
             return reason(decode_extent({{0x1000, 168, 0x1000}, d}, 4096, 16384));
         }},
        {"skinny extent", test::tree_extent(0x1000, 1, 2).data, 24,
         [](ByteView d) {
             return reason(decode_extent({{0x1000, 169, 1}, d}, 4096, 16384));
         }},
        {"block extent", Encoder().u64(1).u64(7).u64(2).zeros(18).u8(176).u64(2).take(), 42,
         [](ByteView d) {
             return reason(decode_extent({{0x4000, 168, 16384}, d}, 4096, 16384));
         }},
        {"root", test::encode_root(0x1000, 0, 7, 1), 239,
         [](ByteView d) {
             return reason(decode_root({{5, 132, 0}, d}, 4096));
         }},
        {"file extent", test::encode_file_extent(spec), 53,
         [](ByteView d) {
             return reason(decode_file_extent(file_item({d.begin(), d.end()}), 4096));
         }},
        {"inline extent", test::encode_inline_extent("abc"), 21,
         [](ByteView d) {
             return reason(decode_file_extent({{257, 108, 0}, d}, 4096));
         }},
        {"inode", test::encode_inode(1, 1, 1), 160,
         [](ByteView d) {
             return reason(decode_inode({{257, 1, 0}, d}));
         }},
    };
    for (const auto& cut : cuts) {
        for (size_t length = 0; length <= cut.data.size(); length++) {
            // A copy of just that length: a sanitizer sees a read beyond it.
            const Bytes part(cut.data.begin(), cut.data.begin() + static_cast<ptrdiff_t>(length));
            const auto why = cut.decode(part);
            ASSERT_EQ(why.has_value(), length < cut.needed) << cut.name << ' ' << length;
            if (why) ASSERT_EQ(*why, Reason::truncated) << cut.name << ' ' << length;
        }
    }
}

TEST(Items, NamesTruncatedAtEveryLengthNeverReadPastTheEnd) {
    const Bytes one = test::encode_dir_entry({257, 1, 0}, "one", "data");
    Bytes both = one;
    both.insert(both.end(), one.begin(), one.end());
    for (size_t length = 0; length <= both.size(); length++) {
        const Bytes part(both.begin(), both.begin() + static_cast<ptrdiff_t>(length));
        const auto entries = decode_dir_item({{256, 84, 1}, part});
        if (entries) EXPECT_LE(entries->size(), 2u);
        if (length >= 1 && length < 33) EXPECT_FALSE(entries) << length;
    }
}

}  // namespace
}  // namespace raid56::format
