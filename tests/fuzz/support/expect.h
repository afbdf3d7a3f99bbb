// SPDX-License-Identifier: GPL-2.0-or-later
// What must hold of every input: a crash that says what did not.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace raid56::fuzz {

[[noreturn]] inline void broken(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    std::abort();
}

}  // namespace raid56::fuzz

/// Stays in every build, whatever NDEBUG says.
#define FUZZ_EXPECT(condition)                                                    \
    do {                                                                          \
        if (!(condition)) ::raid56::fuzz::broken(#condition, __FILE__, __LINE__); \
    } while (false)
