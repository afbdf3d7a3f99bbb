// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/rate_limit.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "device/memory_device.h"
#include "device/open.h"
#include "support/watched_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

std::atomic<double> g_now{0};
std::atomic<bool> g_stop{false};
double now() { return g_now; }
void sleep(double seconds) {
    EXPECT_GT(seconds, 0);
    EXPECT_LE(seconds, 0.1) << "an interrupt would wait";
    g_now = g_now + seconds;
}
void sleep_and_stop(double) { g_stop = true; }

class RateLimitTest : public ::testing::Test {
  protected:
    void SetUp() override {
        g_now = 1000;
        g_stop = false;
    }
    static double taken() { return g_now - 1000; }
};

TEST_F(RateLimitTest, EachReadWaitsForThoseBeforeIt) {
    RateLimit limit(1000, now, sleep, g_stop);
    limit.take(500);
    EXPECT_EQ(taken(), 0);
    limit.take(2000);
    EXPECT_NEAR(taken(), 0.4, 1e-6) << "a tenth is caught up";
    limit.take(1);
    EXPECT_NEAR(taken(), 2.4, 1e-6);
}

TEST_F(RateLimitTest, OfTimeThatWasNotUsedNoMoreThanATenthIsSavedUp) {
    RateLimit limit(1000, now, sleep, g_stop);
    limit.take(1000);
    g_now = 1100;
    limit.take(1000);
    limit.take(1000);
    EXPECT_NEAR(taken(), 100.9, 1e-6);
}

// Who sleeps too long each time comes to the same rate.
TEST_F(RateLimitTest, LateWakersAreCaughtUp) {
    RateLimit limit(
        1000, now, [](double seconds) { g_now = g_now + seconds + 0.03; }, g_stop);
    for (int i = 0; i < 1000; i++) limit.take(10);
    EXPECT_NEAR(taken(), 10, 0.2);
}

TEST_F(RateLimitTest, NobodyWaitsOnceItIsStopped) {
    RateLimit limit(1, now, sleep_and_stop, g_stop);
    limit.take(1 << 30);
    limit.take(1 << 30);  // begins to wait, and is stopped
    EXPECT_TRUE(g_stop);
    g_stop = false;
    RateLimit stopped(
        1, now, [](double) { FAIL() << "somebody sleeps"; }, g_stop);
    g_stop = true;
    for (int i = 0; i < 3; i++) stopped.take(1 << 30);
}

TEST_F(RateLimitTest, ThreadsShareIt) {
    RateLimit limit(1000, now, sleep, g_stop);
    std::vector<std::thread> threads;
    std::mutex one;  // the clock of this test is no clock for two who sleep at once
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 25; i++) {
                const std::lock_guard lock(one);
                limit.take(100);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_NEAR(taken(), 9.8, 1e-6) << "nobody waits for the last one";
}

TEST_F(RateLimitTest, ADeviceReadsAsItDidButLater) {
    auto watched = std::make_unique<test::WatchedDevice>(std::make_unique<MemoryDevice>(pattern(0, 10000), "m"), true);
    auto& inner = *watched;
    inner.bridge_gaps(77);
    LimitedDevice device(std::move(watched), std::make_shared<RateLimit>(1000, now, sleep, g_stop));
    EXPECT_EQ(device.size(), 10000u);
    EXPECT_EQ(device.path(), "m");
    EXPECT_EQ(device.bridge(), 77u);
    EXPECT_TRUE(device.reads_in_finish());
    device.hint(0, 10000);
    EXPECT_TRUE(inner.hints().empty()) << "which would be reading without a limit";
    std::vector<uint8_t> out(1000);
    EXPECT_EQ(device.read(1000, out), 0);
    EXPECT_EQ(out, pattern(1000, 1000));
    EXPECT_EQ(device.read(9500, out), EIO);
    EXPECT_NEAR(taken(), 0.9, 1e-6);
    EXPECT_EQ(inner.reads(), (test::WatchedDevice::Ranges{{1000, 1000}, {9500, 1000}}));
}

TEST_F(RateLimitTest, OfADeviceThatIsWrittenToEveryWayToReadIsLimitedAndWritesAreNot) {
    const TempFolder folder;
    auto writer = open_for_writing(folder.file("image", 65536));
    ASSERT_TRUE(writer);
    LimitedWriter device(std::move(*writer), std::make_shared<RateLimit>(4096, now, sleep, g_stop));
    const std::vector<uint8_t> ones(4096, 1);
    std::vector<uint8_t> out(4096);
    EXPECT_EQ(device.write(8192, ones), 0);
    EXPECT_EQ(device.zero(0, 4096), 0);
    EXPECT_EQ(device.sync(), 0);
    EXPECT_EQ(taken(), 0);
    const auto reader = device.open_reader();
    ASSERT_TRUE(reader);
    EXPECT_EQ(device.read(8192, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_EQ(device.medium().read(8192, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_EQ(reader->device->read(8192, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_NEAR(taken(), 1.9, 1e-6);
}

}  // namespace
}  // namespace raid56::device
