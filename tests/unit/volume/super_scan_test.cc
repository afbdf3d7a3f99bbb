// SPDX-License-Identifier: GPL-2.0-or-later
#include "volume/super_scan.h"

#include <gtest/gtest.h>

#include "sparse_device.h"
#include "support/super_image.h"

namespace raid56::volume {
namespace {

using test::Bytes;
using test::SuperSpec;

constexpr uint64_t kBig = uint64_t{1} << 40;

Bytes super_at(uint64_t offset) {
    SuperSpec spec;
    spec.bytenr = offset;
    return test::encode_super(spec);
}

std::vector<CopyState> states(const std::vector<SuperCopy>& copies) {
    std::vector<CopyState> all;
    for (const auto& copy : copies) all.push_back(copy.state);
    return all;
}

TEST(ScanSupers, FindsAllThree) {
    SparseDevice device(kBig);
    for (const uint64_t offset : format::kSuperOffsets) device.put(offset, super_at(offset));
    const auto copies = scan_supers(device);
    EXPECT_EQ(states(copies), (std::vector{CopyState::good, CopyState::good, CopyState::good}));
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQ(copies[i].index, i);
        EXPECT_EQ(copies[i].bytes, super_at(format::kSuperOffsets[i]));
        EXPECT_EQ(copies[i].super->generation.v, 7u);
        EXPECT_EQ(describe(copies[i]), "good");
    }
}

TEST(ScanSupers, WhatLiesBeyondTheEndIsAbsentAndNotRead) {
    for (const uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{4095}, uint64_t{4096}, uint64_t{0x10000 + 4095},
                                uint64_t{0x10000 + 4096}, uint64_t{0x4000000 + 4095}, uint64_t{0x4000000 + 4096}}) {
        SparseDevice device(size);
        device.put(0x10000, super_at(0x10000));
        device.put(0x4000000, super_at(0x4000000));
        const auto copies = scan_supers(device);
        EXPECT_EQ(copies[0].state, size >= 0x11000 ? CopyState::good : CopyState::absent) << size;
        EXPECT_EQ(copies[1].state, size >= 0x4001000 ? CopyState::good : CopyState::absent) << size;
        EXPECT_EQ(copies[2].state, CopyState::absent);
        EXPECT_FALSE(device.past_end()) << size;
    }
}

TEST(ScanSupers, ACopyOfAnotherPlaceIsNone) {
    SparseDevice device(kBig);
    device.put(0x10000, super_at(0x10000));
    device.put(0x4000000, super_at(0x10000));
    const auto copies = scan_supers(device);
    ASSERT_EQ(copies[1].state, CopyState::rejected);
    EXPECT_EQ(copies[1].reject->reason, format::Reason::bad_bytenr);
    EXPECT_FALSE(copies[1].super);
}

TEST(ScanSupers, TellsHowEachCopyIsBad) {
    SparseDevice device(kBig);
    Bytes hurt = super_at(0x10000);
    hurt[3000] ^= 1;  // the checksum covers the padding too
    device.put(0x10000, hurt);
    device.fail(0x4000000);
    const auto copies = scan_supers(device);
    EXPECT_EQ(states(copies), (std::vector{CopyState::bad_checksum, CopyState::unreadable, CopyState::rejected}));
    EXPECT_EQ(copies[1].error, EIO);
    EXPECT_EQ(copies[2].reject->reason, format::Reason::bad_magic);
    EXPECT_EQ(describe(copies[0]), "its checksum does not hold");
    EXPECT_EQ(describe(copies[1]), "unreadable: Input/output error");
    EXPECT_EQ(describe(copies[2]), "no btrfs magic");
}

TEST(ScanSupers, OnlyTheMagicMissingIsAStateOfItsOwn) {
    SparseDevice device(kBig);
    Bytes wiped = super_at(0x10000);
    test::put(wiped, test::super_at::kMagic, 0, 8);
    device.put(0x10000, wiped);
    Bytes more = super_at(0x4000000);
    test::put(more, test::super_at::kMagic, 0, 8);
    more[2000] ^= 1;
    device.put(0x4000000, more);
    const auto copies = scan_supers(device);
    EXPECT_EQ(copies[0].state, CopyState::magic_missing);
    ASSERT_TRUE(copies[0].super);
    EXPECT_EQ(copies[0].bytes, wiped) << "as they lie there";
    EXPECT_EQ(copies[1].state, CopyState::rejected) << "more is wrong than its magic";
}

TEST(ScanSupers, EveryChecksumKindIsKnown) {
    for (uint16_t kind = 0; kind < 4; kind++) {
        SparseDevice device(0x20000);
        SuperSpec spec;
        spec.csum_type = kind;
        device.put(0x10000, test::encode_super(spec));
        EXPECT_EQ(scan_supers(device)[0].state, CopyState::good) << kind;
    }
}

}  // namespace
}  // namespace raid56::volume
