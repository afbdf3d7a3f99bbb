// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/reject.h"

namespace raid56::format {

const char* describe(Reason reason) {
    switch (reason) {
        case Reason::truncated: return "cut short";
        case Reason::bad_magic: return "no btrfs magic";
        case Reason::unfinished_mkfs: return "magic of an unfinished mkfs or conversion";
        case Reason::bad_csum_type: return "unknown checksum kind";
        case Reason::bad_sectorsize: return "sector size not a power of 2 in 4096..65536";
        case Reason::bad_nodesize: return "node size not a power of 2 in sector size..65536";
        case Reason::bad_leafsize: return "leaf size is not the node size";
        case Reason::bad_stripesize: return "stripe size not a power of 2";
        case Reason::bad_level: return "impossible tree level";
        case Reason::bad_root_alignment: return "root address not aligned to a sector";
        case Reason::bad_sys_array_size: return "impossible size of the system chunk array";
        case Reason::bad_sys_array_key: return "system chunk array holds a key that is no chunk's";
        case Reason::sys_chunk_not_system: return "system chunk array holds a chunk that is not of kind system";
        case Reason::no_devices: return "no devices";
        case Reason::bad_bytes_used: return "impossible number of used bytes";
        case Reason::bad_dev_item: return "device item names another file system";
        case Reason::several_profiles: return "several profiles in one chunk";
        case Reason::bad_chunk_kind: return "impossible chunk kind";
        case Reason::bad_chunk_length: return "impossible chunk length";
        case Reason::bad_chunk_start: return "chunk start not aligned to a sector";
        case Reason::bad_stripe_len: return "strip length is not 65536";
        case Reason::bad_stripe_count: return "impossible number of stripes for the profile";
        case Reason::bad_chunk_sectorsize: return "sector size differs from the superblock's";
        case Reason::stripe_overflow: return "stripe runs past the end of the address space";
        case Reason::bad_bytenr: return "belongs to another address";
        case Reason::bad_fsid: return "belongs to another file system";
        case Reason::bad_generation: return "wrong generation";
        case Reason::bad_owner: return "belongs to another tree";
        case Reason::bad_item_count: return "impossible number of items";
        case Reason::unsorted_keys: return "keys not in order";
        case Reason::bad_first_key: return "first key is not the parent's";
        case Reason::bad_item_bounds: return "item outside its leaf";
        case Reason::bad_block_pointer: return "block pointer not aligned to a sector";
        case Reason::bad_extent_kind: return "extent is neither data nor tree block";
        case Reason::bad_extent_length: return "impossible extent length";
        case Reason::bad_csum_item: return "impossible checksum item";
        case Reason::bad_file_extent: return "impossible file extent";
        case Reason::bad_name: return "impossible name";
    }
    return "?";
}

std::string message(const Reject& reject, const std::string& what, const std::string& where) {
    return "corrupt " + what + ": " + where + ", " + describe(reject.reason) + ", have " + std::to_string(reject.have) +
           " expect " + std::to_string(reject.expect);
}

}  // namespace raid56::format
