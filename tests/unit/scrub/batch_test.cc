// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "sized_engine.h"
#include "support/chunk_image.h"

namespace raid56::scrub {
namespace {

using format::Profile;
using test::ChunkImage;
using test::SizedEngine;
using test::WatchedDevice;
using Ranges = WatchedDevice::Ranges;

constexpr uint32_t kSector = ChunkImage::kSector;
constexpr unsigned kRows = kStripLen / kSector;

/// A batch over full stripes [first, first + needed.size()) of a chunk.
class Reading {
  public:
    Reading(ChunkImage& image, unsigned first, std::vector<bool> needed, unsigned group)
        : engine_(size_t{group} * image.stripes() * kStripLen), image_(image), batch_(engine_) {
        aim(first, std::move(needed));
    }

    void aim(unsigned first, std::vector<bool> needed) {
        batch_.window.chunk = &image_.chunk();
        batch_.window.first = StripeNo(first);
        batch_.window.count = static_cast<unsigned>(needed.size());
        batch_.window.sectorsize = kSector;
        batch_.window.needed = std::move(needed);
        first_ = first;
    }

    Batch& batch() { return batch_; }
    std::atomic<bool>& stop() { return stop_; }
    void start() { batch_.start_reads(image_.volume()); }
    void finish() { batch_.finish_reads(stop_); }
    void load(unsigned first, unsigned end) { batch_.load(image_.volume(), stop_, first, end); }

    /// From start to end; use(n) for each needed full stripe once it is there.
    template <class Use>
    void go(Use&& use) {
        start();
        finish();
        const unsigned count = batch_.window.count;
        for (unsigned first = 0; first < count; first += batch_.group()) {
            const unsigned end = std::min(count, first + batch_.group());
            load(first, end);
            for (unsigned n = first; n < end; n++)
                if (batch_.window.needed[n]) use(n);
        }
    }
    void go() {
        go([](unsigned) {});
    }

    bool is_right(unsigned n, unsigned index) {
        const auto expected = image_.strip(first_ + n, index);
        return std::ranges::equal(ByteView(batch_.strip(n, index), expected.size()), expected);
    }
    bool sector_is_right(unsigned n, unsigned index, unsigned row) {
        const auto expected = image_.strip(first_ + n, index).subspan(size_t{row} * kSector, kSector);
        return std::ranges::equal(ByteView(batch_.strip(n, index) + size_t{row} * kSector, kSector), expected);
    }

