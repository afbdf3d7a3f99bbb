// SPDX-License-Identifier: GPL-2.0-or-later
// A scrub where the system gives no threads at all.
#include <gtest/gtest.h>

#include <system_error>
#include <thread>

#include "fuzz/support/no_threads.h"
#include "fuzz/support/small_volume.h"
#include "fuzz/support/volume_run.h"

namespace raid56::fuzz {
namespace {

VolumeRun scrub(SmallVolume& volume) {
    std::vector<OverlayDevice*> devices;
    for (auto& device : volume.devices()) devices.push_back(device.get());
    std::atomic<bool> stop{false};
    return run_volume(devices, {}, parity::scalar_engine(), stop);
}

TEST(Threads, AScrubDoesWithoutThem) {
    SmallVolume volume({});
    volume.devices()[1]->write(volume.chunks()[2].physical, std::vector<uint8_t>(4096, 0x5a));
    const auto with = scrub(volume);
    EXPECT_EQ(with.verdict, report::Verdict::repairable);

    const NoThreads no_threads;
    EXPECT_THROW(std::thread([] {}).join(), std::system_error);
    const auto without = scrub(volume);
    EXPECT_EQ(without.report, with.report);
    EXPECT_EQ(without.writes.size(), with.writes.size());
    EXPECT_EQ(without.counters.bytes_read, with.counters.bytes_read);
}

}  // namespace
}  // namespace raid56::fuzz
