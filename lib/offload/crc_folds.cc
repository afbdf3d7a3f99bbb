// SPDX-License-Identifier: GPL-2.0-or-later
#include "offload/crc_folds.h"

#include "offload/kernels.h"

namespace raid56::offload {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;
constexpr uint32_t kOne = 0x80000000;  // x^0

constexpr uint32_t times_x(uint32_t a) { return (a >> 1) ^ ((a & 1) != 0 ? kPolynomial : 0); }

constexpr uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t sum = 0;
    for (uint32_t bit = kOne; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) sum ^= b;
        b = times_x(b);
    }
    return sum;
}

constexpr uint32_t power_of_x(unsigned n) {
    uint32_t power = kOne;
    for (unsigned i = 0; i < n; i++) power = times_x(power);
    return power;
}

}  // namespace

std::vector<uint32_t> crc_folds() {
    std::vector<uint32_t> folds;
    const uint32_t step = power_of_x(32 * kGroupSize);
    for (unsigned j = 0; j < kCrcTables; j++)
        for (uint32_t byte = 0; byte < 256; byte++) folds.push_back(multiply(step, byte << (8 * j)));
    for (unsigned t = 0; t < kGroupSize; t++) folds.push_back(power_of_x(32 * (kGroupSize - t)));
    return folds;
}

}  // namespace raid56::offload
