// SPDX-License-Identifier: GPL-2.0-or-later
// Every reason to reject: bytes that are right but for one field, and the reason that they are given.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <set>

#include "format/items.h"
#include "support/tree_image.h"

namespace raid56::format {
namespace {

using test::Bytes;
using test::put;
using Verdict = std::optional<Reject>;

template <class T>
Verdict verdict(const Decoded<T>& decoded) {
    if (decoded) return std::nullopt;
    return decoded.error();
}

struct Row {
    Reason reason;
    const char* name;
    std::function<Verdict()> decode;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

namespace at = test::super_at;

/// A superblock with one field overwritten.
std::function<Verdict()> super_with(size_t offset, uint64_t value, size_t size) {
    return [=] {
        Bytes block = test::encode_super({});
        put(block, offset, value, size);
        return verdict(decode_superblock(block, kSuperOffsets[0]));
    };
}
std::function<Verdict()> super_of(std::function<void(test::SuperSpec&)> change) {
    return [=] {
        test::SuperSpec spec;
        change(spec);
        return verdict(decode_superblock(test::encode_super(spec), kSuperOffsets[0]));
    };
}
std::function<Verdict()> chunk_of(std::function<void(test::ChunkSpec&)> change, uint64_t start = 0x1000000) {
    return [=] {
        test::ChunkSpec spec;
        change(spec);
        return verdict(decode_chunk(Logical(start), test::encode_chunk(spec), 4096));
    };
}
std::function<Verdict()> chunk_type(uint64_t type, size_t stripes) {
    return chunk_of([=](auto& spec) {
        spec.type = type;
        spec.stripes.assign(stripes, {});
    });
}

const std::vector<test::ItemSpec> kItems = {test::data_extent(0x100000, 0x1000), test::data_extent(0x200000, 0x1000),
                                            test::data_extent(0x300000, 0x1000)};
Bytes leaf() { return test::encode_leaf({}, kItems, 4096); }
Bytes node() { return test::encode_node({}, 1, {{{1, 2, 3}, 0x4000, 7}, {{1, 2, 4}, 0x8000, 7}}, 4096); }
/// A block with one field overwritten.
std::function<Verdict()> block_with(Bytes (*make)(), size_t offset, uint64_t value, size_t size) {
    return [=] {
        Bytes block = make();
        put(block, offset, value, size);
        return verdict(check_structure(block, 4096));
    };
}

std::function<Verdict()> extent(Key key, Bytes data) {
    return [=] { return verdict(decode_extent({key, data}, 4096, 16384)); };
}
/// An EXTENT_ITEM of data (flags 1) or of a tree block (2).
std::function<Verdict()> extent_item(uint64_t start, uint64_t length, uint64_t flags) {
    return extent({start, type::kExtentItem, length}, test::encode_extent_item(1, 7, flags));
}
std::function<Verdict()> file_extent(std::function<void(test::FileExtentSpec&)> change) {
    return [=] {
        test::FileExtentSpec spec;
        spec.disk_bytenr = 0x100000;
        spec.disk_num_bytes = spec.ram_bytes = spec.num_bytes = 0x4000;
        change(spec);
        const Bytes data = test::encode_file_extent(spec);
        return verdict(decode_file_extent({{257, type::kExtentData, 0}, data}, 4096));
    };
}
std::function<Verdict()> csums(uint64_t start, size_t bytes, size_t size) {
    return [=] {
        return verdict(decode_csum_item({{objectid::kExtentCsum, type::kExtentCsum, start}, Bytes(bytes)}, 4096, size));
    };
}

const std::vector<Row> kTable = {
    // Superblock.
    {Reason::truncated, "super_short", [] { return verdict(decode_superblock(Bytes(4095), 0x10000)); }},
    {Reason::bad_magic, "super_no_magic", super_with(at::kMagic, 0, 8)},
    {Reason::bad_magic, "super_other_magic", super_with(at::kMagic, 0x4D5F53665248425E, 8)},
    {Reason::unfinished_mkfs, "super_mkfs", super_of([](auto& s) { s.magic = "!BHRfS_M"; })},
    {Reason::bad_csum_type, "super_csum_type", super_with(at::kCsumType, 4, 2)},
    {Reason::bad_csum_type, "super_csum_type_high_byte", super_with(at::kCsumType, 0x100, 2)},
    {Reason::bad_bytenr, "super_of_another_place", super_with(at::kBytenr, 0x4000000, 8)},
    {Reason::bad_sectorsize, "super_sectorsize_0", super_with(at::kSectorsize, 0, 4)},
    {Reason::bad_sectorsize, "super_sectorsize_2048", super_with(at::kSectorsize, 2048, 4)},
    {Reason::bad_sectorsize, "super_sectorsize_odd", super_with(at::kSectorsize, 4097, 4)},
    {Reason::bad_sectorsize, "super_sectorsize_128k", super_with(at::kSectorsize, 131072, 4)},
    {Reason::bad_nodesize, "super_nodesize_0", super_with(at::kNodesize, 0, 4)},
    {Reason::bad_nodesize, "super_nodesize_odd", super_with(at::kNodesize, 16385, 4)},
    {Reason::bad_nodesize, "super_nodesize_128k", super_with(at::kNodesize, 131072, 4)},
    {Reason::bad_nodesize, "super_nodesize_below_sector", super_of([](auto& s) { s.sectorsize = 32768; })},
    {Reason::bad_leafsize, "super_leafsize", super_with(at::kLeafsize, 4096, 4)},
    {Reason::bad_stripesize, "super_stripesize_0", super_with(at::kStripesize, 0, 4)},
    {Reason::bad_stripesize, "super_stripesize_odd", super_with(at::kStripesize, 4097, 4)},
    {Reason::bad_level, "super_root_level", super_with(at::kRootLevel, 8, 1)},
    {Reason::bad_level, "super_chunk_root_level", super_with(at::kChunkRootLevel, 8, 1)},
    {Reason::bad_level, "super_log_root_level", super_with(at::kLogRootLevel, 255, 1)},
    {Reason::bad_root_alignment, "super_root", super_with(at::kRoot, 0x1004001, 8)},
    {Reason::bad_root_alignment, "super_chunk_root", super_with(at::kChunkRoot, 0x1000200, 8)},
    {Reason::bad_root_alignment, "super_log_root", super_with(at::kLogRoot, 1, 8)},
    {Reason::no_devices, "super_no_devices", super_with(at::kNumDevices, 0, 8)},
    {Reason::bad_bytes_used, "super_bytes_used", super_with(at::kBytesUsed, 6 * 16384 - 1, 8)},
    {Reason::bad_sys_array_size, "super_array_96", super_with(at::kSysArraySize, 96, 4)},
    {Reason::bad_sys_array_size, "super_array_2049", super_with(at::kSysArraySize, 2049, 4)},
    {Reason::bad_sys_array_size, "super_array_max", super_with(at::kSysArraySize, 0xffffffff, 4)},
    {Reason::truncated, "super_array_key_cut", super_with(at::kSysArraySize, 97 + 10, 4)},
    {Reason::truncated, "super_array_stripes_overrun", super_with(at::kSysArray + 17 + 44, 300, 2)},
    {Reason::bad_sys_array_key, "super_array_key_type", super_of([](auto& s) { s.sys_chunks[0].type = 216; })},
    {Reason::bad_sys_array_key, "super_array_key_objectid", super_of([](auto& s) { s.sys_chunks[0].objectid = 257; })},
    {Reason::sys_chunk_not_system, "super_array_data_chunk", super_of([](auto& s) { s.sys_chunks[0].chunk.type = 1; })},
    {Reason::bad_stripe_count, "super_array_no_stripes", super_of([](auto& s) {
         s.sys_chunks[0].chunk.stripes.clear();
         s.sys_chunks.push_back({});
     })},
    {Reason::bad_dev_item, "super_dev_item_fsid", super_with(at::kDevItem + 82, 0x77, 1)},
    {Reason::bad_dev_item, "super_dev_item_not_metadata_uuid", super_of([](auto& s) {
         s.incompat |= 0x400;
         s.metadata_uuid = test::uuid_of(0x33);
     })},
    // Chunks.
    {Reason::truncated, "chunk_head_cut", [] { return verdict(decode_chunk(Logical(0), Bytes(47), 4096)); }},
    {Reason::truncated, "chunk_stripe_cut", [] {
         Bytes item = test::encode_chunk({});
         item.pop_back();
         return verdict(decode_chunk(Logical(0), item, 4096));
     }},
    {Reason::truncated, "chunk_too_long", [] {
         Bytes item = test::encode_chunk({});
         item.push_back(0);
         return verdict(decode_chunk(Logical(0), item, 4096));
     }},
    {Reason::several_profiles, "chunk_raid5_and_6", chunk_type(test::chunk_type::kData | 0x180, 3)},
    {Reason::bad_chunk_kind, "chunk_no_kind", chunk_type(test::chunk_type::kRaid5, 3)},
    {Reason::bad_chunk_kind, "chunk_system_and_data", chunk_type(3, 1)},
    {Reason::bad_chunk_kind, "chunk_system_and_metadata", chunk_type(6, 1)},
    {Reason::bad_chunk_kind, "chunk_all_kinds", chunk_type(7, 1)},
    {Reason::bad_chunk_kind, "chunk_remap", chunk_type(0x801, 1)},
    {Reason::bad_chunk_kind, "chunk_unknown_bit", chunk_type(1 | uint64_t{1} << 63, 1)},
    {Reason::bad_chunk_length, "chunk_length_0", chunk_of([](auto& c) { c.length = 0; })},
    {Reason::bad_chunk_length, "chunk_length_unaligned", chunk_of([](auto& c) { c.length = 4097; })},
    {Reason::bad_chunk_length, "chunk_length_2_48", chunk_of([](auto& c) { c.length = uint64_t{1} << 48; })},
    {Reason::bad_chunk_length, "chunk_wraps", chunk_of([](auto&) {}, 0 - uint64_t{4096})},
    {Reason::bad_chunk_start, "chunk_start", chunk_of([](auto&) {}, 0x1000001)},
    {Reason::bad_stripe_len, "chunk_stripe_len", chunk_of([](auto& c) { c.stripe_len = 4096; })},
    {Reason::bad_stripe_count, "chunk_single_2", chunk_type(1, 2)},
    {Reason::bad_stripe_count, "chunk_raid0_0", chunk_type(1 | test::chunk_type::kRaid0, 0)},
    {Reason::bad_stripe_count, "chunk_raid1_3", chunk_type(1 | test::chunk_type::kRaid1, 3)},
    {Reason::bad_stripe_count, "chunk_dup_1", chunk_type(1 | test::chunk_type::kDup, 1)},
    {Reason::bad_stripe_count, "chunk_raid10_3", chunk_type(1 | test::chunk_type::kRaid10, 3)},
    {Reason::bad_stripe_count, "chunk_raid10_0", chunk_type(1 | test::chunk_type::kRaid10, 0)},
    {Reason::bad_stripe_count, "chunk_raid5_1", chunk_type(1 | test::chunk_type::kRaid5, 1)},
    {Reason::bad_stripe_count, "chunk_raid5_256", chunk_type(1 | test::chunk_type::kRaid5, 256)},
    {Reason::bad_stripe_count, "chunk_raid6_2", chunk_type(1 | test::chunk_type::kRaid6, 2)},
    {Reason::bad_stripe_count, "chunk_raid6_256", chunk_type(1 | test::chunk_type::kRaid6, 256)},
    {Reason::bad_stripe_count, "chunk_raid1c3_2", chunk_type(1 | test::chunk_type::kRaid1c3, 2)},
    {Reason::bad_stripe_count, "chunk_raid1c4_3", chunk_type(1 | test::chunk_type::kRaid1c4, 3)},
    {Reason::bad_chunk_sectorsize, "chunk_sectorsize", chunk_of([](auto& c) { c.sectorsize = 8192; })},
    {Reason::stripe_overflow, "chunk_stripe_unaligned", chunk_of([](auto& c) { c.stripes[0].offset = 0x100001; })},
    {Reason::stripe_overflow, "chunk_stripe_wraps",
     chunk_of([](auto& c) { c.stripes[0].offset = 0 - uint64_t{4096}; })},
    // Blocks.
    {Reason::bad_level, "block_level", block_with(leaf, 100, 8, 1)},
    {Reason::bad_item_count, "leaf_of_too_many", block_with(leaf, 96, (4096 - 101) / 25 + 1, 4)},
    {Reason::bad_item_count, "leaf_of_most", block_with(leaf, 96, 0xffffffff, 4)},
    {Reason::bad_item_count, "node_of_too_many", block_with(node, 96, (4096 - 101) / 33 + 1, 4)},
    {Reason::bad_item_count, "node_of_none", block_with(node, 96, 0, 4)},
    {Reason::unsorted_keys, "leaf_keys_equal", block_with(leaf, 101 + 25, 0x100000, 8)},
    {Reason::unsorted_keys, "leaf_keys_fall", block_with(leaf, 101 + 2 * 25, 0x180000, 8)},
    {Reason::unsorted_keys, "node_keys_equal", block_with(node, 101 + 33 + 9, 3, 8)},
    {Reason::bad_item_bounds, "item_over_the_heads", block_with(leaf, 101 + 2 * 25 + 17, 3 * 25 - 1, 4)},
    {Reason::bad_item_bounds, "item_past_the_end", block_with(leaf, 101 + 21, 25, 4)},
    {Reason::bad_item_bounds, "item_over_the_one_before", block_with(leaf, 101 + 25 + 21, 25, 4)},
    {Reason::bad_item_bounds, "item_that_wraps", block_with(leaf, 101 + 21, 0xffffffff, 4)},
    {Reason::bad_item_bounds, "item_offset_that_wraps", block_with(leaf, 101 + 17, 0xffffffff, 4)},
    {Reason::bad_block_pointer, "pointer_0", block_with(node, 101 + 17, 0, 8)},
    {Reason::bad_block_pointer, "pointer_unaligned", block_with(node, 101 + 33 + 17, 0x8001, 8)},
    // Extents.
    {Reason::truncated, "extent_cut", extent({0x100000, 168, 0x1000}, Bytes(23))},
    {Reason::truncated, "extent_of_a_block_without_info", extent_item(0x100000, 16384, 2)},
    {Reason::bad_extent_kind, "extent_neither", extent_item(0x100000, 0x1000, 0)},
    {Reason::bad_extent_kind, "extent_both", extent_item(0x100000, 0x1000, 3)},
    {Reason::bad_extent_kind, "skinny_of_data", extent({0x100000, 169, 0}, test::encode_extent_item(1, 7, 1))},
    {Reason::bad_extent_length, "extent_of_nothing", extent_item(0x100000, 0, 1)},
    {Reason::bad_extent_length, "extent_length_unaligned", extent_item(0x100000, 0x1001, 1)},
    {Reason::bad_extent_length, "extent_start_unaligned", extent_item(0x100001, 0x1000, 1)},
    {Reason::bad_extent_length, "extent_wraps", extent_item(0 - uint64_t{4096}, 0x1000, 1)},
    {Reason::bad_extent_length, "extent_too_long", extent_item(0x100000, kMaxExtentLength + 0x1000, 1)},
    {Reason::bad_extent_length, "extent_of_half_a_block", extent_item(0x100000, 8192, 2)},
    {Reason::bad_level, "skinny_level", extent({0x100000, 169, 8}, test::encode_extent_item(1, 7, 2))},
    {Reason::bad_level, "skinny_level_wraps", extent({0x100000, 169, 256}, test::encode_extent_item(1, 7, 2))},
    // Roots, checksums, file extents, names.
    {Reason::truncated, "root_cut", [] { return verdict(decode_root({{5, type::kRootItem, 0}, Bytes(238)}, 4096)); }},
    {Reason::bad_root_alignment, "root_unaligned", [] {
         const Bytes data = test::encode_root(0x100001, 0, 7, 1);
         return verdict(decode_root({{5, type::kRootItem, 0}, data}, 4096));
     }},
    {Reason::bad_level, "root_level", [] {
         const Bytes data = test::encode_root(0x100000, 8, 7, 1);
         return verdict(decode_root({{5, type::kRootItem, 0}, data}, 4096));
     }},
    {Reason::bad_csum_item, "csums_none", csums(0x100000, 0, 4)},
    {Reason::bad_csum_item, "csums_part_of_one", csums(0x100000, 31, 32)},
    {Reason::bad_csum_item, "csums_one_and_a_half", csums(0x100000, 6, 4)},
    {Reason::bad_csum_item, "csums_unaligned", csums(0x100001, 4, 4)},
    {Reason::bad_csum_item, "csums_wrap", csums(0 - uint64_t{4096}, 8, 4)},
    {Reason::truncated, "file_extent_cut",
     [] { return verdict(decode_file_extent({{257, 108, 0}, Bytes(20)}, 4096)); }},
    {Reason::bad_file_extent, "file_extent_type", file_extent([](auto& e) { e.type = 3; })},
    {Reason::bad_file_extent, "file_extent_start", file_extent([](auto& e) { e.disk_bytenr = 0x100001; })},
    {Reason::bad_file_extent, "file_extent_length", file_extent([](auto& e) { e.disk_num_bytes = 0x4001; })},
    {Reason::bad_file_extent, "file_extent_wraps", file_extent([](auto& e) { e.disk_bytenr = 0 - uint64_t{4096}; })},
    {Reason::bad_file_extent, "file_extent_too_long",
     file_extent([](auto& e) { e.disk_num_bytes = kMaxExtentLength + 0x1000; })},
    {Reason::bad_file_extent, "file_extent_part_behind", file_extent([](auto& e) { e.offset = 0x1000; })},
    {Reason::bad_file_extent, "file_extent_part_wraps", file_extent([](auto& e) { e.offset = 0 - uint64_t{0x1000}; })},
    {Reason::truncated, "inode_cut", [] { return verdict(decode_inode({{257, 1, 0}, Bytes(159)})); }},
    {Reason::truncated, "dir_cut", [] { return verdict(decode_dir_item({{256, 84, 1}, Bytes(29)})); }},
    {Reason::bad_name, "dir_without_name", [] {
         const Bytes data = test::encode_dir_entry({257, 1, 0}, "");
         return verdict(decode_dir_item({{256, 84, 1}, data}));
     }},
    {Reason::bad_name, "dir_name_cut", [] {
         Bytes data = test::encode_dir_entry({257, 1, 0}, "name");
         data.pop_back();
         return verdict(decode_dir_item({{256, 84, 1}, data}));
     }},
};

// What only a reader with expectations can say (tests/unit/tree).
const std::set<Reason> kElsewhere = {Reason::bad_fsid, Reason::bad_generation, Reason::bad_owner,
                                     Reason::bad_first_key};

class RejectTest : public ::testing::TestWithParam<Row> {};

TEST_P(RejectTest, TheSpoiledFieldIsTheReason) {
    const Verdict reject = GetParam().decode();
    ASSERT_TRUE(reject) << "was taken";
    EXPECT_EQ(reject->reason, GetParam().reason) << describe(reject->reason);
}

INSTANTIATE_TEST_SUITE_P(All, RejectTest, ::testing::ValuesIn(kTable),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Reasons, EachHasARowOrIsNamedAsSomebodyElses) {
    std::set<Reason> in_table;
    for (const auto& row : kTable) in_table.insert(row.reason);
    size_t known = 0;
    for (unsigned n = 0; n < 256; n++) {
        const auto reason = static_cast<Reason>(n);
        if (std::string(describe(reason)) == "?") continue;  // no enumerator: describe() has them all
        known++;
        const auto places = in_table.count(reason) + kElsewhere.count(reason);
        EXPECT_EQ(places, 1u) << describe(reason);
    }
    EXPECT_EQ(known, in_table.size() + kElsewhere.size());
}

TEST(Reasons, HaveWordsOfTheirOwn) {
    std::set<std::string> words;
    for (unsigned n = 0; n < 256; n++) {
        const std::string text = describe(static_cast<Reason>(n));
        if (text != "?") EXPECT_TRUE(words.insert(text).second) << text;
    }
}

TEST(Reasons, AMessageSaysWhatWhereWhyAndTheNumbers) {
    EXPECT_EQ(message({Reason::bad_stripe_len, 4096, 65536}, "chunk", "logical 1048576"),
              "corrupt chunk: logical 1048576, strip length is not 65536, have 4096 expect 65536");
}

TEST(Rejects, TheUnspoiledBytesAreTaken) {
    EXPECT_TRUE(decode_superblock(test::encode_super({}), kSuperOffsets[0]));
    EXPECT_TRUE(decode_chunk(Logical(0x1000000), test::encode_chunk({}), 4096));
    EXPECT_TRUE(check_structure(leaf(), 4096));
    EXPECT_TRUE(check_structure(node(), 4096));
    EXPECT_FALSE(file_extent([](auto&) {})());
    EXPECT_FALSE(csums(0x100000, 8, 4)());
    EXPECT_FALSE(csums(0 - uint64_t{8192}, 4, 4)());  // ends just below the last address
}

}  // namespace
}  // namespace raid56::format
