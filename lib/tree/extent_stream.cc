// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/extent_stream.h"

#include <algorithm>

namespace raid56::tree {

ExtentStream::ExtentStream(BlockReader& reader, const std::optional<TreeRoot>& root,
                           const std::vector<format::Extent>& extra, Logical end, bool undecided)
    : reader_(reader), extra_(extra), end_(end), undecided_(undecided) {
    if (root)
        cursor_.emplace(reader, *root);
    else
        lost_from_ = Logical(0);
}

void ExtentStream::seek(Logical at) {
    if (cursor_) cursor_->seek({at.v, 0, 0});
}

std::optional<Allocation> ExtentStream::unknown_until(Logical end) {
    const Logical from = *lost_from_;
    lost_from_.reset();
    if (from >= end) return std::nullopt;
    Allocation unknown;
    unknown.extent.start = from;
    unknown.extent.length = end - from;
    unknown.unknown = true;
    unknown.undecided = undecided_;
    return unknown;
}

// Extents of the tree neither overlap nor leave their chunk (FACTS 11).
bool ExtentStream::contradicts(const format::Extent& extent) const {
    if (extent.start < tree_end_) return true;
    const auto* chunk = reader_.volume().find_chunk(extent.start);
    return chunk != nullptr && extent.start + extent.length > chunk->chunk.end();
}

// A lost range reaches from the first key that is gone to the next extent that is known: what lies
// between belonged to the lost block.
std::optional<Allocation> ExtentStream::next_of_tree() {
    if (held_) {
        auto out = held_;
        held_.reset();
        return out;
    }
    const auto& volume = reader_.volume();
    while (!tree_done_) {
        const Step step = cursor_ ? cursor_->next() : Step{};
        if (!step) {
            tree_done_ = true;
            return lost_from_ ? unknown_until(end_) : std::nullopt;
        }
        if (step.lost) {
            undecided_ = step.lost->undecided && (undecided_ || !lost_from_);
            // Its first keys may be references of an extent whose item stands in the leaf before.
            if (!lost_from_) lost_from_ = std::max(Logical(step.lost->first.objectid), tree_end_);
            continue;
        }
        const auto type = step.item->key.type;
        if (type != format::type::kExtentItem && type != format::type::kMetadataItem) continue;
        const auto extent = format::decode_extent(*step.item, volume.sectorsize(), volume.nodesize());
        if (!extent || contradicts(*extent)) {
            // A leaf that is proven yet makes no sense: nothing is known from here on.
            undecided_ = false;
            if (!lost_from_) lost_from_ = Logical(step.item->key.objectid);
            continue;
        }
        tree_end_ = extent->start + extent->length;
        Allocation found;
        found.extent = *extent;
        if (!lost_from_) return found;
        if (auto unknown = unknown_until(extent->start)) {
            held_ = found;
            return unknown;
        }
        return found;
    }
    return std::nullopt;
}

std::optional<Allocation> ExtentStream::next_of_all() {
    if (!ahead_) ahead_ = next_of_tree();
    if (extra_at_ < extra_.size() && (!ahead_ || extra_[extra_at_].start < ahead_->extent.start)) {
        Allocation known;
        known.extent = extra_[extra_at_++];
        return known;
    }
    auto out = ahead_;
    ahead_.reset();
    return out;
}

std::optional<Allocation> ExtentStream::next() {
    while (auto found = next_of_all()) {
        const auto& extent = found->extent;
        if (found->unknown) return found;
        const Logical last_end = last_.start + last_.length;
        if (extent.start >= last_end) {
            last_ = extent;
            return found;
        }
        const bool repeats = extent.start == last_.start && extent.length == last_.length && extent.tree == last_.tree;
        if (repeats) continue;
        found->unknown = true;
        found->extent.length = reader_.volume().sectorsize();
        return found;
    }
    return std::nullopt;
}

}  // namespace raid56::tree
