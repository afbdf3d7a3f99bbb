// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. A block read lately is checked again against what is expected now, and taken.
// 2. Each copy is read as it stands, the first one perhaps ahead of time; the first proven one is taken.
//    A copy that was read ahead in vain is not read as a whole again: a bad sector takes seconds each time.
// 3. Otherwise each sector's possible contents are collected: its copies, or on raid5/6 itself and
//    what the other columns of its row give; the search finds the one combination that is proven.
#include "tree/block_reader.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "stripe/row_reader.h"

namespace raid56::tree {
namespace {

// A run of a block's sectors within one strip.
struct Piece {
    const volume::MappedChunk* chunk = nullptr;
    volume::Place place;
    uint32_t length = 0;
};

// Blocks of old or converted file systems may cross strips (FACTS 10), none may leave its chunk.
std::vector<Piece> pieces_of(const volume::Volume& volume, Logical start) {
    std::vector<Piece> pieces;
    const auto* chunk = volume.find_chunk(start);
    if (chunk == nullptr || start + volume.nodesize() > chunk->chunk.end()) return pieces;
    uint64_t offset = start - chunk->chunk.start;
    uint32_t left = volume.nodesize();
    while (left > 0) {
        const auto place = volume::place_of(chunk->layout, offset);
        const auto length = static_cast<uint32_t>(std::min<uint64_t>(left, kStripLen - place.offset));
        pieces.push_back({chunk, place, length});
        offset += length;
        left -= length;
    }
    return pieces;
}

struct Source {
    device::ReadDevice* device = nullptr;  // null where it is missing
    uint64_t offset = 0;
};

Source source_of(const volume::Volume& volume, const Piece& piece, unsigned copy) {
    const unsigned index = volume::stripe_index(piece.chunk->layout, piece.place.n, piece.place.column, copy);
    return {volume.member_of(*piece.chunk, index).device,
            piece.chunk->physical(piece.place.n, index).v + piece.place.offset};
}

// One copy of a piece; false where its device does not give it.
bool read_copy(const volume::Volume& volume, const Piece& piece, unsigned copy, ByteSpan out) {
    const auto source = source_of(volume, piece, copy);
    return source.device != nullptr && source.device->read(source.offset, out) == 0;
}

// What each sector of a block may have been, and the memory that holds it.
class Choices {
  public:
    Choices(const volume::Volume& volume, stripe::Engine& engine)
        : volume_(volume), engine_(engine), arena_(volume.sectorsize()) {}

    void add(const Piece& piece) {
        if (piece.chunk->layout.np > 0)
            add_rows(piece);
        else
            add_copies(piece);
    }
    const std::vector<stripe::SectorChoices>& sectors() const { return sectors_; }

  private:
    void add_rows(const Piece& piece) {
        const uint32_t sector = volume_.sectorsize();
        const unsigned count = piece.length / sector;
        rows_.push_back(
            std::make_unique<stripe::Rows>(volume_, *piece.chunk, piece.place.n, piece.place.offset / sector, count));
        for (unsigned i = 0; i < count; i++)
            sectors_.push_back(stripe::candidates(rows_.back()->row(i), engine_, arena_, piece.place.column));
    }

    void add_copies(const Piece& piece) {
        const uint32_t sector = volume_.sectorsize();
        for (uint32_t at = 0; at < piece.length; at += sector) {
            stripe::SectorChoices found;
            Piece one = piece;
            one.place.offset += at;
            one.length = sector;
            for (unsigned copy = 0; copy < piece.chunk->layout.copies; copy++) {
                uint8_t* bytes = arena_.sector();
                const bool had = read_copy(volume_, one, copy, ByteSpan(bytes, sector));
                found.add(had ? bytes : nullptr, sector);
            }
            sectors_.push_back(std::move(found));
        }
    }

