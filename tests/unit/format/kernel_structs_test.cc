// SPDX-License-Identifier: GPL-2.0-or-later
// The raw structs against the kernel's own header. Everything here is settled while compiling.
#include <gtest/gtest.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>

#include <cstddef>

#include "format/key.h"
#include "format/raw.h"
#include "format/superblock.h"
#include "support/super_image.h"

namespace raid56::format {
namespace {

#define SAME_SIZE(ours, theirs) static_assert(sizeof(raw::ours) == sizeof(struct theirs))
#define SAME_PLACE(ours, theirs, field)                                          \
    static_assert(offsetof(raw::ours, field) == offsetof(struct theirs, field)); \
    static_assert(sizeof(raw::ours::field) == sizeof(theirs::field))

SAME_SIZE(disk_key, btrfs_disk_key);
SAME_PLACE(disk_key, btrfs_disk_key, objectid);
SAME_PLACE(disk_key, btrfs_disk_key, type);
SAME_PLACE(disk_key, btrfs_disk_key, offset);

SAME_SIZE(dev_item, btrfs_dev_item);
SAME_PLACE(dev_item, btrfs_dev_item, devid);
SAME_PLACE(dev_item, btrfs_dev_item, total_bytes);
SAME_PLACE(dev_item, btrfs_dev_item, bytes_used);
SAME_PLACE(dev_item, btrfs_dev_item, io_align);
SAME_PLACE(dev_item, btrfs_dev_item, io_width);
SAME_PLACE(dev_item, btrfs_dev_item, sector_size);
SAME_PLACE(dev_item, btrfs_dev_item, type);
SAME_PLACE(dev_item, btrfs_dev_item, generation);
SAME_PLACE(dev_item, btrfs_dev_item, start_offset);
SAME_PLACE(dev_item, btrfs_dev_item, dev_group);
SAME_PLACE(dev_item, btrfs_dev_item, seek_speed);
SAME_PLACE(dev_item, btrfs_dev_item, bandwidth);
SAME_PLACE(dev_item, btrfs_dev_item, uuid);
SAME_PLACE(dev_item, btrfs_dev_item, fsid);

SAME_SIZE(stripe, btrfs_stripe);
SAME_PLACE(stripe, btrfs_stripe, devid);
SAME_PLACE(stripe, btrfs_stripe, offset);
SAME_PLACE(stripe, btrfs_stripe, dev_uuid);

// The kernel's chunk has its first stripe within.
static_assert(sizeof(raw::chunk) == offsetof(struct btrfs_chunk, stripe));
static_assert(chunk_item_size(1) == sizeof(struct btrfs_chunk));
SAME_PLACE(chunk, btrfs_chunk, length);
SAME_PLACE(chunk, btrfs_chunk, owner);
SAME_PLACE(chunk, btrfs_chunk, stripe_len);
SAME_PLACE(chunk, btrfs_chunk, type);
SAME_PLACE(chunk, btrfs_chunk, io_align);
SAME_PLACE(chunk, btrfs_chunk, io_width);
SAME_PLACE(chunk, btrfs_chunk, sector_size);
SAME_PLACE(chunk, btrfs_chunk, num_stripes);
SAME_PLACE(chunk, btrfs_chunk, sub_stripes);

SAME_SIZE(extent_item, btrfs_extent_item);
SAME_PLACE(extent_item, btrfs_extent_item, refs);
SAME_PLACE(extent_item, btrfs_extent_item, generation);
SAME_PLACE(extent_item, btrfs_extent_item, flags);

SAME_SIZE(tree_block_info, btrfs_tree_block_info);
SAME_PLACE(tree_block_info, btrfs_tree_block_info, key);
SAME_PLACE(tree_block_info, btrfs_tree_block_info, level);

SAME_SIZE(file_extent_item, btrfs_file_extent_item);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, generation);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, ram_bytes);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, compression);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, encryption);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, other_encoding);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, type);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, disk_bytenr);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, disk_num_bytes);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, offset);
SAME_PLACE(file_extent_item, btrfs_file_extent_item, num_bytes);

SAME_SIZE(timespec, btrfs_timespec);
SAME_PLACE(timespec, btrfs_timespec, sec);
SAME_PLACE(timespec, btrfs_timespec, nsec);

