// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/events.h"

#include <gtest/gtest.h>

#include "device/memory_device.h"
#include "support/encode.h"

namespace raid56::scrub {
namespace {

constexpr uint64_t kStart = 0x1000000, kOffset = 0x200000;

/// A chunk on devices 11, 12, ... with sectors of 4 KiB.
volume::Volume make(format::Profile profile, unsigned width) {
    format::Superblock super;
    super.sectorsize = 4096;
    volume::Volume volume(super, {});
    format::Chunk chunk;
    chunk.start = Logical(kStart);
    chunk.profile = profile;
    chunk.kind = format::chunk_kind::kData;
    for (unsigned i = 0; i < width; i++)
        chunk.stripes.push_back({DevId(11 + i), Physical(kOffset), test::uuid_of(static_cast<uint8_t>(i))});
    chunk.length = volume::layout_of(profile, width).data_length() * 10;
    EXPECT_TRUE(volume.add_chunk(chunk));
    return volume;
}

const Finding kBad = {Role::data, Cause::checksum, Repairable::yes, Proof::checksum, {}, 0};
const Finding kStaleP = {Role::p, Cause::parity, Repairable::yes, Proof::checksum, {}, 0};

class EventsTest : public ::testing::Test {
  protected:
    volume::Volume volume_ = make(format::Profile::raid6, 5);  // three data columns
    Counters counters_;
    uint64_t n_ = 2;
    std::optional<StripeEvents> events_;

    std::vector<uint8_t> junk_ = std::vector<uint8_t>(4096, 0xee), right_ = std::vector<uint8_t>(4096, 0x11);
    FixList fixes_;

    void SetUp() override { events_.emplace(volume_, volume_.chunks()[0], StripeNo(n_), counters_, &fixes_); }
    void report(const Cell& cell, const Finding& finding) {
        events_->report(cell, finding, {junk_.data(), right_.data()});
    }
    void tell(const Cell& cell, const Finding& finding, bool differs = true) {
        events_->tell(cell, finding, {differs ? junk_.data() : right_.data(), right_.data()});
    }
    std::vector<Damage> flush() {
        std::vector<Damage> all;
        events_->flush(all);
        return all;
    }
};

TEST_F(EventsTest, ASectorIsLocatedOnItsDevice) {
    report({1, 0, 7}, kBad);
    const auto all = flush();
    ASSERT_EQ(all.size(), 1u);
    // Full stripe 2 begins at stripe 2, so its column 1 lies on stripe 3.
    EXPECT_EQ(all[0].devid.v, 14u);
    EXPECT_EQ(all[0].physical.v, kOffset + 2 * kStripLen + 7 * 4096);
    EXPECT_EQ(all[0].length, 4096u);
    EXPECT_EQ(all[0].logical->v, kStart + (2 * 3 + 1) * kStripLen + 7 * 4096);
    EXPECT_EQ(all[0].chunk->v, kStart);
    EXPECT_EQ(all[0].full_stripe, 2u);
    EXPECT_EQ(all[0].row, 7u);
    EXPECT_EQ(all[0].role, Role::data);
    EXPECT_EQ(all[0].cause, Cause::checksum);
    EXPECT_EQ(all[0].repairable, Repairable::yes);
    EXPECT_EQ(all[0].proof, Proof::checksum);
}

TEST_F(EventsTest, ParityHasNoLogicalAddress) {
    report({3, 0, 0}, kStaleP);
    report({4, 0, 0}, {Role::q, Cause::parity, Repairable::yes, Proof::checksum, {}, 0});
    report({0, 0, 0}, {Role::free, Cause::unreadable, Repairable::yes, Proof::none, {}, 0});
    for (const auto& damage : flush()) EXPECT_FALSE(damage.logical);
}

TEST_F(EventsTest, NeighbouringRowsAlikeAreOneEvent) {
    for (const unsigned row : {3u, 5u, 4u, 9u}) report({0, 0, row}, kBad);
    const auto all = flush();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].row, 3u);
    EXPECT_EQ(all[0].length, 3 * 4096u);
    EXPECT_EQ(all[1].row, 9u);
    EXPECT_EQ(all[1].length, 4096u);
}

TEST_F(EventsTest, AWholeStripIsOneEventAndNeverMore) {
    for (unsigned column = 0; column < 3; column++)
        for (unsigned row = 0; row < 16; row++) report({column, 0, row}, kBad);
    const auto all = flush();
    ASSERT_EQ(all.size(), 3u);
    for (const auto& damage : all) EXPECT_EQ(damage.length, kStripLen);
}

