// SPDX-License-Identifier: GPL-2.0-or-later
// Why bytes from a disk were not taken as what they claim to be. One enumerator a reason, each with
// a row in the table-driven test.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace raid56::format {

enum class Reason : uint8_t {
    truncated,
    bad_magic,
    unfinished_mkfs,
    bad_csum_type,
    bad_sectorsize,
    bad_nodesize,
    bad_leafsize,
    bad_stripesize,
    bad_level,
    bad_root_alignment,
    bad_sys_array_size,
    bad_sys_array_key,
    sys_chunk_not_system,
    no_devices,
    bad_bytes_used,
    bad_dev_item,
    several_profiles,
    bad_chunk_kind,
    bad_chunk_length,
    bad_chunk_start,
    bad_stripe_len,
    bad_stripe_count,
    bad_chunk_sectorsize,
    stripe_overflow,
    bad_bytenr,
    bad_fsid,
    bad_generation,
    bad_owner,
    bad_item_count,
    unsorted_keys,
    bad_first_key,
    bad_item_bounds,
    bad_block_pointer,
    bad_extent_kind,
    bad_extent_length,
    bad_csum_item,
    bad_file_extent,
    bad_name,
};

struct Reject {
    Reason reason;
    uint64_t have = 0;
    uint64_t expect = 0;
};

/// A decoded value, or the reason why it is none.
template <class T>
using Decoded = Result<T, Reject>;

/// The reason in words, without numbers.
const char* describe(Reason reason);
/// "corrupt <what>: <where>, <reason>, have X expect Y"
std::string message(const Reject& reject, const std::string& what, const std::string& where);

}  // namespace raid56::format
