// SPDX-License-Identifier: GPL-2.0-or-later
// 64 bytes of a column at a time, as words: the arithmetic of the scalar engine and of the syndromes.
// Written so that a compiler makes vectors of it without being told; nothing depends on that.
// Thread rule: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "parity/galois.h"

namespace raid56::parity {

/// Bytes of a Block.
inline constexpr size_t kBlockBytes = 64;

/// One byte of the field in each byte. All operations are byte by byte, so the machine's byte order
/// does not matter.
struct Block {
    std::array<uint64_t, kBlockBytes / 8> words{};

    Block& operator^=(const Block& other) {
        for (size_t i = 0; i < words.size(); i++) words[i] ^= other.words[i];
        return *this;
    }
    friend Block operator^(Block a, const Block& b) { return a ^= b; }
    Block& operator|=(const Block& other) {
        for (size_t i = 0; i < words.size(); i++) words[i] |= other.words[i];
        return *this;
    }
    friend Block operator|(Block a, const Block& b) { return a |= b; }

    bool any() const {
        uint64_t all = 0;
        for (uint64_t word : words) all |= word;
        return all != 0;
    }
};

/// `n` <= kBlockBytes bytes; the rest of the block is zero.
inline Block load(const uint8_t* from, size_t n) {
    Block block;
    if (n == kBlockBytes) {
        std::memcpy(block.words.data(), from, kBlockBytes);
    } else {
        std::memcpy(block.words.data(), from, n);
    }
    return block;
}

inline void store(const Block& block, uint8_t* to, size_t n) { std::memcpy(to, block.words.data(), n); }

/// g * x in each byte: shifted, and reduced where the highest bit fell out.
inline Block times_g(Block x) {
    constexpr uint64_t kOnes = 0x0101010101010101;
    for (uint64_t& word : x.words) {
        uint64_t high = word & (kOnes * 0x80);
        uint64_t all_ones = (high << 1) - (high >> 7);  // 0xff in each byte whose highest bit was set
        word = ((word & ~(kOnes * 0x80)) << 1) ^ (all_ones & (kOnes * galois::kPolynomial));
    }
    return x;
}

/// factor * x in each byte, by the bits of the factor.
inline Block times(uint8_t factor, Block x) {
    Block sum;
    for (unsigned bits = factor; bits != 0; bits >>= 1) {
        if (bits & 1) sum ^= x;
        x = times_g(x);
    }
    return sum;
}

/// How many bytes are not zero.
inline size_t count_nonzero(const Block& x) {
    constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7f;
    size_t count = 0;
    for (uint64_t word : x.words) {
        uint64_t high = (((word & kLow) + kLow) | word) & ~kLow;  // the highest bit of each byte that is not 0
        count += static_cast<size_t>(__builtin_popcountll(high));
    }
    return count;
}

/// P and Q of a part of the columns.
struct Parities {
    Block p, q;
};

/// P and Q of `n` <= kBlockBytes bytes at `offset` of the data columns 0..nd-1, by Horner's rule from
/// the last column down (FACTS 9). Columns `skip_a` and `skip_b` count as zero; nd skips none.
/// `at(i)` is the address of column i.
template <bool with_q, class At>
Parities fold(const At& at, unsigned nd, size_t offset, size_t n, unsigned skip_a, unsigned skip_b) {
    Parities sum;
    for (unsigned i = nd; i-- > 0;) {
        if constexpr (with_q) sum.q = times_g(sum.q);
        if (i == skip_a || i == skip_b) continue;
        Block data = load(at(i) + offset, n);
        sum.p ^= data;
        if constexpr (with_q) sum.q ^= data;
    }
    return sum;
}

}  // namespace raid56::parity
