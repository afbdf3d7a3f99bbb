// SPDX-License-Identifier: GPL-2.0-or-later
#include "device/idle.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace raid56::device {
namespace {

struct Priorities {
    int nice = 0;
    long io_class = 0;
};

Priorities own() { return {::getpriority(PRIO_PROCESS, 0), ::syscall(SYS_ioprio_get, 1, 0) >> 13}; }

// In a thread of its own: what is given up is not had back.
TEST(Idle, HoldsForTheThreadAndThoseThatItStarts) {
    Priorities before = own(), self, below;
    Result<void> done;
    std::thread([&] {
        done = be_idle();
        self = own();
        std::thread([&] { below = own(); }).join();
    }).join();
    if (!done) GTEST_SKIP() << done.error().message;
    for (const auto& seen : {self, below}) {
        EXPECT_EQ(seen.nice, 19);
        EXPECT_EQ(seen.io_class, 3);
    }
    EXPECT_EQ(own().nice, before.nice);
    EXPECT_EQ(own().io_class, before.io_class);
}

}  // namespace
}  // namespace raid56::device
