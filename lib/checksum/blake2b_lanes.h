// SPDX-License-Identifier: GPL-2.0-or-later
// BLAKE2b-256 (RFC 7693) of as many blocks at once as a vector register has 64-bit lanes: lane j of every register
// belongs to block j (figures: NOTES.md). Included by one file an instruction set, which is compiled for it; for them
// alone. Includes no library: an inline function of one, compiled for instructions that are not there, might be the
// one that the linker keeps for all.
// Does not promise: to know whether the processor has the instructions.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace raid56::checksum {
namespace {

/// Words: a vector of 64-bit lanes.
template <class Words>
class Blake2bLanes {
  public:
    /// `blocks`: `lanes` of them, `block_size` bytes each, a multiple of 128 and not 0; `out`: 32 bytes a block.
    static void digest(const uint8_t* const* blocks, size_t block_size, uint8_t* out) {
        Words state[8];
        for (unsigned i = 0; i < 8; i++) state[i] = Words{} + kStart[i];
        state[0] ^= kDigestSize | 1 << 16 | 1 << 24;  // no key, one leaf, no tree
        for (size_t done = 0; done < block_size; done += kChunk) {
            Words message[16];
            load(blocks, done, message);
            load(blocks, done + kChunk / 2, message + 8);
            compress(state, message, done + kChunk, done + kChunk == block_size);
        }
        for (unsigned lane = 0; lane < lanes; lane++)
            for (unsigned i = 0; i < 4; i++) {
                const uint64_t word = state[i][lane];
                __builtin_memcpy(out + lane * kDigestSize + i * sizeof(word), &word, sizeof(word));
            }
    }

  private:
    static constexpr unsigned lanes = sizeof(Words) / sizeof(uint64_t);
    static_assert(lanes == 4 || lanes == 8);
    static constexpr size_t kChunk = 128, kDigestSize = 32;
    static constexpr uint64_t kStart[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                           0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                           0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    static constexpr uint8_t kOrder[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    template <unsigned... lane>
    struct Lanes {};

    // Of each two neighbouring runs of `step` lanes, the upper row keeps its first and gets the lower one's first for
    // its second; the lower row the other way round.
    template <unsigned step, unsigned... lane>
    [[gnu::always_inline]] static inline void trade(Words& upper, Words& lower, Lanes<lane...>) {
        const Words a = upper, b = lower;
        upper = __builtin_shufflevector(a, b, ((lane & step) != 0 ? lanes + lane - step : lane)...);
        lower = __builtin_shufflevector(a, b, ((lane & step) != 0 ? lanes + lane : lane + step)...);
    }

    template <unsigned step, class All>
    [[gnu::always_inline]] static inline void turn(Words* rows, All all) {
        for (unsigned row = 0; row < lanes; row++)
            if ((row & step) == 0) trade<step>(rows[row], rows[row + step], all);
    }

    // Eight words of each block, turned so that a register has the same word of all of them.
    [[gnu::always_inline]] static inline void load(const uint8_t* const* blocks, size_t offset, Words* out) {
        for (unsigned first = 0; first < 8; first += lanes) {
            Words* rows = out + first;
            for (unsigned lane = 0; lane < lanes; lane++)
                __builtin_memcpy(&rows[lane], blocks[lane] + offset + first * 8, sizeof(Words));
            if constexpr (lanes == 8) {
                constexpr Lanes<0, 1, 2, 3, 4, 5, 6, 7> all;
                turn<1>(rows, all);
                turn<2>(rows, all);
                turn<4>(rows, all);
            } else {
                constexpr Lanes<0, 1, 2, 3> all;
                turn<1>(rows, all);
                turn<2>(rows, all);
            }
        }
    }

    template <unsigned by>
    static Words turned(Words word) {
        return word >> by | word << (64 - by);
    }

    [[gnu::always_inline]] static inline void mix(Words& a, Words& b, Words& c, Words& d, const Words& x,
                                                  const Words& y) {
        a += b + x;
        d = turned<32>(d ^ a);
        c += d;
        b = turned<24>(b ^ c);
        a += b + y;
        d = turned<16>(d ^ a);
        c += d;
        b = turned<63>(b ^ c);
    }

    static void compress(Words (&state)[8], const Words (&message)[16], uint64_t hashed, bool last) {
        Words v[16];
        for (unsigned i = 0; i < 8; i++) {
            v[i] = state[i];
            v[i + 8] = Words{} + kStart[i];
        }
        v[12] ^= hashed;
        if (last) v[14] = ~v[14];
        for (unsigned round = 0; round < 12; round++) {
            const uint8_t* order = kOrder[round % 10];
            const auto word = [&](unsigned i) -> const Words& { return message[order[i]]; };
            mix(v[0], v[4], v[8], v[12], word(0), word(1));
            mix(v[1], v[5], v[9], v[13], word(2), word(3));
            mix(v[2], v[6], v[10], v[14], word(4), word(5));
            mix(v[3], v[7], v[11], v[15], word(6), word(7));
            mix(v[0], v[5], v[10], v[15], word(8), word(9));
            mix(v[1], v[6], v[11], v[12], word(10), word(11));
            mix(v[2], v[7], v[8], v[13], word(12), word(13));
            mix(v[3], v[4], v[9], v[14], word(14), word(15));
        }
        for (unsigned i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
    }
};

}  // namespace
}  // namespace raid56::checksum
