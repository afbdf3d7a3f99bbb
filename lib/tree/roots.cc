// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/roots.h"

namespace raid56::tree {

using format::objectid::kRootTree;

TreeRoot chunk_root(const format::Superblock& super) {
    return {super.chunk_root, super.chunk_root_level, super.chunk_root_generation, format::objectid::kChunkTree};
}

TreeRoot root_root(const format::Superblock& super) {
    return {super.root, super.root_level, super.generation, kRootTree};
}

Roots Roots::read(BlockReader& reader) {
    Roots roots;
    roots.root_tree_ = root_root(reader.volume().super());
    Cursor cursor(reader, roots.root_tree_);
    while (const Step step = cursor.next()) {
        if (step.lost) {
            roots.incomplete_ = true;
            roots.undecided_ = roots.undecided_ && step.lost->undecided;
            continue;
        }
        if (step.item->key.type != format::type::kRootItem) continue;
        const auto root = format::decode_root(*step.item, reader.volume().sectorsize());
        if (!root) {
            roots.incomplete_ = true;
            roots.undecided_ = false;
            continue;
        }
        const uint64_t id = step.item->key.objectid;
        // Blocks of subvolumes and relocation trees may show another owner (FACTS 10).
        const bool shared = format::is_subvolume(id) || id == format::objectid::kTreeReloc;
        const TreeRoot where{root->block, root->level, root->generation,
                             shared ? std::nullopt : std::optional<uint64_t>(id)};
        roots.entries_[id] = {where, root->refs};  // keys ascend: the last one of an id has the highest offset
    }
    return roots;
}

std::optional<TreeRoot> Roots::find(uint64_t id) const {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    return found->second.root;
}

std::vector<std::pair<uint64_t, TreeRoot>> Roots::with_files() const {
    std::vector<std::pair<uint64_t, TreeRoot>> trees = {{kRootTree, root_tree_}};
    for (const auto& [id, entry] : entries_) {
        const bool live = format::is_subvolume(id) && entry.refs > 0;
        if (live || id == format::objectid::kDataRelocTree) trees.emplace_back(id, entry.root);
    }
    return trees;
}

std::vector<std::pair<uint64_t, TreeRoot>> Roots::all() const {
    std::vector<std::pair<uint64_t, TreeRoot>> trees = {{kRootTree, root_tree_}};
    for (const auto& [id, entry] : entries_)
        if (!format::is_subvolume(id) || entry.refs > 0) trees.emplace_back(id, entry.root);
    return trees;
}

}  // namespace raid56::tree
