// SPDX-License-Identifier: GPL-2.0-or-later
// blake2b of several blocks at once, over the lanes of the processor's vector registers; what does not fill them, and
// all where they are missing or found to be wrong, goes to libgcrypt one by one.
#include <array>
#include <atomic>

#include "checksum/blake2b_wide.h"
#include "checksum/kinds.h"
#include "checksum/many_blocks.h"

namespace raid56::checksum {

#ifdef RAID56_HAVE_BLAKE2B_WIDE
void blake2b_avx2(const uint8_t* const* blocks, size_t block_size, uint8_t* out);
void blake2b_avx512(const uint8_t* const* blocks, size_t block_size, uint8_t* out);
#endif

namespace {

constexpr size_t kSize = 32;

std::atomic<bool> refuted{false};  // the lanes were found to be wrong

#ifdef RAID56_HAVE_BLAKE2B_WIDE
constexpr std::array<Blake2bWide, 2> kWide = {{{8, blake2b_avx512}, {4, blake2b_avx2}}};

size_t first_that_runs() {
    if (__builtin_cpu_supports("avx512f")) return 0;
    return __builtin_cpu_supports("avx2") ? 1 : kWide.size();
}
#endif

}  // namespace

std::span<const Blake2bWide> blake2b_wide() {
#ifdef RAID56_HAVE_BLAKE2B_WIDE
    static const size_t first = first_that_runs();
    return std::span(kWide).subspan(first);
#else
    return {};
#endif
}

void blake2b_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    const auto ways = blake2b_wide();
    const bool fits = block_size > 0 && block_size % kBlake2bChunk == 0;
    if (fits && !ways.empty() && !refuted) {
        const auto& wide = ways.front();
        for (; blocks.size() >= wide.lanes; blocks = blocks.subspan(wide.lanes), out += wide.lanes * kSize)
            wide.digest(blocks.data(), block_size, out);
    }
    one_by_one<blake2b_stored>(blocks, block_size, kSize, out);
}

void check_blake2b_blocks() {
    if (!agree(blake2b_blocks, blake2b_stored)) refuted = true;
}

}  // namespace raid56::checksum
