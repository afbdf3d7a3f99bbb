// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <utility>

#include "device/fault_device.h"
#include "device/memory_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

constexpr uint32_t kSector = 512;
constexpr uint64_t kSectors = 37;  // no power of 2: the halves differ
constexpr uint64_t kStart = 3 * kSector;

using BadSectors = std::vector<std::pair<uint64_t, int>>;

struct Outcome {
    std::vector<uint8_t> bytes;
    BadSectors bad;
};

Outcome read_all(ReadDevice& device, uint64_t sectors = kSectors) {
    Outcome outcome;
    outcome.bytes.assign(sectors * kSector, 0xaa);
    read_in_pieces(device, kStart, outcome.bytes, kSector,
                   [&](uint64_t offset, int error) { outcome.bad.emplace_back(offset, error); });
    return outcome;
}

std::unique_ptr<FaultDevice> make_device() {
    return std::make_unique<FaultDevice>(std::make_unique<MemoryDevice>(pattern(0, 64 * kSector)));
}

/// Every sector that is not in `bad` as it lies on the device, those in it zero.
void expect_exact(const Outcome& outcome, const BadSectors& bad) {
    EXPECT_EQ(outcome.bad, bad);
    auto expected = pattern(kStart, outcome.bytes.size());
    for (const auto& [offset, error] : bad)
        std::fill_n(expected.begin() + static_cast<ptrdiff_t>(offset - kStart), kSector, uint8_t{0});
    EXPECT_EQ(outcome.bytes, expected);
}

TEST(ReadInPieces, AllWellIsOneRead) {
    const auto device = make_device();
    expect_exact(read_all(*device), {});
    EXPECT_EQ(device->log().size(), 1u);
}

TEST(ReadInPieces, NothingToReadIsNothingDone) {
    const auto device = make_device();
    expect_exact(read_all(*device, 0), {});
    EXPECT_TRUE(device->log().empty());
}

TEST(ReadInPieces, FindsEachSingleBadSector) {
    for (uint64_t n = 0; n < kSectors; n++) {
        const auto device = make_device();
        device->fail_range(kStart + n * kSector + n, 1, EIO);
        expect_exact(read_all(*device), {{kStart + n * kSector, EIO}});
    }
}

TEST(ReadInPieces, FindsEveryPairOfBadSectors) {
    for (uint64_t a = 0; a < kSectors; a++) {
        for (uint64_t b = a + 1; b < kSectors; b++) {
            const auto device = make_device();
            device->fail_range(kStart + b * kSector, kSector, ENXIO);
            device->fail_range(kStart + a * kSector, kSector, EIO);
            expect_exact(read_all(*device), {{kStart + a * kSector, EIO}, {kStart + b * kSector, ENXIO}});
        }
    }
}

TEST(ReadInPieces, ARunOverASectorBoundary) {
    const auto device = make_device();
    device->fail_range(kStart + 2 * kSector - 1, 2, EIO);
    expect_exact(read_all(*device), {{kStart + kSector, EIO}, {kStart + 2 * kSector, EIO}});
}

TEST(ReadInPieces, AllBad) {
    const auto device = make_device();
    device->fail_range(0, UINT64_MAX, EIO);
    BadSectors all;
    for (uint64_t n = 0; n < kSectors; n++) all.emplace_back(kStart + n * kSector, EIO);
    expect_exact(read_all(*device), all);
}

TEST(ReadInPieces, AnErrorThatPassesCostsNothing) {
    const auto device = make_device();
    device->fail_call(0, EIO);
    expect_exact(read_all(*device), {});
}

TEST(ReadInPieces, LongReadsThatFailAreNoBadSectors) {
    const auto device = make_device();
    device->shorten_reads(kSector);
    expect_exact(read_all(*device), {});
}

TEST(ReadInPieces, FailingAtAnyCallNamesThatSectorOnly) {
    // One bad sector, and one more read of the search that fails: at most that read's sector is lost too.
    const uint64_t sick = kStart + 11 * kSector;
    const auto device = make_device();
    device->fail_range(sick, 1, EIO);
    read_all(*device);
    const size_t calls = device->log().size();
    for (size_t n = 0; n < calls; n++) {
        const auto again = make_device();
        again->fail_range(sick, 1, EIO);
        again->fail_call(n, EIO);
        const auto outcome = read_all(*again);
        const auto log = again->log();
        BadSectors expected = {{sick, EIO}};
        if (log[n].length == kSector && log[n].offset != sick) expected.emplace_back(log[n].offset, EIO);
        std::sort(expected.begin(), expected.end());
        expect_exact(outcome, expected);
    }
}

TEST(ReadInPieces, TheTailBehindTheEndOfTheDevice) {
    MemoryDevice device(pattern(0, kStart + 20 * kSector + 100));
    BadSectors tail;
    for (uint64_t n = 20; n < kSectors; n++) tail.emplace_back(kStart + n * kSector, EIO);
    expect_exact(read_all(device), tail);
}

}  // namespace
}  // namespace raid56::device
