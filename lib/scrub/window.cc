// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/window.h"

#include <algorithm>
#include <cstring>

#include "scrub/free_rows.h"
#include "scrub/selection.h"

namespace raid56::scrub {
namespace {

// The last full stripe of a chunk may be cut short; what lies behind belongs to the next chunk.
Logical end_of(const Window& window) {
    return std::min(window.logical(window.sectors.size()), window.chunk->chunk.end());
}

}  // namespace

WindowBuilder::WindowBuilder(const volume::Volume& volume, tree::ExtentStream& extents, tree::CsumStream& csums,
                             const std::vector<tree::SilentRange>& silent)
    : volume_(volume), extents_(extents), csums_(csums), silent_(silent) {}

bool WindowBuilder::fetch() {
    if (ended_) return false;
    auto allocation = extents_.next();
    if (!allocation) {
        ended_ = true;
        return false;
    }
    tell_unknown(*allocation);
    pending_.push_back(*allocation);
    return true;
}

// Ranges nothing is known about, and allocations (or parts of them) that no chunk maps.
void WindowBuilder::tell_unknown(const tree::Allocation& allocation) {
    const Logical end = allocation.extent.start + allocation.extent.length;
    const auto& chunks = volume_.chunks();
    auto chunk = std::upper_bound(chunks.begin(), chunks.end(), allocation.extent.start,
                                  [](Logical start, const volume::MappedChunk& c) { return start < c.chunk.end(); });
    const auto tell = [&](Logical from, Logical to, const char* cause) {
        const bool undecided = allocation.unknown ? allocation.undecided : volume_.undecided().touches({from.v, to.v});
        if (from < to && (part_ == nullptr || part_->speaks_of({from.v, to.v})))
            unknowns_.push_back({from, to - from, cause, undecided});
    };
    Logical at = allocation.extent.start;
    for (; at < end && chunk != chunks.end() && chunk->chunk.start < end; ++chunk) {
        if (!allocation.unknown) tell(at, chunk->chunk.start, "no-chunk");
        const Logical from = std::max(at, chunk->chunk.start), to = std::min(end, chunk->chunk.end());
        if (allocation.unknown) tell(from, to, "extent-tree");
        at = to;
    }
    if (!allocation.unknown) tell(at, end, "no-chunk");
}

bool WindowBuilder::next(Window& window, unsigned (*limit)(const volume::Layout&)) {
    const auto& chunks = volume_.chunks();
    while (chunk_ < chunks.size()) {
        const auto& chunk = chunks[chunk_];
        if (part_ != nullptr) stripe_ = std::max(stripe_, part_->stripes(chunk_).begin);
        const uint64_t end_of_stripes = end_of_part(chunk_);
        const Logical done = std::min(chunk.logical(StripeNo(stripe_), 0), chunk.chunk.end());
        std::erase_if(pending_, [&](const tree::Allocation& a) { return a.extent.start + a.extent.length <= done; });
        const uint64_t end_of_all = end_of_whole(chunk_);
        const auto first = stripe_ < end_of_all ? std::optional(stripe_) : next_held(chunk, done);
        if (!first || *first >= end_of_stripes) {
            chunk_++;
            stripe_ = 0;
            continue;
        }
        const uint64_t end_of_run = *first < end_of_all ? end_of_all : end_of_stripes;
        const auto count = static_cast<unsigned>(std::min<uint64_t>(limit(chunk.layout), end_of_run - *first));
        stripe_ = *first + count;
        clear(window, chunk, *first, count);
        const Logical end = end_of(window);
        while ((pending_.empty() || pending_.back().extent.start < end) && fetch()) {
            // What lies in chunks that are left out, or done by an earlier run, must not pile up.
            if (pending_.back().extent.start + pending_.back().extent.length <= window.start) pending_.pop_back();
        }
        for (const auto& allocation : pending_) paint(window, allocation);
        paint_csums(window);
        paint_silence(window);
        mark_needed(window);
        if (std::find(window.needed.begin(), window.needed.end(), true) == window.needed.end()) continue;
        window.unknowns = std::move(unknowns_);
        unknowns_.clear();
        return true;
    }
    while (fetch()) pending_.clear();  // what lies behind the last chunk is only told
    window.unknowns = std::move(unknowns_);
    unknowns_.clear();
    return false;
}

void WindowBuilder::take_free_rows() {
    const auto until = [&](const volume::MappedChunk& chunk) {
        uint64_t strips = 0;
        if (!judges_free_rows(volume_, chunk)) return strips;
        for (unsigned i = 0; i < chunk.layout.stripes; i++) {
            const uint64_t size = volume_.member_of(chunk, i).device->size(), from = chunk.chunk.stripes[i].offset.v;
            if (size > from) strips = std::max(strips, (size - from - 1) / kStripLen + 1);
        }
        return std::min(strips, chunk.full_stripes());
    };
    for (const auto& chunk : volume_.chunks()) free_.push_back(until(chunk));
}

size_t WindowBuilder::index_of(const volume::MappedChunk& chunk) const {
    return static_cast<size_t>(&chunk - volume_.chunks().data());
}

// Before it full stripes are taken one behind the other.
uint64_t WindowBuilder::end_of_whole(size_t chunk) const {
    return is_whole(chunk) ? volume_.chunks()[chunk].full_stripes() : std::min(end_of_free(chunk), end_of_part(chunk));
}

uint64_t WindowBuilder::end_of_part(size_t chunk) const {
    return part_ == nullptr ? volume_.chunks()[chunk].full_stripes() : part_->stripes(chunk).end;
}

bool WindowBuilder::takes_from(size_t chunk) const {
    return part_ == nullptr || part_->stripes(chunk).begin < part_->stripes(chunk).end;
}

// The full stripe of the first extent that is left, if that lies in this chunk. Where nothing is known nothing is
// looked at: such a range may be as long as the logical space.
std::optional<uint64_t> WindowBuilder::next_held(const volume::MappedChunk& chunk, Logical done) {
    const auto end_of_extent = [](const tree::Allocation& a) { return a.extent.start + a.extent.length; };
    for (;;) {
        const auto held = std::find_if(pending_.begin(), pending_.end(), [&](const tree::Allocation& a) {
            return !a.unknown && end_of_extent(a) > done;
        });
        if (held != pending_.end()) {
            const Logical from = std::max(held->extent.start, done);
            if (from >= chunk.chunk.end()) return std::nullopt;
            return (from - chunk.chunk.start) / chunk.layout.data_length();
        }
        if (!pending_.empty() && pending_.back().extent.start >= chunk.chunk.end()) return std::nullopt;
        if (!fetch()) return std::nullopt;
        if (end_of_extent(pending_.back()) <= done) pending_.pop_back();
    }
}

uint64_t WindowBuilder::bytes_of(const Window& window) const {
    if (window.first.v < end_of_whole(index_of(*window.chunk))) return end_of(window) - window.start;
    const auto held = std::count_if(window.sectors.begin(), window.sectors.end(), is_allocated);
    return static_cast<uint64_t>(held) * window.sectorsize;
}

uint64_t WindowBuilder::bytes_of_all(const std::vector<uint64_t>& allocated) const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < volume_.chunks().size(); i++) {
        const auto& chunk = volume_.chunks()[i];
        const uint64_t begin = part_ == nullptr ? 0 : part_->stripes(i).begin, end = end_of_whole(i);
        const auto at = [&](uint64_t stripe) {
            return std::min(chunk.logical(StripeNo(stripe), 0), chunk.chunk.end());
        };
        bytes += begin < end ? at(end) - at(begin) : allocated[i];
    }
    return bytes;
}