TEST_F(EventsTest, RowsThatDifferInAnyFieldStayApart) {
    const std::vector<Finding> others = {
        {Role::tree, Cause::checksum, Repairable::yes, Proof::checksum, {}, 0},
        {Role::data, Cause::unreadable, Repairable::yes, Proof::checksum, {}, 0},
        {Role::data, Cause::checksum, Repairable::no, Proof::checksum, {}, 0},
        {Role::data, Cause::checksum, Repairable::yes, Proof::none, {}, 0},
        {Role::data, Cause::checksum, Repairable::yes, Proof::checksum, DevId(11), 0},
        {Role::data, Cause::checksum, Repairable::yes, Proof::checksum, {}, 5},
    };
    for (const auto& other : others) {
        report({0, 0, 0}, kBad);
        report({0, 0, 1}, other);
        report({0, 0, 2}, kBad);
        EXPECT_EQ(flush().size(), 3u);
    }
}

TEST_F(EventsTest, TheOrderIsRowThenColumnWhateverTheOrderOfReporting) {
    for (const auto& [column, row] :
         std::vector<std::pair<unsigned, unsigned>>{{4, 1}, {2, 9}, {0, 1}, {3, 0}, {2, 1}, {0, 8}})
        report({column, 0, row}, column < 3    ? kBad
                                 : column == 3 ? kStaleP
                                               : Finding{Role::q, Cause::parity, Repairable::yes, Proof::tree, {}, 0});
    std::vector<std::pair<uint64_t, uint64_t>> places;  // row, column
    for (const auto& damage : flush()) places.emplace_back(*damage.row, (damage.devid.v - 11 + 5 - n_) % 5);
    EXPECT_EQ(places, (std::vector<std::pair<uint64_t, uint64_t>>{{0, 3}, {1, 0}, {1, 2}, {1, 4}, {8, 0}, {9, 2}}));
}

TEST_F(EventsTest, ARunStandsWhereItsFirstRowStands) {
    for (unsigned row = 2; row < 10; row++) report({2, 0, row}, kBad);
    report({0, 0, 5}, kBad);
    const auto all = flush();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].length, 8 * 4096u);
    EXPECT_EQ(all[1].row, 5u);
}

TEST_F(EventsTest, FlushedEventsAreGone) {
    report({0, 0, 0}, kBad);
    EXPECT_EQ(flush().size(), 1u);
    EXPECT_TRUE(flush().empty());
}

TEST_F(EventsTest, FlushAppends) {
    std::vector<Damage> all(1);
    report({0, 0, 0}, kBad);
    events_->flush(all);
    EXPECT_EQ(all.size(), 2u);
}

// ---- counts

TEST_F(EventsTest, EverySectorIsCountedByWhatCanBeDone) {
    const Finding unproven = {Role::data, Cause::unreadable, Repairable::yes, Proof::none, {}, 0};
    report({0, 0, 0}, kBad);
    report({0, 0, 1}, unproven);
    report({3, 0, 1}, {Role::p, Cause::unreadable, Repairable::yes, Proof::none, {}, 0});
    report({0, 0, 2}, {Role::tree, Cause::checksum, Repairable::no, Proof::none, {}, 0});
    report({0, 0, 3}, {Role::data, Cause::csum_missing, Repairable::undecided, Proof::none, {}, 0});
    EXPECT_EQ(counters_.repairable_sectors, 3u);
    EXPECT_EQ(counters_.unproven_sectors, 1u) << "a parity follows from what it guards";
    EXPECT_EQ(counters_.unrepairable_sectors, 1u);
    EXPECT_EQ(counters_.undecided_sectors, 1u);
    EXPECT_EQ(counters_.unreadable_sectors, 2u);
    EXPECT_EQ(flush().size(), 5u);
}

// ---- devices that are told once a chunk

const Finding kUnproven = {Role::data, Cause::unreadable, Repairable::yes, Proof::none, {}, 0};
const Finding kLost = {Role::data, Cause::checksum, Repairable::no, Proof::none, {}, 0};
constexpr Cell kCell = {1, 0, 7};  // on device 14

class TellTest : public EventsTest {
  protected:
    device::MemoryDevice disk_{{}};

