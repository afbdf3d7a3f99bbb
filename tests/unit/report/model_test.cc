// SPDX-License-Identifier: GPL-2.0-or-later
// How far a device is said to be behind.
#include "report/model.h"

#include <gtest/gtest.h>

#include "device/memory_device.h"

namespace raid56::report {
namespace {

class Behind : public ::testing::Test {
  protected:
    Behind() {
        format::Superblock super;
        super.generation = Generation(77);
        volume_ = std::make_unique<volume::Volume>(super, std::vector<uint8_t>{});
        member_.device = &nothing_;
        member_.state = volume::DeviceState::present;
    }

    uint64_t behind(uint64_t generation) {
        member_.generation = Generation(generation);
        return device_event(*volume_, member_).behind;
    }

    device::MemoryDevice nothing_{{}};
    std::unique_ptr<volume::Volume> volume_;
    volume::Member member_;
};

TEST_F(Behind, IsTheDifferenceOfGenerationsWhateverTheState) {
    for (const auto state : {volume::DeviceState::present, volume::DeviceState::stale, volume::DeviceState::unsure,
                             volume::DeviceState::distrusted}) {
        member_.state = state;
        EXPECT_EQ(behind(77), 0u);
        EXPECT_EQ(behind(76), 1u);
        EXPECT_EQ(behind(70), 7u);
    }
}

TEST_F(Behind, NothingThatIsNewerIs) {
    member_.state = volume::DeviceState::distrusted;  // whose superblock does not speak for the file system
    EXPECT_EQ(behind(78), 0u);
}

TEST_F(Behind, NoSeedIs) {
    member_.seed = true;
    EXPECT_EQ(behind(5), 0u);
}

TEST_F(Behind, NoDeviceWithoutASuperblockIs) {
    EXPECT_EQ(behind(0), 0u);
    member_.device = nullptr;
    member_.state = volume::DeviceState::missing;
    EXPECT_EQ(behind(0), 0u);
}

}  // namespace
}  // namespace raid56::report
