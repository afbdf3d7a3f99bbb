// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/threads.h"

#include <gtest/gtest.h>

namespace raid56::scrub {
namespace {

TEST(ThreadCount, IsWhatWasAskedFor) {
    for (const unsigned asked : {1u, 2u, 13u, 1024u})
        for (const unsigned processors : {0u, 1u, 64u}) EXPECT_EQ(thread_count(asked, processors), asked);
}

TEST(ThreadCount, IsByItselfOneAProcessorWithinReason) {
    EXPECT_EQ(thread_count(0, 0), 1u) << "the system does not know";
    EXPECT_EQ(thread_count(0, 1), 1u);
    EXPECT_EQ(thread_count(0, 12), 12u);
    EXPECT_EQ(thread_count(0, 13), 12u);
    EXPECT_EQ(thread_count(0, 512), 12u);
}

}  // namespace
}  // namespace raid56::scrub