    void put(unsigned device, volume::DeviceState state) {
        auto& member = volume_.member(device);
        member.state = state;
        member.device = state == volume::DeviceState::missing ? nullptr : &disk_;
    }
    void SetUp() override {
        for (unsigned i = 0; i < 5; i++) put(i, volume::DeviceState::present);
        EventsTest::SetUp();
    }
};

TEST_F(TellTest, ASectorOfADeviceThatIsBelievedIsReported) {
    for (const auto state : {volume::DeviceState::present, volume::DeviceState::unsure}) {
        put(3, state);
        tell(kCell, kBad, false);
        const auto all = flush();
        ASSERT_EQ(all.size(), 1u);
        EXPECT_EQ(all[0].cause, Cause::checksum);
    }
    EXPECT_EQ(counters_.repairable_sectors, 2u);
}

TEST_F(TellTest, OnABehindDeviceOnlyWhatDiffersIsCountedAndNothingIsReported) {
    for (const auto state : {volume::DeviceState::stale, volume::DeviceState::distrusted}) {
        put(3, state);
        counters_ = {};
        tell(kCell, kBad, false);
        EXPECT_EQ(counters_.repairable_sectors, 0u);
        tell(kCell, kBad, true);
        EXPECT_EQ(counters_.repairable_sectors, 1u);
        EXPECT_TRUE(flush().empty());
    }
}

TEST_F(TellTest, OnAMissingDeviceWhatComesBackIsCountedOnlyAsUnproven) {
    put(3, volume::DeviceState::missing);
    tell(kCell, kBad);
    tell(kCell, kUnproven);
    EXPECT_EQ(counters_.repairable_sectors, 0u);
    EXPECT_EQ(counters_.unproven_sectors, 1u);
    EXPECT_TRUE(flush().empty());
}

TEST_F(TellTest, WhatIsLostThroughFurtherDamageIsReportedWithTheDeviceAsItsCause) {
    put(3, volume::DeviceState::missing);
    tell(kCell, kLost);
    put(3, volume::DeviceState::stale);
    tell({1, 0, 9}, kLost);
    const auto all = flush();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].cause, Cause::missing);
    EXPECT_EQ(all[1].cause, Cause::stale);
    EXPECT_EQ(counters_.unrepairable_sectors, 2u);
}

TEST_F(TellTest, WhatAChunkLostWithItsDevicesIsToldByTheChunk) {
    for (unsigned i = 0; i < 3; i++) put(i + 2, volume::DeviceState::missing);
    tell(kCell, kLost);
    tell(kCell, kUnproven);
    EXPECT_EQ(counters_.unrepairable_sectors, 1u);
    EXPECT_EQ(counters_.unproven_sectors, 0u) << "nothing of it is brought back";
    EXPECT_TRUE(flush().empty());
}

// ---- places that may be another's

class ContestedTest : public TellTest {
  protected:
    /// Another chunk claims these rows of the column's strip.
    void contest(unsigned column, unsigned first, unsigned rows) {
        const auto& own = volume_.chunks()[0];
        const unsigned index = volume::stripe_index(own.layout, StripeNo(n_), column, 0);
        format::Chunk other;
        other.start = Logical(2 * kStart);
        other.length = rows * 4096;
        other.stripes = {own.chunk.stripes[index]};
        other.stripes[0].offset = own.physical(StripeNo(n_), index) + first * 4096;
        ASSERT_TRUE(volume_.add_chunk(other));
        volume_.find_contested();
        EventsTest::SetUp();  // the chunk may have moved
    }
};

TEST_F(ContestedTest, WhatTwoDevExtentsClaimIsUndecided) {
    contest(1, 7, 2);
    for (unsigned row = 6; row < 10; row++) tell({1, 0, row}, kBad);
    tell({2, 0, 7}, kBad);
    const auto all = flush();
    ASSERT_EQ(all.size(), 4u);
    for (const auto& damage : all) {
        const bool contested =
            *damage.row >= 7 && *damage.row < 9 && damage.devid == volume_.member_of(volume_.chunks()[0], 3).devid;
        EXPECT_EQ(damage.repairable, contested ? Repairable::undecided : Repairable::yes) << *damage.row;
        EXPECT_EQ(damage.proof, contested ? Proof::none : Proof::checksum);
    }
    EXPECT_EQ(counters_.repairable_sectors, 3u);
    EXPECT_EQ(counters_.undecided_sectors, 2u);
    EXPECT_EQ(fixes_.fixes.size(), 3u);
}