void WindowBuilder::clear(Window& window, const volume::MappedChunk& chunk, uint64_t first, unsigned count) const {
    window.chunk = &chunk;
    window.first = StripeNo(first);
    window.count = count;
    window.start = chunk.logical(window.first, 0);
    window.sectorsize = volume_.sectorsize();
    window.digest_size = csum_size(volume_.super().csum);
    const size_t sectors = size_t{count} * chunk.layout.nd * window.rows();
    window.sectors.assign(sectors, Expect::free);
    window.digests.resize(sectors * window.digest_size);
    window.blocks.clear();
    window.needed.assign(count, false);
}

void WindowBuilder::paint(Window& window, const tree::Allocation& allocation) const {
    const auto& extent = allocation.extent;
    const Logical from = std::max(extent.start, window.start);
    const Logical to = std::min(extent.start + extent.length, end_of(window));
    if (from >= to) return;
    const size_t begin = (from - window.start) / window.sectorsize, end = (to - window.start) / window.sectorsize;
    for (size_t i = begin; i < end; i++) {
        Expect& sector = window.sectors[i];
        if (allocation.unknown)
            sector = sector == Expect::free ? Expect::unknown : sector;
        else
            sector = extent.tree
                         ? Expect::tree
                         : Expect::csum_missing;  // the latter until a checksum or a reason for its absence is found
    }
    if (allocation.unknown || !extent.tree) return;

    BlockHere block;
    block.expect.start = extent.start;
    block.expect.level = extent.level;
    block.expect.generation = extent.generation;
    block.expect.owner = extent.owner;
    block.expect.first_key = first_key(block.expect);
    const uint64_t in_strip = (extent.start - window.chunk->chunk.start) % kStripLen;
    block.crosses = extent.start < window.start || in_strip + extent.length > kStripLen;
    window.blocks.push_back(block);
}

