// SPDX-License-Identifier: GPL-2.0-or-later
// The system refuses threads, as it does where a container has used up its own: so that what can do without them does.
#pragma once

#include <pthread.h>

#include <cstddef>

#include "fuzz/support/expect.h"

namespace raid56::fuzz {

/// While one is there, new threads of the default kind want a stack that no address space holds, and are not had.
class NoThreads {
  public:
    NoThreads() {
        FUZZ_EXPECT(pthread_getattr_default_np(&before_) == 0);
        pthread_attr_t vast;
        FUZZ_EXPECT(pthread_attr_init(&vast) == 0 && pthread_attr_setstacksize(&vast, size_t{1} << 50) == 0);
        FUZZ_EXPECT(pthread_setattr_default_np(&vast) == 0);
        pthread_attr_destroy(&vast);
    }
    ~NoThreads() {
        pthread_setattr_default_np(&before_);
        pthread_attr_destroy(&before_);
    }
    NoThreads(const NoThreads&) = delete;
    NoThreads& operator=(const NoThreads&) = delete;

  private:
    pthread_attr_t before_;
};

}  // namespace raid56::fuzz
