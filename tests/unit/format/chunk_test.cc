// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/chunk.h"

#include <gtest/gtest.h>

#include "support/super_image.h"

namespace raid56::format {
namespace {

using test::Bytes;
using test::ChunkSpec;

struct ProfileCase {
    uint64_t bit;
    Profile profile;
    const char* name;
    std::vector<size_t> widths;
};
const ProfileCase kProfiles[] = {
    {0, Profile::single, "single", {1}},
    {test::chunk_type::kRaid0, Profile::raid0, "raid0", {1, 2, 7}},
    {test::chunk_type::kRaid1, Profile::raid1, "raid1", {2}},
    {test::chunk_type::kDup, Profile::dup, "dup", {2}},
    {test::chunk_type::kRaid10, Profile::raid10, "raid10", {2, 4, 10}},
    {test::chunk_type::kRaid5, Profile::raid5, "raid5", {2, 3, 255}},
    {test::chunk_type::kRaid6, Profile::raid6, "raid6", {3, 4, 255}},
    {test::chunk_type::kRaid1c3, Profile::raid1c3, "raid1c3", {3}},
    {test::chunk_type::kRaid1c4, Profile::raid1c4, "raid1c4", {4}},
};

TEST(Chunk, EveryProfileIsKnownByItsBitAndTakesItsWidths) {
    for (const auto& it : kProfiles) {
        EXPECT_STREQ(profile_name(it.profile), it.name);
        for (size_t width = 0; width < 300; width++) {
            ChunkSpec spec;
            spec.type = test::chunk_type::kData | it.bit;
            spec.stripes.assign(width, {});
            const auto chunk = decode_chunk(Logical(0x100000), test::encode_chunk(spec), 4096);
            const bool raid0 = it.profile == Profile::raid0 && width > 0;
            const bool raid10 = it.profile == Profile::raid10 && width > 0 && width % 2 == 0;
            const bool parity = (it.profile == Profile::raid5 && width >= 2 && width <= 255) ||
                                (it.profile == Profile::raid6 && width >= 3 && width <= 255);
            const bool fixed = std::find(it.widths.begin(), it.widths.end(), width) != it.widths.end();
            ASSERT_EQ(chunk.ok(), raid0 || raid10 || parity || fixed) << it.name << ' ' << width;
            if (!chunk) continue;
            EXPECT_EQ(chunk->profile, it.profile);
            EXPECT_EQ(chunk->stripes.size(), width);
        }
    }
}

TEST(Chunk, FieldsComeFromTheirPlaces) {
    ChunkSpec spec;
    spec.length = 0x12340000;
    spec.type = test::chunk_type::kData | test::chunk_type::kMetadata | test::chunk_type::kRaid5;
    spec.stripes = {{3, 0x500000, test::uuid_of(3)}, {1, 0x600000, test::uuid_of(1)}, {2, 0x700000, test::uuid_of(2)}};
    const auto chunk = decode_chunk(Logical(0x40000000), test::encode_chunk(spec), 4096);
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->start.v, 0x40000000u);
    EXPECT_EQ(chunk->length, 0x12340000u);
    EXPECT_EQ(chunk->end().v, 0x40000000u + 0x12340000u);
    EXPECT_EQ(kind_name(chunk->kind), "data+metadata");
    EXPECT_EQ(chunk->stripes[0], (Stripe{DevId(3), Physical(0x500000), test::uuid_of(3)}));
    EXPECT_EQ(chunk->stripes[2], (Stripe{DevId(2), Physical(0x700000), test::uuid_of(2)}));
}

TEST(Chunk, TruncatedAtEveryLengthIsRefused) {
    ChunkSpec spec;
    spec.type = test::chunk_type::kData | test::chunk_type::kRaid6;
    spec.stripes.assign(5, {});
    const Bytes item = test::encode_chunk(spec);
    for (size_t length = 0; length < item.size(); length++) {
        const Bytes part(item.begin(), item.begin() + static_cast<ptrdiff_t>(length));
        const auto chunk = decode_chunk(Logical(0), part, 4096);
        ASSERT_FALSE(chunk) << length;
        ASSERT_EQ(chunk.error().reason, Reason::truncated);
    }
}

TEST(Kind, IsNamedInWords) {
    EXPECT_EQ(kind_name(chunk_kind::kData), "data");
    EXPECT_EQ(kind_name(chunk_kind::kMetadata), "metadata");
    EXPECT_EQ(kind_name(chunk_kind::kSystem), "system");
    EXPECT_EQ(kind_name(chunk_kind::kData | chunk_kind::kMetadata), "data+metadata");
}

}  // namespace
}  // namespace raid56::format