SAME_SIZE(inode_item, btrfs_inode_item);
SAME_PLACE(inode_item, btrfs_inode_item, generation);
SAME_PLACE(inode_item, btrfs_inode_item, transid);
SAME_PLACE(inode_item, btrfs_inode_item, size);
SAME_PLACE(inode_item, btrfs_inode_item, nbytes);
SAME_PLACE(inode_item, btrfs_inode_item, block_group);
SAME_PLACE(inode_item, btrfs_inode_item, nlink);
SAME_PLACE(inode_item, btrfs_inode_item, uid);
SAME_PLACE(inode_item, btrfs_inode_item, gid);
SAME_PLACE(inode_item, btrfs_inode_item, mode);
SAME_PLACE(inode_item, btrfs_inode_item, rdev);
SAME_PLACE(inode_item, btrfs_inode_item, flags);
SAME_PLACE(inode_item, btrfs_inode_item, sequence);
SAME_PLACE(inode_item, btrfs_inode_item, reserved);
SAME_PLACE(inode_item, btrfs_inode_item, atime);
SAME_PLACE(inode_item, btrfs_inode_item, ctime);
SAME_PLACE(inode_item, btrfs_inode_item, mtime);
SAME_PLACE(inode_item, btrfs_inode_item, otime);

// Old kernels wrote a root item up to its level; newer ones add to it.
static_assert(sizeof(raw::root_item) == offsetof(struct btrfs_root_item, generation_v2));
static_assert(sizeof(struct btrfs_root_item) == 439);
SAME_PLACE(root_item, btrfs_root_item, inode);
SAME_PLACE(root_item, btrfs_root_item, generation);
SAME_PLACE(root_item, btrfs_root_item, root_dirid);
SAME_PLACE(root_item, btrfs_root_item, bytenr);
SAME_PLACE(root_item, btrfs_root_item, byte_limit);
SAME_PLACE(root_item, btrfs_root_item, bytes_used);
SAME_PLACE(root_item, btrfs_root_item, last_snapshot);
SAME_PLACE(root_item, btrfs_root_item, flags);
SAME_PLACE(root_item, btrfs_root_item, refs);
SAME_PLACE(root_item, btrfs_root_item, drop_progress);
SAME_PLACE(root_item, btrfs_root_item, drop_level);
SAME_PLACE(root_item, btrfs_root_item, level);

SAME_SIZE(dir_item, btrfs_dir_item);
SAME_PLACE(dir_item, btrfs_dir_item, location);
SAME_PLACE(dir_item, btrfs_dir_item, transid);
SAME_PLACE(dir_item, btrfs_dir_item, data_len);
SAME_PLACE(dir_item, btrfs_dir_item, name_len);
SAME_PLACE(dir_item, btrfs_dir_item, type);

SAME_SIZE(dev_replace_item, btrfs_dev_replace_item);
SAME_PLACE(dev_replace_item, btrfs_dev_replace_item, src_devid);
SAME_PLACE(dev_replace_item, btrfs_dev_replace_item, cursor_left);
SAME_PLACE(dev_replace_item, btrfs_dev_replace_item, cursor_right);
SAME_PLACE(dev_replace_item, btrfs_dev_replace_item, replace_state);
SAME_PLACE(dev_replace_item, btrfs_dev_replace_item, time_started);
SAME_PLACE(dev_replace_item, btrfs_dev_replace_item, num_uncorrectable_read_errors);

// Headers of Linux 6.2 and later have these too.
#ifdef BTRFS_SYSTEM_CHUNK_ARRAY_SIZE
SAME_SIZE(super_block, btrfs_super_block);
SAME_PLACE(super_block, btrfs_super_block, bytenr);
SAME_PLACE(super_block, btrfs_super_block, magic);
SAME_PLACE(super_block, btrfs_super_block, generation);
SAME_PLACE(super_block, btrfs_super_block, log_root);
SAME_PLACE(super_block, btrfs_super_block, sys_chunk_array_size);
SAME_PLACE(super_block, btrfs_super_block, incompat_flags);
SAME_PLACE(super_block, btrfs_super_block, csum_type);
SAME_PLACE(super_block, btrfs_super_block, log_root_level);
SAME_PLACE(super_block, btrfs_super_block, dev_item);
SAME_PLACE(super_block, btrfs_super_block, label);
SAME_PLACE(super_block, btrfs_super_block, metadata_uuid);
SAME_PLACE(super_block, btrfs_super_block, sys_chunk_array);
SAME_PLACE(super_block, btrfs_super_block, super_roots);
SAME_SIZE(header, btrfs_header);
SAME_PLACE(header, btrfs_header, bytenr);
SAME_PLACE(header, btrfs_header, generation);
SAME_PLACE(header, btrfs_header, owner);
SAME_PLACE(header, btrfs_header, nritems);
SAME_PLACE(header, btrfs_header, level);
SAME_SIZE(item, btrfs_item);
SAME_SIZE(key_ptr, btrfs_key_ptr);
#endif