// Where the tree and the extent item contradict each other in more, the extent item counts.
std::optional<format::Key> WindowBuilder::first_key(const tree::BlockExpect& expect) const {
    const auto at = std::lower_bound(known_.begin(), known_.end(), expect.start,
                                     [](const tree::BlockExpect& known, Logical start) { return known.start < start; });
    if (at == known_.end() || at->start != expect.start) return std::nullopt;
    return at->generation == expect.generation && at->level == expect.level ? at->first_key : std::nullopt;
}

void WindowBuilder::paint_csums(Window& window) {
    csums_.read(window.start, end_of(window), [&](Logical start, size_t count, const uint8_t* digests) {
        const size_t begin = (start - window.start) / window.sectorsize;
        for (size_t i = 0; i < count; i++) {
            Expect& sector = window.sectors[begin + i];
            if (sector != Expect::csum_missing && sector != Expect::csum) continue;
            sector = Expect::csum;
            std::memcpy(window.digests.data() + (begin + i) * window.digest_size, digests + i * window.digest_size,
                        window.digest_size);
        }
    });
}

void WindowBuilder::paint_silence(Window& window) {
    const Range whole{window.start.v, end_of(window).v};
    while (silent_at_ < silent_.size() && silent_[silent_at_].logical.end <= whole.start) silent_at_++;
    for (size_t i = silent_at_; i < silent_.size() && silent_[i].logical.start < whole.end; i++) {
        if (silent_[i].silence == tree::Silence::should_have) continue;
        const Expect expect = silent_[i].silence == tree::Silence::written ? Expect::written : Expect::never_written;
        const Range part = intersect(silent_[i].logical, whole);
        for (uint64_t at = part.start; at < part.end; at += window.sectorsize) {
            Expect& sector = window.sectors[(at - whole.start) / window.sectorsize];
            if (sector == Expect::csum_missing) sector = expect;
        }
    }
}

void WindowBuilder::mark_needed(Window& window) const {
    const size_t per_stripe = window.chunk->layout.nd * window.rows();
    const uint64_t first = window.first.v;
    for (unsigned n = 0; n < window.count; n++) {
        const auto begin = window.sectors.begin() + static_cast<ptrdiff_t>(n * per_stripe);
        const bool wanted = (only_ == nullptr || only_->contains(*window.chunk, StripeNo(first + n))) &&
                            (part_ == nullptr || part_->wants(window, n));
        const bool free_too =
            first + n < end_of_free(index_of(*window.chunk)) && window.chunk->has_parity(StripeNo(first + n));
        const auto holds = [&](Expect expect) { return is_allocated(expect) || (free_too && expect == Expect::free); };
        window.needed[n] =
            !whole_.empty() || (wanted && std::any_of(begin, begin + static_cast<ptrdiff_t>(per_stripe), holds));
    }
}

}  // namespace raid56::scrub
