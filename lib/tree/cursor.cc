// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/cursor.h"

#include <algorithm>

namespace raid56::tree {

Cursor::Cursor(BlockReader& reader, const TreeRoot& root) : reader_(reader), root_(root) {}

Result<Block, BlockLost> Cursor::load(const BlockExpect& expect, const format::Key& end) {
    auto block = reader_.read(expect);
    if (!block) return block;
    const auto header = format::decode_header(**block);
    const bool inside = header.nritems == 0 || end == format::kLastKey ||
                        format::block_key(**block, header.level, header.nritems - 1) < end;
    if (!inside) return BlockLost{};
    return block;
}

void Cursor::push(Block block, const format::Key& end) {
    const auto header = format::decode_header(*block);
    path_.push_back({std::move(block), header.level, 0, header.nritems, 0, end});
}

bool Cursor::open_root() {
    started_ = true;
    ahead_ = 0;
    path_.clear();
    pending_.reset();
    auto block = load({root_.block, root_.level, root_.generation, root_.owner, std::nullopt}, format::kLastKey);
    if (!block) {
        pending_ = LostKeys{{}, format::kLastKey, block.error().undecided()};
        return false;
    }
    push(std::move(*block), format::kLastKey);
    return true;
}

// One look-up wants nothing but its own way down; a walk that goes on will go on further.
void Cursor::move_on() {
    path_.back().at++;
    ahead_ = std::clamp(ahead_ * 2, kFirstAhead, kMostAhead);
}

// What a walk in key order comes to now and next.
void Cursor::announce(Level& node) {
    const uint32_t end = std::min(node.count, node.at + ahead_);
    for (uint32_t i = std::max(node.announced, node.at); i < end; i++)
        reader_.announce(format::node_pointer(*node.block, i).block);
    node.announced = std::max(node.announced, end);
}

bool Cursor::descend() {
    const Level& node = path_.back();
    const auto pointer = format::node_pointer(*node.block, node.at);
    const auto end = node.at + 1 < node.count ? format::block_key(*node.block, node.level, node.at + 1) : node.end;
    auto block =
        load({pointer.block, static_cast<uint8_t>(node.level - 1), pointer.generation, root_.owner, pointer.key}, end);
    if (!block) {
        pending_ = LostKeys{pointer.key, end, block.error().undecided()};
        move_on();
        return false;
    }
    push(std::move(*block), end);
    return true;
}

Step Cursor::next() {
    if (!started_) open_root();
    while (true) {
        if (pending_) {
            Step step;
            step.lost = pending_;
            pending_.reset();
            return step;
        }
        if (path_.empty()) return {};
        Level& top = path_.back();
        if (top.at >= top.count) {
            path_.pop_back();
            if (!path_.empty()) move_on();
            continue;
        }
        if (top.level > 0) {
            announce(top);
            descend();
            continue;
        }
        Step step;
        step.item = format::leaf_item(*top.block, top.at++);
        return step;
    }
}

void Cursor::seek(format::Key key) {
    if (!open_root()) return;
    while (true) {
        Level& top = path_.back();
        uint32_t low = 0, high = top.count;  // first entry above key
        while (low < high) {
            const uint32_t middle = low + (high - low) / 2;
            if (format::block_key(*top.block, top.level, middle) <= key)
                low = middle + 1;
            else
                high = middle;
        }
        top.at = low == 0 ? 0 : low - 1;
        if (top.level == 0 || !descend()) return;
    }
}

}  // namespace raid56::tree
