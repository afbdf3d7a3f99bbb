// SPDX-License-Identifier: GPL-2.0-or-later
#include "stripe/row_reader.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "device/fault_device.h"
#include "device/memory_device.h"
#include "support/encode.h"

namespace raid56::stripe {
namespace {

using test::Bytes;
using test::uuid_of;

constexpr uint32_t kSector = 4096;
constexpr uint64_t kOffset = 0x20000;  // of each dev extent
constexpr uint64_t kFullStripes = 3;

/// A raid6 chunk on four devices; every sector says which device and where it is.
class RowsTest : public ::testing::Test {
  protected:
    RowsTest() : volume_(super(), {}) {
        format::Chunk chunk;
        chunk.start = Logical(0x1000000);
        chunk.length = kFullStripes * 2 * kStripLen;
        chunk.kind = format::chunk_kind::kMetadata;
        chunk.profile = format::Profile::raid6;
        for (uint64_t devid = 1; devid <= 4; devid++) {
            Bytes bytes(kOffset + kFullStripes * kStripLen);
            for (uint64_t at = 0; at < bytes.size(); at += kSector) {
                test::put(bytes, at, devid, 8);
                test::put(bytes, at + 8, at, 8);
            }
            devices_.push_back(
                std::make_unique<device::FaultDevice>(std::make_unique<device::MemoryDevice>(std::move(bytes))));
            volume::Member member;
            member.devid = DevId(devid);
            member.uuid = uuid_of(static_cast<uint8_t>(devid));
            member.state = volume::DeviceState::present;
            member.device = devices_.back().get();
            volume_.add_member(member);
            chunk.stripes.push_back({DevId(devid), Physical(kOffset), member.uuid});
        }
        EXPECT_TRUE(volume_.add_chunk(chunk));
    }

    static format::Superblock super() {
        format::Superblock super;
        super.sectorsize = kSector;
        super.nodesize = 16384;
        return super;
    }
    const volume::MappedChunk& chunk() const { return volume_.chunks()[0]; }

    /// Device that column `c` of full stripe n lies on, counted from 0.
    static unsigned device_of(uint64_t n, unsigned c) { return static_cast<unsigned>((n + c) % 4); }
    static uint64_t number(const uint8_t* bytes) { return *read_at<Le64>(ByteView(bytes, 8), 0); }

    void expect_column(const Row& row, uint64_t n, unsigned c, unsigned row_number) {
        EXPECT_EQ(number(row.columns[c]), device_of(n, c) + 1);
        EXPECT_EQ(number(row.columns[c] + 8), kOffset + n * kStripLen + row_number * uint64_t{kSector});
    }

    std::vector<std::unique_ptr<device::FaultDevice>> devices_;
    volume::Volume volume_;
};

TEST_F(RowsTest, EveryColumnComesFromItsDevice) {
    for (uint64_t n = 0; n < kFullStripes; n++) {
        const Rows rows(volume_, chunk(), StripeNo(n), 5, 4);
        for (unsigned i = 0; i < 4; i++) {
            const Row row = rows.row(i);
            EXPECT_EQ(row.nd, 2u);
            EXPECT_EQ(row.np, 2u);
            EXPECT_EQ(row.length, kSector);
            EXPECT_TRUE(row.erased.none());
            EXPECT_TRUE(row.proven.none());
            for (unsigned c = 0; c < 4; c++) expect_column(row, n, c, 5 + i);
        }
    }
}

TEST_F(RowsTest, OnlyTheSectorThatCannotBeReadIsErased) {
    for (uint64_t n = 0; n < kFullStripes; n++)
        for (unsigned c = 0; c < 4; c++)
            for (unsigned bad = 0; bad < 16; bad++) {
                auto& device = *devices_[device_of(n, c)];
                device.fail_range(kOffset + n * kStripLen + bad * uint64_t{kSector} + 100, 1, EIO);
                const Rows rows(volume_, chunk(), StripeNo(n), 0, 16);
                for (unsigned i = 0; i < 16; i++) {
                    const Row row = rows.row(i);
                    ASSERT_EQ(row.erased.count(), i == bad ? 1u : 0u);
                    ASSERT_EQ(row.erased[c], i == bad);
                    for (unsigned other = 0; other < 4; other++)
                        if (!row.erased[other]) expect_column(row, n, other, i);
                }
                device.heal();
            }
}

TEST_F(RowsTest, AReadThatFailsOnceIsTriedAgain) {
    devices_[1]->fail_call(0, EIO);
    const Rows rows(volume_, chunk(), StripeNo(0), 0, 4);
    for (unsigned i = 0; i < 4; i++) EXPECT_TRUE(rows.row(i).erased.none());
}

TEST_F(RowsTest, AMissingDeviceIsErasedInEveryRow) {
    volume_.member(2).device = nullptr;
    const Rows rows(volume_, chunk(), StripeNo(1), 3, 2);
    for (unsigned i = 0; i < 2; i++) EXPECT_EQ(rows.row(i).erased, ColumnSet(1u << 1)) << "stripe 2 is column 1 here";
}

TEST_F(RowsTest, WhatLiesPastTheEndOfAShortDeviceIsErased) {
    device::MemoryDevice shorter(Bytes(kOffset + 2 * kStripLen + 6 * kSector));
    volume_.member(3).device = &shorter;
    const Rows rows(volume_, chunk(), StripeNo(2), 4, 4);
    for (unsigned i = 0; i < 4; i++) EXPECT_EQ(rows.row(i).erased, ColumnSet(i < 2 ? 0 : 1u << 1));
}

TEST_F(RowsTest, AFullStripeUnderASuperblockCopyHasNoParity) {
    auto other = chunk().chunk;
    other.start = Logical(0x8000000);
    for (auto& stripe : other.stripes) stripe.offset = Physical(0);  // the copy at 64 KiB lies in full stripe 1
    ASSERT_TRUE(volume_.add_chunk(other));
    const auto& low = volume_.chunks()[1];
    EXPECT_EQ(Rows(volume_, low, StripeNo(1), 0, 1).row(0).np, 0u);
    EXPECT_EQ(Rows(volume_, low, StripeNo(1), 0, 1).row(0).columns.size(), 2u);
    EXPECT_EQ(Rows(volume_, low, StripeNo(0), 0, 1).row(0).np, 2u);
}

}  // namespace
}  // namespace raid56::stripe
