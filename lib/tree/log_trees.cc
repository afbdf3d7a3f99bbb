// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. The root of the log is read; its items name one log tree a subvolume.
// 2. Every block of these trees is an extent of its own.
// 3. Their leaves give data extents and checksums.
#include "tree/log_trees.h"

#include <algorithm>
#include <set>

#include "tree/walk.h"

namespace raid56::tree {
namespace {

class LogReader {
  public:
    explicit LogReader(BlockReader& reader) : reader_(reader) {}

    LogTrees read() {
        const auto root = log_root(reader_.volume().super());
        if (!root) return {};
        generation_ = *root->generation;
        read_tree(*root);
        for (size_t i = 0; i < log_.trees.size(); i++) read_tree(log_.trees[i]);
        std::stable_sort(log_.extents.begin(), log_.extents.end(),
                         [](const auto& a, const auto& b) { return a.start < b.start; });
        std::stable_sort(log_.csums.begin(), log_.csums.end(),
                         [](const auto& a, const auto& b) { return a.start < b.start; });
        return std::move(log_);
    }

  private:
    void read_tree(const TreeRoot& root) {
        WalkCallbacks callbacks;
        callbacks.enter = [&](Logical start, uint8_t) { return seen_.insert(start).second; };
        callbacks.lost = [&](const BlockExpect&) { log_.incomplete = true; };
        callbacks.visit = [&](const Visit& visit) {
            format::Extent extent;
            extent.start = visit.start;
            extent.length = reader_.volume().nodesize();
            extent.generation = visit.header.generation;
            extent.tree = true;
            extent.level = visit.header.level;
            log_.extents.push_back(extent);
            if (visit.header.level > 0) return;
            for (uint32_t i = 0; i < visit.header.nritems; i++) take(format::leaf_item(*visit.block, i));
        };
        walk(reader_, root, callbacks);
    }

    void take(const format::Item& item) {
        switch (item.key.type) {
            case format::type::kRootItem: return take_root(item);
            case format::type::kExtentData: return take_extent(item);
            case format::type::kExtentCsum: return take_csums(item);
            default: return;  // names and inodes say nothing about what lies where
        }
    }

    void take_root(const format::Item& item) {
        if (item.key.objectid != format::objectid::kTreeLog) return;
        const auto root = format::decode_root(item, reader_.volume().sectorsize());
        if (!root) {
            log_.incomplete = true;
            return;
        }
        log_.trees.push_back({root->block, root->level, generation_, std::nullopt});
        log_.subvolumes.push_back(item.key.offset);
    }

    void take_extent(const format::Item& item) {
        const auto file = format::decode_file_extent(item, reader_.volume().sectorsize());
        if (!file) {
            log_.incomplete = true;
            return;
        }
        if (!file->on_disk()) return;
        format::Extent extent;
        extent.start = file->disk_start;
        extent.length = file->disk_length;
        extent.generation = generation_;
        log_.extents.push_back(extent);
    }

    void take_csums(const format::Item& item) {
        const size_t size = csum_size(reader_.volume().super().csum);
        const auto run = format::decode_csum_item(item, reader_.volume().sectorsize(), size);
        if (!run) {
            log_.incomplete = true;
            return;
        }
        log_.csums.push_back({run->start, run->count, log_.csum_bytes.size()});
        log_.csum_bytes.insert(log_.csum_bytes.end(), run->digests.begin(), run->digests.end());
    }

    BlockReader& reader_;
    LogTrees log_;
    Generation generation_;
    std::set<Logical> seen_;
};

}  // namespace

std::optional<TreeRoot> log_root(const format::Superblock& super) {
    if (super.log_root.v == 0) return std::nullopt;
    return TreeRoot{super.log_root, super.log_root_level, Generation(super.generation.v + 1), std::nullopt};
}

LogTrees read_log_trees(BlockReader& reader) { return LogReader(reader).read(); }

}  // namespace raid56::tree