// Older headers leave the superblock and the blocks out: the offsets as the format notes have them.
namespace at = test::super_at;
static_assert(offsetof(raw::super_block, fsid) == at::kFsid);
static_assert(offsetof(raw::super_block, bytenr) == at::kBytenr);
static_assert(offsetof(raw::super_block, flags) == at::kFlags);
static_assert(offsetof(raw::super_block, magic) == at::kMagic);
static_assert(offsetof(raw::super_block, generation) == at::kGeneration);
static_assert(offsetof(raw::super_block, root) == at::kRoot);
static_assert(offsetof(raw::super_block, chunk_root) == at::kChunkRoot);
static_assert(offsetof(raw::super_block, log_root) == at::kLogRoot);
static_assert(offsetof(raw::super_block, log_root_transid) == at::kLogRootTransid);
static_assert(offsetof(raw::super_block, total_bytes) == at::kTotalBytes);
static_assert(offsetof(raw::super_block, bytes_used) == at::kBytesUsed);
static_assert(offsetof(raw::super_block, num_devices) == at::kNumDevices);
static_assert(offsetof(raw::super_block, sectorsize) == at::kSectorsize);
static_assert(offsetof(raw::super_block, nodesize) == at::kNodesize);
static_assert(offsetof(raw::super_block, leafsize) == at::kLeafsize);
static_assert(offsetof(raw::super_block, stripesize) == at::kStripesize);
static_assert(offsetof(raw::super_block, sys_chunk_array_size) == at::kSysArraySize);
static_assert(offsetof(raw::super_block, chunk_root_generation) == 164);
static_assert(offsetof(raw::super_block, compat_flags) == 172);
static_assert(offsetof(raw::super_block, compat_ro_flags) == 180);
static_assert(offsetof(raw::super_block, incompat_flags) == at::kIncompat);
static_assert(offsetof(raw::super_block, csum_type) == at::kCsumType);
static_assert(offsetof(raw::super_block, root_level) == at::kRootLevel);
static_assert(offsetof(raw::super_block, chunk_root_level) == at::kChunkRootLevel);
static_assert(offsetof(raw::super_block, log_root_level) == at::kLogRootLevel);
static_assert(offsetof(raw::super_block, dev_item) == at::kDevItem);
static_assert(offsetof(raw::super_block, label) == at::kLabel);
static_assert(offsetof(raw::super_block, cache_generation) == 555);
static_assert(offsetof(raw::super_block, uuid_tree_generation) == 563);
static_assert(offsetof(raw::super_block, metadata_uuid) == at::kMetadataUuid);
static_assert(offsetof(raw::super_block, sys_chunk_array) == at::kSysArray);
static_assert(offsetof(raw::super_block, super_roots) == at::kBackupRoots);
static_assert(offsetof(raw::header, fsid) == 32 && offsetof(raw::header, bytenr) == 48);
static_assert(offsetof(raw::header, flags) == 56 && offsetof(raw::header, chunk_tree_uuid) == 64);
static_assert(offsetof(raw::header, generation) == 80 && offsetof(raw::header, owner) == 88);
static_assert(offsetof(raw::header, nritems) == 96 && offsetof(raw::header, level) == 100);
static_assert(offsetof(raw::item, offset) == 17 && offsetof(raw::item, size) == 21);
static_assert(offsetof(raw::key_ptr, blockptr) == 17 && offsetof(raw::key_ptr, generation) == 25);

