// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/selection.h"

#include <algorithm>
#include <limits>

namespace raid56::scrub {
namespace {

constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();

// A place in the row of all full stripes of all chunks.
struct Cut {
    size_t chunk = 0;
    uint64_t stripe = 0;
};

// Where shard `k` (counted from 0) begins: that share of the bytes of all chunks, taken one behind the other.
Cut cut_at(const std::vector<volume::MappedChunk>& chunks, uint64_t k, uint64_t of) {
    unsigned __int128 all = 0;
    for (const auto& mapped : chunks) all += mapped.chunk.length;
    const auto wanted = all * k / of;
    unsigned __int128 before = 0;
    for (size_t i = 0; i < chunks.size(); i++) {
        if (wanted < before + chunks[i].chunk.length)
            return {i, static_cast<uint64_t>(wanted - before) / chunks[i].layout.data_length()};
        before += chunks[i].chunk.length;
    }
    return {chunks.size(), 0};
}

Logical logical_of(const std::vector<volume::MappedChunk>& chunks, const Cut& cut) {
    return cut.chunk < chunks.size() ? chunks[cut.chunk].logical(StripeNo(cut.stripe), 0) : Logical(kEnd);
}

bool has_part_on(const volume::Volume& volume, const volume::MappedChunk& mapped, const std::set<DevId>& devids) {
    return std::any_of(mapped.members.begin(), mapped.members.end(),
                       [&](unsigned member) { return devids.contains(volume.members()[member].devid); });
}

Result<void> check(const volume::Volume& volume, const Choice& choice) {
    const auto& chunks = volume.chunks();
    for (const Logical start : choice.chunks)
        if (std::none_of(chunks.begin(), chunks.end(), [&](const auto& c) { return c.chunk.start == start; }))
            return Error{"no chunk starts at logical " + std::to_string(start.v) +
                         " (btrfs-raid56 inspect lists the chunks)"};
    for (const DevId devid : choice.devids)
        if (std::none_of(volume.members().begin(), volume.members().end(),
                         [&](const auto& member) { return member.devid == devid; }))
            return Error{"the file system has no devid " + std::to_string(devid.v)};
    if (!choice.logical) return {};
    const Range wanted = *choice.logical;
    const bool mapped = std::any_of(chunks.begin(), chunks.end(), [&](const auto& c) {
        return !intersect(wanted, {c.chunk.start.v, c.chunk.end().v}).empty();
    });
    if (!mapped)
        return Error{"no chunk maps logical " + std::to_string(wanted.start) + " to " + std::to_string(wanted.end)};
    return {};
}

}  // namespace

Result<Selection> Selection::make(const volume::Volume& volume, const Choice& choice) {
    if (auto good = check(volume, choice); !good) return good.error();
    const auto& chunks = volume.chunks();
    const Shard shard = choice.shard.value_or(Shard{});
    const Cut first = cut_at(chunks, shard.number - 1, shard.of), last = cut_at(chunks, shard.number, shard.of);
    const Range wanted = choice.logical.value_or(Range{0, kEnd});

    Selection made(volume, choice);
    for (size_t i = 0; i < chunks.size(); i++) {
        const auto& mapped = chunks[i];
        Stripes stripes{0, mapped.full_stripes()};
        if (i < first.chunk || i > last.chunk) stripes.end = 0;
        if (i == first.chunk) stripes.begin = first.stripe;
        if (i == last.chunk) stripes.end = std::min(stripes.end, last.stripe);
        if (!choice.chunks.empty() && !choice.chunks.contains(mapped.chunk.start)) stripes.end = 0;
        if (!choice.devids.empty() && !has_part_on(volume, mapped, choice.devids)) stripes.end = 0;
        const Range part = intersect(wanted, {mapped.chunk.start.v, mapped.chunk.end().v});
        if (part.empty()) {
            stripes.end = 0;
        } else {
            const uint64_t length = mapped.layout.data_length();
            stripes.begin = std::max(stripes.begin, (part.start - mapped.chunk.start.v) / length);
            stripes.end = std::min(stripes.end, (part.end - 1 - mapped.chunk.start.v) / length + 1);
        }
        made.stripes_.push_back(stripes);
        if (stripes.begin >= stripes.end) continue;
        made.space_.append({mapped.logical(StripeNo(stripes.begin), 0).v,
                            std::min(mapped.logical(StripeNo(stripes.end), 0), mapped.chunk.end()).v});
    }
    // All of each full stripe, and where chunks alone do not say what is meant what lies between them.
    std::vector<Range> spoken_of = made.space_.ranges();
    if (choice.chunks.empty() && choice.devids.empty()) {
        const uint64_t from = shard.number == 1 ? 0 : logical_of(chunks, first).v;
        spoken_of.push_back(intersect({from, logical_of(chunks, last).v}, wanted));
        std::ranges::sort(spoken_of, {}, &Range::start);
    }
    for (const Range range : spoken_of) made.span_.append(range);
    return made;
}

bool Selection::begin_at(const Position& position) {
    const auto& chunks = volume_->chunks();
    const auto at =
        std::find_if(chunks.begin(), chunks.end(), [&](const auto& c) { return c.chunk.start == position.chunk; });
    if (at == chunks.end() || position.next.v > at->full_stripes()) return false;
    const auto index = static_cast<size_t>(at - chunks.begin());
    for (size_t i = 0; i < index; i++) stripes_[i].end = 0;
    stripes_[index].begin = std::max(stripes_[index].begin, position.next.v);
    space_.remove({0, at->logical(position.next, 0).v});
    return true;
}

bool Selection::wants(const Window& window, unsigned n) const {
    if (!choice_.has_kind()) return true;
    const auto begin = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n, 0, 0));
    const auto end = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n + 1, 0, 0));
    const auto holds = [&](auto&& what) { return std::any_of(begin, end, what); };
    return (choice_.parity && window.chunk->layout.np > 0) ||
           (choice_.tree && holds([](Expect e) { return e == Expect::tree; })) ||
           (choice_.data && holds([](Expect e) { return is_allocated(e) && e != Expect::tree; }));
}

bool Selection::wants_supers_of(DevId devid) const {
    if (choice_.has_kind() || choice_.logical || !choice_.chunks.empty()) return false;
    if (choice_.shard && choice_.shard->number != 1) return false;
    return choice_.devids.empty() || choice_.devids.contains(devid);
}

uint64_t Selection::bytes_in(Range logical) const {
    uint64_t bytes = 0;
    space_.overlaps(logical, [&](Range part) { bytes += part.length(); });
    return bytes;
}

}  // namespace raid56::scrub
