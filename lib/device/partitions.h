// SPDX-License-Identifier: GPL-2.0-or-later
// The partition table of a disk or of an image of one, by libblkid.
//
// Thread rule: safe from any thread. Reads through the page cache what is named and nothing else. Does not
// look at what the partitions hold.
#pragma once

#include <string>
#include <vector>

#include "base/range.h"
#include "base/result.h"

namespace raid56::device {

struct PartitionTable {
    std::string kind;               // libblkid's name: "gpt", "dos" (a master boot record) ...; empty: there is none
    std::vector<Range> partitions;  // bytes, in the order of the table; extended ones are left out, logical ones not
};

/// Also a GPT of which only the copy at the end is left, or that has lost its protective record, and one of
/// a disk with blocks of 4096 bytes. The device may be held. Errors: as open_named(); it cannot be read.
Result<PartitionTable> find_partitions(const std::string& path);

}  // namespace raid56::device
