// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/units.h"

#include <gtest/gtest.h>

#include <string_view>
#include <type_traits>
#include <unordered_set>

#include "base/csum_kind.h"

namespace raid56 {
namespace {

static_assert(!std::is_convertible_v<uint64_t, Logical>);
static_assert(!std::is_convertible_v<Logical, uint64_t>);
static_assert(!std::is_constructible_v<Logical, Physical>);
static_assert(!std::is_assignable_v<Logical&, Physical>);
static_assert(sizeof(DevId) == sizeof(uint64_t));

TEST(Units, AreOrderedAndCounted) {
    EXPECT_LT(Logical(1), Logical(2));
    EXPECT_EQ(Physical(4096) + 4096, Physical(8192));
    EXPECT_EQ(Logical(8192) - Logical(4096), 4096u);
    EXPECT_EQ(DevId(), DevId(0));
}

TEST(Units, AreKeysOfHashTables) {
    const std::unordered_set<DevId> seen = {DevId(1), DevId(2), DevId(1)};
    EXPECT_EQ(seen.size(), 2u);
    EXPECT_TRUE(seen.contains(DevId(2)));
}

TEST(CsumKind, SizesAndNames) {
    const struct {
        CsumKind kind;
        size_t size;
        std::string_view name;
    } rows[] = {{CsumKind::crc32c, 4, "crc32c"},
                {CsumKind::xxhash64, 8, "xxhash64"},
                {CsumKind::sha256, 32, "sha256"},
                {CsumKind::blake2b, 32, "blake2b"}};
    for (const auto& row : rows) {
        EXPECT_EQ(csum_size(row.kind), row.size);
        EXPECT_EQ(csum_name(row.kind), row.name);
        EXPECT_LE(row.size, kMaxCsumSize);
    }
}

}  // namespace
}  // namespace raid56