    const volume::Volume& volume_;
    stripe::Engine& engine_;
    stripe::Arena arena_;
    std::vector<std::unique_ptr<stripe::Rows>> rows_;
    std::vector<stripe::SectorChoices> sectors_;
};

}  // namespace

Result<Block, BlockLost> BlockReader::read(const BlockExpect& expect) {
    if (stop_) return BlockLost{};
    const std::lock_guard lock(mutex_);
    if (auto block = cached(expect)) return block;
    if (const auto known = lost_.find(expect.start); known != lost_.end() && known->second.expect == expect)
        return known->second.why;
    auto block = read_devices(expect);
    if (block) {
        keep(expect.start, *block);
    } else {
        const bool is_first = lost_.try_emplace(expect.start, Lost{expect, block.error()}).second;
        if (is_first) hurt_.insert_or_assign(expect.start, expect);
    }
    return block;
}

std::vector<BlockExpect> BlockReader::hurt() const {
    const std::lock_guard lock(mutex_);
    std::vector<BlockExpect> blocks;
    for (const auto& [start, expect] : hurt_) blocks.push_back(expect);
    return blocks;
}

std::vector<format::Extent> BlockReader::hurt_blocks() const {
    std::vector<format::Extent> blocks;
    for (const auto& expect : hurt()) {
        if (!expect.level || !expect.generation) continue;
        format::Extent extent;
        extent.start = expect.start;
        extent.length = volume_.nodesize();
        extent.tree = true;
        extent.level = *expect.level;
        extent.generation = *expect.generation;
        extent.owner = expect.owner;
        blocks.push_back(extent);
    }
    return blocks;
}

void BlockReader::announce(Logical start) {
    if (stop_ || !checked_add(start.v, volume_.nodesize())) return;
    const std::lock_guard lock(mutex_);
    const auto is_here = [&](const Ahead& ahead) { return ahead.start == start; };
    if (index_.contains(start) || lost_.contains(start) || std::any_of(ahead_.begin(), ahead_.end(), is_here)) return;
    Ahead ahead{start, nullptr, {}};
    size_t at = 0;
    for (const auto& piece : pieces_of(volume_, start)) {
        const auto source = source_of(volume_, piece, 0);
        if (source.device == nullptr) return;
        if (source.device->reads_in_finish()) {
            source.device->hint(source.offset, piece.length);
        } else {
            if (!ahead.memory) ahead.memory = engine_.allocate(volume_.nodesize());
            ahead.parts.push_back(
                {source.device, {source.offset, ahead.memory->bytes().subspan(at, piece.length), 0, nullptr}, false});
        }
        at += piece.length;
    }
    // A block of which a part is only hinted at is read when it is asked for, like any other.
    size_t bytes = 0;
    for (const auto& part : ahead.parts) bytes += part.op.out.size();
    if (bytes < volume_.nodesize()) return;
    drop_ahead(kAheadBytes / volume_.nodesize() - 1);
    ahead_.push_back(std::move(ahead));
    for (auto& part : ahead_.back().parts) {
        part.device->start(part.op);
        part.started = true;
    }
}

// Waits for what was started of it; false where not all of it was had.
bool BlockReader::finish(Ahead& ahead) {
    bool had = true;
    for (auto& part : ahead.parts) {
        if (part.started) part.device->finish(part.op);
        had = had && part.started && part.op.error == 0;
        part.started = false;
    }
    return had;
}

// The oldest that nobody asked for, until so many are left.
void BlockReader::drop_ahead(size_t left) {
    while (ahead_.size() > left) {
        finish(ahead_.front());
        ahead_.pop_front();
    }
}

// The first copy of the block as it was read ahead. Nothing where it was not; nullptr where that failed.
std::optional<Block> BlockReader::take_ahead(Logical start) {
    const auto found = std::find_if(ahead_.begin(), ahead_.end(), [&](const Ahead& a) { return a.start == start; });
    if (found == ahead_.end()) return std::nullopt;
    const bool had = finish(*found);
    const auto bytes = found->memory->bytes();
    auto block = had ? std::make_shared<std::vector<uint8_t>>(bytes.begin(), bytes.end()) : nullptr;
    ahead_.erase(found);
    return block;
}

// What was hurt stays known: its rows are looked at again, by the new chunk map or after a repair.
void BlockReader::forget() {
    const std::lock_guard lock(mutex_);
    drop_ahead(0);
    index_.clear();
    recent_.clear();
    lost_.clear();
}

Block BlockReader::cached(const BlockExpect& expect) {
    const auto found = index_.find(expect.start);
    if (found == index_.end()) return nullptr;
    if (check_block(volume_, *found->second->block, expect).state != BlockState::proven) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return recent_.front().block;
}

void BlockReader::keep(Logical start, const Block& block) {
    if (const auto found = index_.find(start); found != index_.end()) {
        recent_.erase(found->second);
        index_.erase(found);
    }
    recent_.push_front({start, block});
    index_[start] = recent_.begin();
    if (recent_.size() * volume_.nodesize() > kCacheBytes) {
        index_.erase(recent_.back().start);
        recent_.pop_back();
    }
}

Result<Block, BlockLost> BlockReader::read_devices(const BlockExpect& expect) {
    if (!checked_add(expect.start.v, volume_.nodesize())) return BlockLost{};
    const auto pieces = pieces_of(volume_, expect.start);
    if (pieces.empty()) {
        const bool undecided = volume_.find_chunk(expect.start) == nullptr &&
                               volume_.undecided().touches({expect.start.v, expect.start.v + volume_.nodesize()});
        return BlockLost{undecided ? stripe::Verdict::limit : stripe::Verdict::none};
    }
    const auto ahead = take_ahead(expect.start);
    if (ahead && *ahead && check_block(volume_, **ahead, expect).state == BlockState::proven) return *ahead;

    auto block = std::make_shared<std::vector<uint8_t>>(volume_.nodesize());
    const unsigned copies = pieces.front().chunk->layout.copies;
    for (unsigned copy = ahead ? 1 : 0; copy < copies; copy++) {
        size_t at = 0;
        bool had = true;
        for (const auto& piece : pieces) {
            had = had && read_copy(volume_, piece, copy, ByteSpan(*block).subspan(at, piece.length));
            at += piece.length;
        }
        if (had && check_block(volume_, *block, expect).state == BlockState::proven) return Block(block);
    }

    // These include every sector of every copy as it stands: a read that failed once may be had now.
    Choices choices(volume_, engine_);
    for (const auto& piece : pieces) choices.add(piece);
    auto found = stripe::search(choices.sectors(), volume_.sectorsize(), BlockOracle(volume_, expect, stop_));
    if (found.verdict != stripe::Verdict::one) return BlockLost{found.verdict};
    // What a missing device had is its chunk's damage, and too much to remember.
    const bool all_there = std::all_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
        return source_of(volume_, piece, 0).device != nullptr;
    });
    if (all_there) hurt_.try_emplace(expect.start, expect);
    return Block(std::make_shared<std::vector<uint8_t>>(std::move(found.block)));
}

}  // namespace raid56::tree
