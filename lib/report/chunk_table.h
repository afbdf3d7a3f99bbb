// SPDX-License-Identifier: GPL-2.0-or-later
// Chunks as a table for people: what each bears of lost devices, and what all of them do.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "volume/volume.h"

namespace raid56::report {

struct ChunkRow {
    uint64_t logical = 0, length = 0;  // bytes
    std::string kind, profile;
    uint64_t devices = 0;           // that hold a part of it, missing ones included; each once
    std::vector<uint64_t> missing;  // devids of the missing ones, ascending; each once
    bool whole = true;              // all of it can be had back
    unsigned further_losses = 0;    // as volume::further_losses()
};

ChunkRow chunk_row(const volume::Volume& volume, const volume::MappedChunk& mapped);

/// A heading and one line for each row, in columns as wide as they must be.
void write_chunk_table(std::ostream& out, const std::vector<ChunkRow>& rows);

/// What the rows come to, as one line. `further_losses`: of the file system; nothing where that is not known
/// because not all of its chunks are.
void write_chunk_sum(std::ostream& out, const std::vector<ChunkRow>& rows, std::optional<unsigned> further_losses);

}  // namespace raid56::report
