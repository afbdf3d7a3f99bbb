// SPDX-License-Identifier: GPL-2.0-or-later
// What the syndromes of one row say: which single column, if any, explains why P and Q differ.
// Pure (FACTS 9: Sp = P ^ P', Sq = Q ^ Q', log Sq - log Sp = z). Safe from any thread.
// Does not promise that the suspect is guilty: one differing byte names a wrong data column by chance in
// nd of 255 cases, two columns with errors alike in a certain way imitate a third, and data that is newer
// than its parities looks like a damaged column. What that means is for the caller to judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace raid56::parity {

enum class Suspect : uint8_t {
    none,    // P and Q agree with the data
    p,       // only P differs
    q,       // only Q differs
    data,    // one data column explains every byte of both syndromes
    several  // no single column does
};

struct Finding {
    Suspect suspect = Suspect::none;
    unsigned column = 0;         // for Suspect::data
    size_t differing_bytes = 0;  // bytes in which a syndrome is not zero
};

/// columns: data 0..nd-1, P, Q (3 to 255 of them); `length` bytes each, any length and alignment. raid6
/// only. With nd = 1 a difference in all of it is data column 0's only if P and Q still agree.
Finding locate(std::span<const uint8_t* const> columns, size_t length);

}  // namespace raid56::parity
