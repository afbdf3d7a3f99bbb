// SPDX-License-Identifier: GPL-2.0-or-later
// The structs as they lie on disk: packed, little-endian, with the kernel's field names
// (<linux/btrfs_tree.h>; offsets in FACTS 1). Nothing here is checked: use the decoders beside it.
#pragma once

#include "base/bytes.h"

namespace raid56::format::raw {

struct disk_key {
    Le64 objectid;
    uint8_t type;
    Le64 offset;
};
static_assert(sizeof(disk_key) == 17);

struct dev_item {
    Le64 devid, total_bytes, bytes_used;
    Le32 io_align, io_width, sector_size;
    Le64 type, generation, start_offset;
    Le32 dev_group;
    uint8_t seek_speed, bandwidth;
    uint8_t uuid[16], fsid[16];
};
static_assert(sizeof(dev_item) == 98);

struct stripe {
    Le64 devid, offset;
    uint8_t dev_uuid[16];
};
static_assert(sizeof(stripe) == 32);

struct chunk {  // followed by num_stripes stripes
    Le64 length, owner, stripe_len, type;
    Le32 io_align, io_width, sector_size;
    Le16 num_stripes, sub_stripes;
};
static_assert(sizeof(chunk) == 48);

struct super_block {
    uint8_t csum[32], fsid[16];
    Le64 bytenr, flags, magic, generation, root, chunk_root, log_root, log_root_transid;
    Le64 total_bytes, bytes_used, root_dir_objectid, num_devices;
    Le32 sectorsize, nodesize, leafsize, stripesize, sys_chunk_array_size;
    Le64 chunk_root_generation, compat_flags, compat_ro_flags, incompat_flags;
    Le16 csum_type;
    uint8_t root_level, chunk_root_level, log_root_level;
    struct dev_item dev_item;
    char label[256];
    Le64 cache_generation, uuid_tree_generation;
    uint8_t metadata_uuid[16];
    uint8_t reserved[224];
    uint8_t sys_chunk_array[2048];
    uint8_t super_roots[4 * 168];
    uint8_t padding[565];
};
static_assert(sizeof(super_block) == 4096);

struct header {
    uint8_t csum[32], fsid[16];
    Le64 bytenr, flags;
    uint8_t chunk_tree_uuid[16];
    Le64 generation, owner;
    Le32 nritems;
    uint8_t level;
};
static_assert(sizeof(header) == 101);

struct item {
    disk_key key;
    Le32 offset, size;  // offset counts from the end of the header
};
static_assert(sizeof(item) == 25);

struct key_ptr {
    disk_key key;
    Le64 blockptr, generation;
};
static_assert(sizeof(key_ptr) == 33);

struct extent_item {
    Le64 refs, generation, flags;
};
static_assert(sizeof(extent_item) == 24);

struct tree_block_info {
    disk_key key;
    uint8_t level;
};
static_assert(sizeof(tree_block_info) == 18);

struct file_extent_item {  // inline data starts at disk_bytenr
    Le64 generation, ram_bytes;
    uint8_t compression, encryption;
    Le16 other_encoding;
    uint8_t type;
    Le64 disk_bytenr, disk_num_bytes, offset, num_bytes;
};
static_assert(sizeof(file_extent_item) == 53);

struct timespec {
    Le64 sec;
    Le32 nsec;
};

struct inode_item {
    Le64 generation, transid, size, nbytes, block_group;
    Le32 nlink, uid, gid, mode;
    Le64 rdev, flags, sequence, reserved[4];
    struct timespec atime, ctime, mtime, otime;
};
static_assert(sizeof(inode_item) == 160);

struct root_item {  // the part that old kernels wrote too
    struct inode_item inode;
    Le64 generation, root_dirid, bytenr, byte_limit, bytes_used, last_snapshot, flags;
    Le32 refs;
    disk_key drop_progress;
    uint8_t drop_level, level;
};
static_assert(sizeof(root_item) == 239);

struct inode_ref {  // followed by name; repeated
    Le64 index;
    Le16 name_len;
};
static_assert(sizeof(inode_ref) == 10);

struct inode_extref {  // followed by name; repeated
    Le64 parent_objectid, index;
    Le16 name_len;
};
static_assert(sizeof(inode_extref) == 18);

struct root_ref {  // followed by name
    Le64 dirid, sequence;
    Le16 name_len;
};
static_assert(sizeof(root_ref) == 18);

struct dir_item {  // followed by name, then data
    disk_key location;
    Le64 transid;
    Le16 data_len, name_len;
    uint8_t type;
};
static_assert(sizeof(dir_item) == 30);

struct dev_replace_item {
    Le64 src_devid, cursor_left, cursor_right, cont_reading_from_srcdev_mode, replace_state;
    Le64 time_started, time_stopped, num_write_errors, num_uncorrectable_read_errors;
};
static_assert(sizeof(dev_replace_item) == 72);

}  // namespace raid56::format::raw
