// SPDX-License-Identifier: GPL-2.0-or-later
// One tree block: its header, and its items or pointers once the block has been checked. Pure; the
// checksum and what the parent expects are the caller's.
#pragma once

#include <optional>

#include "base/units.h"
#include "format/key.h"
#include "format/reject.h"

namespace raid56::format {

struct Header {
    Uuid fsid{};
    Logical bytenr;
    Generation generation;
    uint64_t owner = 0;
    uint32_t nritems = 0;
    uint8_t level = 0;
};

inline constexpr uint8_t kMaxTreeLevel = 7;

/// The header of a block of at least sizeof(raw::header) bytes.
Header decode_header(ByteView block);

/// Checks that hold for every block: level, item count, keys in order, every item within its leaf and
/// apart from the others, every pointer aligned.
Result<void, Reject> check_structure(ByteView block, uint32_t sectorsize);

struct Item {
    Key key;
    ByteView data;  // into the block
};

struct Pointer {
    Key key;
    Logical block;
    Generation generation;
};

/// Access to a block that check_structure() has passed; i < nritems.
Item leaf_item(ByteView block, uint32_t i);
Pointer node_pointer(ByteView block, uint32_t i);
/// The i-th key of a leaf or node.
Key block_key(ByteView block, uint8_t level, uint32_t i);

}  // namespace raid56::format
