// SPDX-License-Identifier: GPL-2.0-or-later
// Zeros on the disk that loses power: the tests of repairs rest on it.
#include "support/cut_disk.h"

#include <gtest/gtest.h>

#include "device/memory_device.h"
#include "temp_folder.h"

namespace raid56::test {
namespace {

constexpr uint64_t kSize = 16 * CutDisk::kUnit;
// Parts of two units, and those between.
constexpr uint64_t kFrom = 700, kLength = 4000;

class CutDiskTest : public testing::Test {
  protected:
    static std::vector<uint8_t> zeroed() {
        auto bytes = device::pattern(0, kSize);
        std::fill_n(bytes.begin() + kFrom, kLength, uint8_t{0});
        return bytes;
    }
    std::vector<uint8_t> bytes() {
        std::vector<uint8_t> all(disk_->size());
        EXPECT_EQ(writer_.read(0, all), 0);
        return all;
    }

    Power power_;
    std::shared_ptr<CutDisk> disk_ =
        std::make_shared<CutDisk>(power_, "disk", std::make_shared<device::MemoryDevice>(device::pattern(0, kSize)));
    CutWriter writer_{disk_, {}};
};

TEST_F(CutDiskTest, ZerosAreRead) {
    EXPECT_EQ(writer_.zero(kFrom, kLength), 0);
    EXPECT_EQ(bytes(), zeroed());
    EXPECT_EQ(power_.used(), 1u) << "an operation like any other";
}

TEST_F(CutDiskTest, ZerosOverWhatWasWritten) {
    CutWriter log(std::make_shared<CutDisk>(power_, "log", nullptr), {});
    EXPECT_EQ(log.write(0, device::pattern(0, kSize)), 0);
    EXPECT_EQ(log.zero(kFrom, kLength), 0);
    std::vector<uint8_t> all(kSize);
    EXPECT_EQ(log.read(0, all), 0);
    EXPECT_EQ(all, zeroed());
}

TEST_F(CutDiskTest, ZerosInErrorChangeNothing) {
    EXPECT_EQ(writer_.zero(kSize - 1, 2), EINVAL);
    EXPECT_EQ(writer_.zero(UINT64_MAX, 1), EINVAL);
    EXPECT_EQ(writer_.zero(1, UINT64_MAX), EINVAL);
    disk_->fail_writes(kFrom, kFrom + 1);
    EXPECT_EQ(writer_.zero(kFrom, kLength), EIO);
    EXPECT_EQ(bytes(), device::pattern(0, kSize));
    EXPECT_EQ(power_.used(), 0u);
}

TEST_F(CutDiskTest, ZerosThatWereSyncedLast) {
    EXPECT_EQ(writer_.zero(kFrom, kLength), 0);
    EXPECT_EQ(writer_.sync(), 0);
    disk_->set(disk_->after_cut(Unsynced::dropped, 0));
    EXPECT_EQ(bytes(), zeroed());
}

TEST_F(CutDiskTest, ZerosThatWereNotMayBeThereOrNotOrInPart) {
    power_.cut_at(0);
    EXPECT_THROW(writer_.zero(kFrom, kLength), PowerCut);
    const auto dropped = disk_->after_cut(Unsynced::dropped, 0), kept = disk_->after_cut(Unsynced::kept, 0);
    const auto torn = disk_->after_cut(Unsynced::torn, 1);
    disk_->set(dropped);
    EXPECT_EQ(bytes(), device::pattern(0, kSize));
    disk_->set(kept);
    EXPECT_EQ(bytes(), zeroed());
    disk_->set(torn);
    size_t there = 0, not_there = 0;
    for (uint64_t at = 0; at < kSize; at += CutDisk::kUnit) {
        std::vector<uint8_t> unit(CutDisk::kUnit), after(unit);
        EXPECT_EQ(writer_.read(at, unit), 0);
        const auto before = device::pattern(at, CutDisk::kUnit), whole = zeroed();
        std::copy_n(whole.begin() + static_cast<ptrdiff_t>(at), CutDisk::kUnit, after.begin());
        EXPECT_TRUE(unit == before || unit == after) << at;
        if (before != after) (unit == after ? there : not_there)++;
    }
    EXPECT_GT(there, 0u);
    EXPECT_GT(not_there, 0u);
}

TEST_F(CutDiskTest, ZerosBehindAGrowthThatWasLostDoNotGrow) {
    constexpr uint64_t kShort = kSize - 300;
    EXPECT_EQ(writer_.resize(kShort), 0);
    EXPECT_EQ(writer_.sync(), 0);
    EXPECT_EQ(writer_.resize(2 * kSize), 0);
    EXPECT_EQ(writer_.zero(kSize - 1024, 2048), 0);
    for (uint32_t seed = 0; seed < 20; seed++) {
        const auto size = disk_->after_cut(Unsynced::torn, seed).size;
        EXPECT_TRUE(size == kShort || size == 2 * kSize) << size;
    }
}

}  // namespace
}  // namespace raid56::test
