// SPDX-License-Identifier: GPL-2.0-or-later
// A batch of parity jobs as the tables of the kernels: what is to be copied to the device, what each job reads there,
// and where in the memory that comes back its results lie.
// Thread rule: plain values; pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "offload/kernels.h"
#include "parity/engine.h"

namespace raid56::offload {

/// Bytes that are read, one behind the other in host memory. Place and size in units of 16 bytes.
struct Range {
    const uint8_t* start = nullptr;
    uint32_t units = 0;
    uint32_t place = 0;  // in the device's memory
    size_t bytes() const { return size_t{units} * kUnit; }
};

/// A column that is written: from `place` of `out` (units) to the host's memory.
struct Output {
    uint8_t* column = nullptr;
    size_t bytes = 0;
    uint32_t place = 0;
};

/// A job that is taken.
struct Taken {
    size_t job = 0;       // of the batch
    uint32_t groups = 0;  // work-groups that must have counted themselves
    uint32_t first_output = 0, outputs = 0;
    uint32_t digests = 0;  // number of `out`; digest jobs
    uint32_t digest_bytes = 0;
};

/// Which memory may be read beyond what jobs name, and how.
struct Surroundings {
    // Allocations of the engine: [start, start + size) may be copied whole. In order of address.
    std::vector<std::span<const uint8_t>> buffers;
    bool in_place = false;         // where all is in one of them, the device reads it there
    size_t most_bytes = SIZE_MAX;  // that are copied to the device, and come back; jobs beyond are refused
    uint32_t piece_units = 64;     // of a column, for one work-group
};

struct Plan {
    std::vector<Taken> taken;
    std::vector<Range> ranges;
    std::vector<Output> outputs;
    const uint8_t* base = nullptr;  // in place: the allocation; places of ranges count from it
    size_t in_bytes = 0;            // copied: memory that the ranges take

    // The table, but for its nonce. Of its parts: index of the first number, count of entries.
    std::vector<uint32_t> table;
    uint32_t range_table = 0;
    uint32_t row_pieces = 0, row_count = 0;
    uint32_t crc_pieces = 0, crc_count = 0;
    uint32_t xxh_pieces = 0, xxh_count = 0;

    // `out`: numbers to be zero at first, and places in numbers.
    uint32_t zero_numbers = 0;
    uint32_t samples = 0;
    uint32_t tail = 0;
    size_t out_bytes() const { return (size_t{tail} + kNonceNumbers) * 4; }
};

/// Lays a batch out. Jobs that are not taken are marked refused: such as make no sense, columns not aligned to 16
/// bytes or of no bytes or a length that is no multiple of 16, digests other than crc32c and xxhash64 or of blocks
/// that are no multiple of 256 bytes, and what is too much.
Plan make_plan(parity::Batch batch, const Surroundings& surroundings);

}  // namespace raid56::offload