TEST_F(ContestedTest, SoIsTheParityOfSuchARowAndOfNoOther) {
    contest(1, 7, 1);
    for (const unsigned row : {6u, 7u, 8u}) {
        report({3, 0, row}, kStaleP);
        report({4, 0, row}, {Role::q, Cause::parity, Repairable::yes, Proof::checksum, {}, 0});
    }
    for (const auto& damage : flush())
        EXPECT_EQ(damage.repairable, *damage.row == 7 ? Repairable::undecided : Repairable::yes);
    EXPECT_EQ(counters_.undecided_sectors, 2u);
}

TEST_F(ContestedTest, WhatIsLostOrRightStaysSo) {
    contest(1, 7, 1);
    tell({1, 0, 7}, kLost);
    EXPECT_EQ(flush().at(0).repairable, Repairable::no);
    put(3, volume::DeviceState::stale);
    tell({1, 0, 7}, kBad, false);
    EXPECT_TRUE(flush().empty()) << "nothing differs there";
    tell({1, 0, 7}, kBad);
    const auto all = flush();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].repairable, Repairable::undecided);
    EXPECT_TRUE(fixes_.fixes.empty());
}

// No allocator gives out what lies under a superblock copy; a tree may say so all the same.
TEST(MirrorEvents, ASuperblockCopyIsNeverWrittenOver) {
    auto volume = make(format::Profile::raid1c3, 3);
    volume.drop_chunks();
    format::Chunk chunk;
    chunk.start = Logical(kStart);
    chunk.profile = format::Profile::raid1;
    chunk.length = 10 * kStripLen;
    for (const uint64_t offset : {uint64_t{64 << 20}, uint64_t{80 << 20}})
        chunk.stripes.push_back({DevId(offset), Physical(offset - 4 * kStripLen), {}});
    ASSERT_TRUE(volume.add_chunk(chunk));
    Counters counters;
    FixList fixes;
    const std::vector<uint8_t> junk(4096, 1), right(4096, 2);
    StripeEvents events(volume, volume.chunks()[0], StripeNo(4), counters, &fixes);
    for (const unsigned copy : {0u, 1u})
        for (const unsigned row : {0u, 1u}) events.report({0, copy, row}, kBad, {junk.data(), right.data()});
    std::vector<Damage> all;
    events.flush(all);
    EXPECT_EQ(counters.undecided_sectors, 1u);
    ASSERT_EQ(fixes.fixes.size(), 2u);
    for (const auto& fix : fixes.fixes) EXPECT_NE(fix.what.physical.v, uint64_t{64 << 20});
}

TEST(MirrorEvents, CopiesAreToldApartAndHaveNoRow) {
    const auto volume = make(format::Profile::raid1c3, 3);
    Counters counters;
    const std::vector<uint8_t> sector(4096);
    const SectorBytes bytes{sector.data(), sector.data()};
    StripeEvents events(volume, volume.chunks()[0], StripeNo(4), counters, nullptr);
    events.report({0, 2, 3}, kBad, bytes);
    events.report({0, 0, 3}, kBad, bytes);
    events.report({0, 0, 4}, kBad, bytes);
    std::vector<Damage> all;
    events.flush(all);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].devid.v, 11u);
    EXPECT_EQ(all[0].length, 2 * 4096u);
    EXPECT_EQ(all[0].physical.v, kOffset + 4 * kStripLen + 3 * 4096);
    EXPECT_EQ(all[0].logical->v, kStart + 4 * kStripLen + 3 * 4096);
    EXPECT_FALSE(all[0].row);
    EXPECT_FALSE(all[0].full_stripe);
    EXPECT_EQ(all[1].devid.v, 13u);
}

TEST(Counters, AddSumsEveryField) {
    // Every member is a uint64_t: fill by bytes, so that none can be forgotten.
    constexpr size_t kFields = sizeof(Counters) / sizeof(uint64_t);
    Counters a, b;
    for (size_t i = 0; i < kFields; i++) {
        reinterpret_cast<uint64_t*>(&a)[i] = i + 1;
        reinterpret_cast<uint64_t*>(&b)[i] = 100 * (i + 1);
    }
    a.add(b);
    for (size_t i = 0; i < kFields; i++) EXPECT_EQ(reinterpret_cast<uint64_t*>(&a)[i], 101 * (i + 1)) << i;
}

}  // namespace
}  // namespace raid56::scrub
