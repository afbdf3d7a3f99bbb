// SPDX-License-Identifier: GPL-2.0-or-later
// What runs on the device, in OpenCL C 1.2, and the layout of the tables that it is given.
//
// All places are counted in units of 16 bytes, all numbers are 32 bits. Memory of three kinds:
//   in     the columns that are read, at any places
//   table  a nonce (2 numbers), then what plan.h lays out
//   out    head | two numbers a job | two samples a range | digests | columns that are written | tail
// Nothing is believed because a command is said to be complete: each work-group counts itself in its job's first
// number, `finish` writes the nonce of the table at head and tail and hands back the ends of every range of `in` as
// the device saw them.
#pragma once

#include <cstdint>

namespace raid56::offload {

inline constexpr unsigned kUnit = 16;         // bytes
inline constexpr unsigned kGroupSize = 64;    // work-items of a work-group, in every kernel
inline constexpr uint32_t kErased = ~0u;      // place of a column that is not read
inline constexpr unsigned kNonceNumbers = 4;  // head and tail, and the beginning of the table
inline constexpr unsigned kCrcTables = 4;     // of 256 numbers each; behind them one for each work-item

// Numbers of a job in the table.
struct RowJob {
    uint32_t columns = 0;    // index of its first column's place in the table
    uint32_t data = 0;       // data columns
    uint32_t uses = 0;       // Uses
    uint32_t outputs = 0;    // 0 to 2
    uint32_t factors = 0;    // output o = byte 2o * Sp + byte 2o+1 * Sq
    uint32_t place[2] = {};  // of the outputs
};
enum Uses : uint32_t {
    kSumQ = 1,     // Q' is needed
    kReadP = 2,    // Sp = P ^ P', else P'
    kReadQ = 4,    // Sq = Q ^ Q', else Q'
    kCompare = 8,  // tell whether Sp or Sq differ from zero
};
// In a job's second number of `out`.
enum Differs : uint32_t { kPDiffers = 1, kQDiffers = 2 };

// A part of a row job, of one work-group: units [from, from + count) of each column.
struct RowPiece {
    uint32_t job = 0;     // index in the table
    uint32_t number = 0;  // of the job, in `out`
    uint32_t from = 0, count = 0;
};

// Blocks that follow each other, of one work-group: one for crc32c, up to kXxhBlocks for xxhash64.
struct DigestPiece {
    uint32_t number = 0;  // of the job, in `out`
    uint32_t place = 0;   // of the first block
    uint32_t units = 0;   // of each block
    uint32_t blocks = 0;
    uint32_t digests = 0;  // number of `out` that the first digest is written to
};
inline constexpr unsigned kXxhLanes = 4;
inline constexpr unsigned kXxhBlocks = kGroupSize / kXxhLanes;

/// The source of the kernels `begin`, `rows`, `crc32c`, `xxh64` and `finish`.
const char* kernel_source();

}  // namespace raid56::offload
