// SPDX-License-Identifier: GPL-2.0-or-later
// What tells a journal, a plan or a state file from all others.
#pragma once

#include <cstdint>
#include <random>

namespace raid56::session {

inline uint64_t random_id() {
    std::random_device source;
    return uint64_t{source()} << 32 | source();
}

}  // namespace raid56::session