static_assert(type::kDirIndex == BTRFS_DIR_INDEX_KEY);
static_assert(type::kInodeItem == BTRFS_INODE_ITEM_KEY && type::kInodeRef == BTRFS_INODE_REF_KEY);
static_assert(type::kInodeExtref == BTRFS_INODE_EXTREF_KEY && type::kOrphan == BTRFS_ORPHAN_ITEM_KEY);
static_assert(type::kDirItem == BTRFS_DIR_ITEM_KEY && type::kExtentData == BTRFS_EXTENT_DATA_KEY);
static_assert(type::kExtentCsum == BTRFS_EXTENT_CSUM_KEY && type::kRootItem == BTRFS_ROOT_ITEM_KEY);
static_assert(type::kRootBackref == BTRFS_ROOT_BACKREF_KEY && type::kRootRef == BTRFS_ROOT_REF_KEY);
static_assert(type::kExtentItem == BTRFS_EXTENT_ITEM_KEY && type::kMetadataItem == BTRFS_METADATA_ITEM_KEY);
static_assert(type::kTreeBlockRef == BTRFS_TREE_BLOCK_REF_KEY && type::kExtentDataRef == BTRFS_EXTENT_DATA_REF_KEY);
static_assert(type::kSharedBlockRef == BTRFS_SHARED_BLOCK_REF_KEY && type::kSharedDataRef == BTRFS_SHARED_DATA_REF_KEY);
static_assert(type::kBlockGroupItem == BTRFS_BLOCK_GROUP_ITEM_KEY && type::kDevExtent == BTRFS_DEV_EXTENT_KEY);
static_assert(type::kDevItem == BTRFS_DEV_ITEM_KEY && type::kChunkItem == BTRFS_CHUNK_ITEM_KEY);
static_assert(type::kTemporary == BTRFS_TEMPORARY_ITEM_KEY && type::kPersistent == BTRFS_PERSISTENT_ITEM_KEY);
static_assert(type::kDevReplace == BTRFS_DEV_REPLACE_KEY);

static_assert(objectid::kRootTree == BTRFS_ROOT_TREE_OBJECTID && objectid::kExtentTree == BTRFS_EXTENT_TREE_OBJECTID);
static_assert(objectid::kChunkTree == BTRFS_CHUNK_TREE_OBJECTID && objectid::kDevTree == BTRFS_DEV_TREE_OBJECTID);
static_assert(objectid::kFsTree == BTRFS_FS_TREE_OBJECTID && objectid::kCsumTree == BTRFS_CSUM_TREE_OBJECTID);
static_assert(objectid::kFreeSpaceTree == BTRFS_FREE_SPACE_TREE_OBJECTID);
static_assert(objectid::kTreeLog == BTRFS_TREE_LOG_OBJECTID && objectid::kTreeReloc == BTRFS_TREE_RELOC_OBJECTID);
static_assert(objectid::kDataRelocTree == BTRFS_DATA_RELOC_TREE_OBJECTID);
static_assert(objectid::kExtentCsum == BTRFS_EXTENT_CSUM_OBJECTID);
static_assert(objectid::kFirstFree == BTRFS_FIRST_FREE_OBJECTID && objectid::kLastFree == BTRFS_LAST_FREE_OBJECTID);
static_assert(objectid::kDevItems == BTRFS_DEV_ITEMS_OBJECTID);
static_assert(objectid::kFirstChunkTree == BTRFS_FIRST_CHUNK_TREE_OBJECTID);

static_assert(chunk_kind::kData == BTRFS_BLOCK_GROUP_DATA && chunk_kind::kSystem == BTRFS_BLOCK_GROUP_SYSTEM);
static_assert(chunk_kind::kMetadata == BTRFS_BLOCK_GROUP_METADATA);
static_assert(test::chunk_type::kRaid0 == BTRFS_BLOCK_GROUP_RAID0 &&
              test::chunk_type::kRaid1 == BTRFS_BLOCK_GROUP_RAID1);
static_assert(test::chunk_type::kDup == BTRFS_BLOCK_GROUP_DUP && test::chunk_type::kRaid10 == BTRFS_BLOCK_GROUP_RAID10);
static_assert(test::chunk_type::kRaid5 == BTRFS_BLOCK_GROUP_RAID5 &&
              test::chunk_type::kRaid6 == BTRFS_BLOCK_GROUP_RAID6);
static_assert(test::chunk_type::kRaid1c3 == BTRFS_BLOCK_GROUP_RAID1C3);
static_assert(test::chunk_type::kRaid1c4 == BTRFS_BLOCK_GROUP_RAID1C4);

TEST(KernelStructs, AreTheKernelsOwn) { SUCCEED() << "asserted while compiling"; }

}  // namespace
}  // namespace raid56::format
