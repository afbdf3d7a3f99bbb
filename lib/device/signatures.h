// SPDX-License-Identifier: GPL-2.0-or-later
// What is known to lie on a file or device, by libblkid: file systems, members of RAIDs and of volume
// managers, encrypted containers, swap, partition tables.
//
// Thread rule: safe from any thread. Reads through the page cache what is named and nothing else: no list
// of devices, no cache of earlier answers. Does not promise that what it does not know holds nothing; on
// 1440 KiB or less it does not look for members of RAIDs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace raid56::device {

/// Zeros over [offset, offset + length), bytes, and this one is found no more.
struct Signature {
    std::string name;  // libblkid's: "ext4", "linux_raid_member", "crypto_LUKS", "LVM2_member", "swap", "gpt" ...
    uint64_t offset = 0;
    uint64_t length = 0;
    bool operator==(const Signature&) const = default;
};

/// All that are found at once, those whose own checksum does not hold too; none is an empty list. One kind
/// is found at one place at a time: a spare copy (the second header of a GPT) only when the first is gone,
/// so who wipes asks again until the list is empty.
/// The device may be held by this program or another. Errors: as open_named(); it cannot be read.
Result<std::vector<Signature>> find_signatures(const std::string& path);

}  // namespace raid56::device