  private:
    SizedEngine engine_;
    ChunkImage& image_;
    Batch batch_;
    unsigned first_ = 0;
    std::atomic<bool> stop_{false};
};

const std::vector<bool> kSomeNeeded = {true, true, false, true, true, true, false, false, true, true};

// ---- groups

TEST(Group, HoldsAsManyFullStripesAsTheEngineWants) {
    auto image = ChunkImage::of(Profile::raid5, 3, 10);
    for (const unsigned group : {1, 2, 3, 7, 10}) {
        Reading reading(image, 0, std::vector<bool>(10, true), group);
        reading.start();
        EXPECT_EQ(reading.batch().group(), group);
        reading.finish();
    }
}

TEST(Group, IsNeverMoreThanTheWindowNorLessThanOne) {
    auto image = ChunkImage::of(Profile::raid5, 3, 10);
    const auto group_of = [&](size_t batch_bytes, unsigned count) {
        SizedEngine engine(batch_bytes);
        Batch batch(engine);
        batch.window.chunk = &image.chunk();
        batch.window.count = count;
        batch.window.sectorsize = kSector;
        batch.window.needed.assign(count, false);
        batch.start_reads(image.volume());
        return batch.group();
    };
    EXPECT_EQ(group_of(0, 10), 1u);
    EXPECT_EQ(group_of(3 * kStripLen - 1, 10), 1u);
    EXPECT_EQ(group_of(6 * kStripLen - 1, 10), 1u);
    EXPECT_EQ(group_of(6 * kStripLen, 10), 2u);
    EXPECT_EQ(group_of(SIZE_MAX, 10), 10u);
    EXPECT_EQ(group_of(SIZE_MAX, 1), 1u);
}

// ---- bytes

TEST(Strips, HoldTheBytesOfTheirDevicesWhicheverOfThemAreLate) {
    for (const auto& [profile, stripes] :
         {std::pair{Profile::raid5, 3u}, {Profile::raid6, 4u}, {Profile::raid10, 4u}}) {
        auto image = ChunkImage::of(profile, stripes, 12);
        for (unsigned mask = 0; mask < 1u << stripes; mask++)
            for (const unsigned group : {1, 3, 4, 99}) {
                image.make_late(mask);
                Reading reading(image, 2, kSomeNeeded, group);
                unsigned seen = 0;
                reading.go([&, stripes = stripes](unsigned n) {
                    seen++;
                    for (unsigned i = 0; i < stripes; i++)
                        ASSERT_TRUE(reading.is_right(n, i)) << "late " << mask << " group " << group << " " << n << i;
                });
                EXPECT_EQ(seen, 7u);
            }
    }
}

TEST(Strips, OfDevicesThatReadAtOnceStayWhileGroupsCome) {
    auto image = ChunkImage::of(Profile::raid5, 3, 10);
    image.make_late(0b010);
    Reading reading(image, 0, std::vector<bool>(10, true), 3);
    reading.go();
    for (unsigned n = 0; n < 10; n++) EXPECT_TRUE(reading.is_right(n, 0) && reading.is_right(n, 2)) << n;
    EXPECT_TRUE(reading.is_right(9, 1));
}

TEST(Strips, OfOneBatchUsedForOtherWindowsAndOtherDevices) {
    auto image = ChunkImage::of(Profile::raid5, 3, 20);
    Reading reading(image, 0, std::vector<bool>(2, true), 2);
    const auto all_right = [&] {
        bool right = true;
        reading.go([&](unsigned n) {
            for (unsigned i = 0; i < 3; i++) right = right && reading.is_right(n, i) && !reading.batch().any_bad(n, i);
        });
        return right;
    };
    image.faults(1).fail_range(image.offset(0, 1), 1, EIO);
    EXPECT_FALSE(all_right());
    image.faults(1).heal();
    EXPECT_TRUE(all_right()) << "nothing is left of the error";
    reading.aim(3, std::vector<bool>(17, true));
    EXPECT_TRUE(all_right()) << "more memory";
    image.make_late(0b101);
    reading.aim(1, std::vector<bool>(9, true));
    EXPECT_TRUE(all_right()) << "rings";
    image.make_late(0b011);
    EXPECT_TRUE(all_right()) << "other rings";
}

TEST(Strips, OfTheOthersAreThereWithoutAMissingDevice) {
    auto image = ChunkImage::of(Profile::raid5, 3, 6);
    for (const unsigned mask : {0b000, 0b001, 0b101}) {
        image.make_late(mask);
        image.volume().member(1).device = nullptr;
        Reading reading(image, 0, std::vector<bool>(6, true), 2);
        reading.go([&](unsigned n) { EXPECT_TRUE(reading.is_right(n, 0) && reading.is_right(n, 2)) << n; });
        EXPECT_EQ(reading.batch().counters.bytes_read, 2 * 6 * kStripLen);
    }
}

// ---- what is read, and when

TEST(Reads, OfLateDevicesAreHintedAtAndWaitForTheirGroup) {
    auto image = ChunkImage::of(Profile::raid5, 3, 12);
    image.make_late(0b110);
    Reading reading(image, 2, kSomeNeeded, 4);
    reading.start();
    reading.finish();
    const auto at = [&](unsigned n, unsigned i) { return image.offset(2 + n, i); };
    for (const unsigned i : {1, 2}) {
        EXPECT_EQ(image.device(i).hints(),
                  (Ranges{{at(0, i), 2 * kStripLen}, {at(3, i), 3 * kStripLen}, {at(8, i), 2 * kStripLen}}));
        EXPECT_EQ(image.device(i).reads(), Ranges{});
        image.device(i).clear_log();
    }
    reading.load(0, 4);
    for (const unsigned i : {1, 2}) {
        EXPECT_EQ(image.device(i).reads(), (Ranges{{at(0, i), 2 * kStripLen}, {at(3, i), kStripLen}}));
        image.device(i).clear_log();
    }
    reading.load(4, 8);
    for (const unsigned i : {1, 2}) {
        EXPECT_EQ(image.device(i).reads(), (Ranges{{at(4, i), 2 * kStripLen}}));
        EXPECT_EQ(image.device(i).hints(), Ranges{});
    }
}

TEST(Reads, OfOtherDevicesAreUnderWayFromTheStartAndNotMadeAgain) {
    auto image = ChunkImage::of(Profile::raid5, 3, 12);
    image.make_late(0b110);
    Reading reading(image, 2, kSomeNeeded, 4);
    reading.start();
    const auto at = [&](unsigned n) { return image.offset(2 + n, 0); };
    const Ranges runs = {{at(0), 2 * kStripLen}, {at(3), 3 * kStripLen}, {at(8), 2 * kStripLen}};
    EXPECT_EQ(image.device(0).reads(), runs);
    EXPECT_EQ(image.device(0).in_flight(), 3u);
    reading.finish();
    EXPECT_EQ(image.device(0).in_flight(), 0u);
    for (unsigned n = 0; n < 10; n += 4) reading.load(n, std::min(10u, n + 4));
    EXPECT_EQ(image.device(0).reads(), runs);
    EXPECT_EQ(image.device(0).hints(), Ranges{});
}

TEST(Reads, TouchNoFullStripeThatIsNotNeeded) {
    auto image = ChunkImage::of(Profile::raid6, 4, 12);
    for (const unsigned mask : {0b0000, 0b1111, 0b0101}) {
        image.make_late(mask);
        Reading reading(image, 1, kSomeNeeded, 3);
        reading.go();
        for (unsigned i = 0; i < 4; i++) {
            std::vector<unsigned> touched(12);
            for (const auto& read : image.device(i).reads())
                for (unsigned n = 0; n < 12; n++)
                    touched[n] +=
                        read.offset < image.offset(n + 1, i) && image.offset(n, i) < read.offset + read.length;
            for (unsigned n = 0; n < 12; n++)
                EXPECT_EQ(touched[n], n >= 1 && n <= 10 && kSomeNeeded[n - 1] ? 1u : 0u)
                    << mask << " " << i << " " << n;
            image.device(i).clear_log();
        }
    }
}

TEST(Reads, OfTheLastStripEndWithTheDevExtent) {
    const uint64_t length = 4 * kStripLen + 5 * kSector;
    for (const auto& [profile, stripes] : {std::pair{Profile::single, 1u}, {Profile::raid1, 2u}})
        for (const bool late : {false, true}) {
            ChunkImage image(profile, stripes, length);
            image.make_late(late ? ~0u : 0);
            Reading reading(image, 1, std::vector<bool>(4, true), 3);
            reading.go([&, stripes = stripes](unsigned n) {
                for (unsigned i = 0; i < stripes; i++) {
                    EXPECT_TRUE(reading.is_right(n, i)) << n;
                    EXPECT_FALSE(reading.batch().any_bad(n, i)) << n;
                }
            });
            for (unsigned i = 0; i < stripes; i++) {
                const auto& device = image.device(i);
                EXPECT_EQ(device.reads().back().offset + device.reads().back().length, device.size());
                for (const auto& hint : device.hints()) EXPECT_LE(hint.offset + hint.length, device.size());
            }
            EXPECT_EQ(reading.batch().counters.bytes_read, stripes * (length - kStripLen));
        }
}

TEST(Reads, AreCountedAlikeWheneverTheyAreMade) {
    auto image = ChunkImage::of(Profile::raid5, 3, 12);
    image.faults(1).fail_range(image.offset(5, 1), 10 * kSector, EIO);
    for (unsigned mask = 0; mask < 8; mask++) {
        image.make_late(mask);
        Reading reading(image, 2, kSomeNeeded, 4);
        reading.go();
        EXPECT_EQ(reading.batch().counters.bytes_read, 3 * 7 * kStripLen) << mask;
        reading.go();
        EXPECT_EQ(reading.batch().counters.bytes_read, 3 * 7 * kStripLen) << "counters start anew";
    }
}

// ---- errors

TEST(Errors, MarkExactlyTheBadSectors) {
    struct Bad {
        unsigned n, index, row;
        bool operator==(const Bad&) const = default;
    };
    const std::vector<Bad> bad = {{0, 0, 0}, {1, 0, 15}, {3, 0, 0}, {3, 2, 7}, {5, 1, 3}, {5, 1, 4}, {9, 2, 15}};
    auto image = ChunkImage::of(Profile::raid5, 3, 12);
    for (const auto& b : bad)
        image.faults(b.index).fail_range(image.offset(2 + b.n, b.index) + b.row * uint64_t{kSector} + 77, 1, EIO);
    for (unsigned mask = 0; mask < 8; mask++)
        for (const unsigned group : {1, 4, 99}) {
            image.make_late(mask);
            Reading reading(image, 2, kSomeNeeded, group);
            reading.go([&](unsigned n) {
                for (unsigned i = 0; i < 3; i++) {
                    bool any = false;
                    for (unsigned r = 0; r < kRows; r++) {
                        const bool expected = std::ranges::find(bad, Bad{n, i, r}) != bad.end();
                        any = any || expected;
                        ASSERT_EQ(reading.batch().is_bad(n, i, r), expected)
                            << mask << " " << n << " " << i << " " << r;
                        if (!expected) ASSERT_TRUE(reading.sector_is_right(n, i, r)) << mask << " " << n << " " << r;
                    }
                    EXPECT_EQ(reading.batch().any_bad(n, i), any) << n << " " << i;
                }
            });
        }
}

TEST(Errors, ThatAreGoneTheSecondTimeMarkNothing) {
    for (const unsigned mask : {0b000, 0b111}) {
        auto image = ChunkImage::of(Profile::raid5, 3, 4);
        image.make_late(mask);
        image.faults(1).fail_call(0, EIO);
        Reading reading(image, 0, std::vector<bool>(4, true), 2);
        reading.go([&](unsigned n) {
            for (unsigned i = 0; i < 3; i++) EXPECT_TRUE(reading.is_right(n, i) && !reading.batch().any_bad(n, i)) << n;
        });
    }
}

TEST(Errors, InTheShortLastStripMarkItsSectorsAlone) {
    for (const bool late : {false, true}) {
        ChunkImage image(Profile::single, 1, 3 * kStripLen + 5 * kSector);
        image.make_late(late ? 1 : 0);
        image.faults(0).fail_range(image.offset(3, 0) + 4 * kSector, 1, EIO);
        Reading reading(image, 0, std::vector<bool>(4, true), 2);
        reading.go();
        for (unsigned n = 0; n < 4; n++)
            for (unsigned r = 0; r < kRows; r++)
                EXPECT_EQ(reading.batch().is_bad(n, 0, r), n == 3 && r == 4) << n << " " << r;
    }
}

TEST(Errors, AreNotLookedIntoOnceTheUserStops) {
    for (const unsigned mask : {0b000, 0b111}) {
        auto image = ChunkImage::of(Profile::raid5, 3, 4);
        image.make_late(mask);
        for (unsigned i = 0; i < 3; i++) image.faults(i).fail_range(0, UINT64_MAX, EIO);
        Reading reading(image, 0, std::vector<bool>(4, true), 4);
        reading.stop() = true;
        reading.go();
        for (unsigned i = 0; i < 3; i++) EXPECT_EQ(image.device(i).reads().size(), 1u);
    }
}

// ---- reads under way never outlive their memory

TEST(UnderWay, IsNothingAfterTheBatchWasLeftHalfway) {
    auto image = ChunkImage::of(Profile::raid5, 3, 10);
    {
        Reading reading(image, 0, kSomeNeeded, 4);
        reading.start();
        for (unsigned i = 0; i < 3; i++) EXPECT_EQ(image.device(i).in_flight(), 3u);
    }
    for (unsigned i = 0; i < 3; i++) EXPECT_EQ(image.device(i).in_flight(), 0u);
}

TEST(UnderWay, IsNothingAfterMemoryRanOutBetweenTwoReads) {
    auto image = ChunkImage::of(Profile::raid5, 3, 10);
    for (const size_t reads : {0, 1, 2}) {
        {
            Reading reading(image, 0, kSomeNeeded, 4);
            image.device(1).clear_log();
            image.device(1).be_poor(reads);
            EXPECT_THROW(reading.start(), std::bad_alloc);
            EXPECT_EQ(image.device(1).in_flight(), reads);
        }
        for (unsigned i = 0; i < 3; i++) EXPECT_EQ(image.device(i).in_flight(), 0u) << i;
    }
}

TEST(UnderWay, AreTheReadsOfTheLatestWindowAlone) {
    auto image = ChunkImage::of(Profile::raid5, 3, 10);
    Reading reading(image, 0, kSomeNeeded, 4);
    reading.start();
    reading.aim(2, std::vector<bool>(8, true));
    unsigned right = 0;
    reading.go(
        [&](unsigned n) { right += reading.is_right(n, 0) && reading.is_right(n, 1) && reading.is_right(n, 2); });
    EXPECT_EQ(right, 8u);
    for (unsigned i = 0; i < 3; i++) EXPECT_EQ(image.device(i).in_flight(), 0u);
}

}  // namespace
}  // namespace raid56::scrub
