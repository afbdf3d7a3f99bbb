// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. The nodes of every tree are read, those that trees share only the first time. A node that points at a wanted block
//    is hot, and so are all above it.
// 2. Each tree is gone through again by its hot nodes alone; a wanted block that cannot be had is told with the keys
//    between which it lies.
#include "tree/lost_parts.h"

#include <unordered_set>

#include "tree/seen_blocks.h"

namespace raid56::tree {
namespace {

class Finder {
  public:
    Finder(BlockReader& reader, const RangeSet& wanted)
        : reader_(reader), wanted_(wanted), seen_(reader.volume().sectorsize()) {}

    void warm(const TreeRoot& root) { warm_block(expect_of(root)); }

    void collect(uint64_t tree, bool logged, const TreeRoot& root) {
        tree_ = tree;
        logged_ = logged;
        entered_.clear();
        collect_block(expect_of(root), {}, format::kLastKey);
    }

    LostParts take() { return std::move(found_); }

  private:
    static BlockExpect expect_of(const TreeRoot& root) {
        return {root.block, root.level, root.generation, root.owner, std::nullopt};
    }

    bool is_wanted(Logical start) const { return wanted_.touches({start.v, start.v + reader_.volume().nodesize()}); }

    // Whether a wanted block is it or lies below it.
    bool warm_block(const BlockExpect& expect) {
        bool hot = is_wanted(expect.start);
        if (!seen_.insert(expect.start)) return hot || hot_.contains(expect.start.v);
        if (*expect.level > 0)
            each_child(expect, [&](const BlockExpect& child, format::Key) { hot |= warm_block(child); });
        if (hot) hot_.insert(expect.start.v);
        return hot;
    }

    void collect_block(const BlockExpect& expect, format::Key first, format::Key end) {
        if (!hot_.contains(expect.start.v) || !entered_.insert(expect.start.v).second) return;
        if (is_wanted(expect.start) && !reader_.read(expect)) {
            if (found_.parts.size() < kMostLostParts)
                found_.parts.push_back({expect.start, tree_, logged_, *expect.level, first, end});
            else
                found_.incomplete = true;
            return;
        }
        if (*expect.level == 0) return;
        each_child(expect, [&](const BlockExpect& child, format::Key behind) {
            collect_block(child, *child.first_key, behind == format::kLastKey ? end : behind);
        });
    }

    // Calls use(child, key of the slot behind it; kLastKey for the last one).
    template <class Use>
    void each_child(const BlockExpect& expect, Use&& use) {
        const auto block = reader_.read(expect);
        if (!block) {
            // What it is itself is told where it is wanted.
            found_.incomplete = found_.incomplete || !is_wanted(expect.start);
            return;
        }
        const auto header = format::decode_header(**block);
        for (uint32_t i = 0; i < header.nritems; i++) {
            const auto pointer = format::node_pointer(**block, i);
            const auto behind = i + 1 < header.nritems ? format::node_pointer(**block, i + 1).key : format::kLastKey;
            use({pointer.block, static_cast<uint8_t>(header.level - 1), pointer.generation, expect.owner, pointer.key},
                behind);
        }
    }

    BlockReader& reader_;
    const RangeSet& wanted_;
    SeenBlocks seen_;
    std::unordered_set<uint64_t> hot_, entered_;
    uint64_t tree_ = 0;
    bool logged_ = false;
    LostParts found_;
};

}  // namespace

LostParts find_lost_parts(BlockReader& reader, const Roots& roots, const LogTrees& log, const RangeSet& wanted) {
    if (wanted.empty()) return {};
    Finder finder(reader, wanted);
    auto trees = roots.all();
    trees.emplace_back(format::objectid::kChunkTree, chunk_root(reader.volume().super()));
    for (const auto& [id, root] : trees) finder.warm(root);
    const auto logs = log_root(reader.volume().super());
    if (logs) finder.warm(*logs);
    for (const auto& root : log.trees) finder.warm(root);
    for (const auto& [id, root] : trees) finder.collect(id, false, root);
    if (logs) finder.collect(format::objectid::kTreeLog, true, *logs);
    for (size_t i = 0; i < log.trees.size(); i++) finder.collect(log.subvolumes[i], true, log.trees[i]);
    auto found = finder.take();
    found.incomplete = found.incomplete || roots.incomplete() || log.incomplete;
    return found;
}

}  // namespace raid56::tree
