// SPDX-License-Identifier: GPL-2.0-or-later
#include "damage.h"

#include <algorithm>
#include <cstring>

#include "checksum/checksum.h"
#include "format/superblock.h"

namespace raid56::hostile {
namespace {

// Offsets of the on-disk format (FACTS 2 and 6).
constexpr size_t kUnit = 4096, kSuperSize = 4096;
constexpr size_t kFsidAt = 32, kBytenrAt = 48, kNodesizeAt = 148, kCsumTypeAt = 196;
constexpr size_t kItemCountAt = 96, kLevelAt = 100, kHeaderSize = 101, kItemSize = 25, kPointerSize = 33;
constexpr size_t kCsumField = 32, kOffsetInItem = 17;

template <class T>
T load(const std::vector<uint8_t>& bytes, size_t at) {
    T value{};
    if (at + sizeof value <= bytes.size()) std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

bool is_zero(const std::vector<uint8_t>& bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

Targets find_targets(cmd::RepairWorld& world) {
    Targets targets;
    std::vector<uint8_t> super(kSuperSize);
    const std::string& first = world.paths().front();
    world.disk(first).read(format::kSuperOffsets[0], super);
    targets.csum = static_cast<CsumKind>(load<uint16_t>(super, kCsumTypeAt));
    const auto nodesize = load<uint32_t>(super, kNodesizeAt);
    const std::vector<uint8_t> fsid(super.begin() + kFsidAt, super.begin() + kFsidAt + 16);

    std::map<uint64_t, Block> trees;
    targets.supers.resize(2);
    for (const auto& path : world.paths()) {
        const uint64_t size = targets.size[path] = world.disk(path).size();
        for (size_t i = 0; i < targets.supers.size(); i++) {
            targets.supers[i].length = kSuperSize;
            targets.supers[i].is_super = true;
            if (format::kSuperOffsets[i] + kSuperSize <= size)
                targets.supers[i].copies.push_back({path, format::kSuperOffsets[i]});
        }
        std::vector<uint8_t> unit(kUnit);
        for (uint64_t at = 0; at + kUnit <= size; at += kUnit) {
            if (world.disk(path).read(at, unit) != 0 || is_zero(unit)) continue;
            targets.filled.push_back({path, at});
            const bool is_super = at == format::kSuperOffsets[0] || at == format::kSuperOffsets[1];
            if (is_super || !std::equal(fsid.begin(), fsid.end(), unit.begin() + kFsidAt)) continue;
            Block& block = trees[load<uint64_t>(unit, kBytenrAt)];
            block.length = nodesize;
            block.copies.push_back({path, at});
        }
    }
    for (auto& [logical, block] : trees) targets.trees.push_back(std::move(block));
    return targets;
}

void Damage::plant() {
    for (uint64_t left = 1 + below(8); left > 0; left--) change();
}

void Damage::change() {
    const uint64_t kind = below(100);
    if (kind < 50) return edit_block(any(targets_.trees));
    if (kind < 65) return edit_block(any(targets_.supers));
    if (kind < 75) return flip_bits();
    if (kind < 83) return exchange_blocks();
    if (kind < 91) return splice();
    if (kind < 96) return wipe();
    truncate();
}

void Damage::flip_bits() {
    const auto& place = any(targets_.filled);
    Bytes bytes = read(place, kUnit);
    for (uint64_t left = 1 + below(16); left > 0; left--)
        bytes[below(bytes.size())] ^= static_cast<uint8_t>(1 << below(8));
    write(place, bytes);
}

// Mostly every copy alike, or the others would tell what is right.
void Damage::edit_block(const Block& block) {
    const bool all = chance(80), sealed = chance(90);
    const uint64_t state = random_();
    for (size_t i = 0; i < block.copies.size(); i++) {
        if (!all && i > 0) return;
        random_.seed(state);
        Bytes bytes = read(block.copies[i], block.length);
        edit(bytes, block);
        if (sealed) seal(bytes);
        write(block.copies[i], bytes);
    }
}

void Damage::edit(Bytes& bytes, const Block& block) {
    for (uint64_t left = 1 + below(3); left > 0; left--) {
        const size_t at = place_in(bytes, block);
        const size_t width = std::min<size_t>(size_t{1} << below(4), bytes.size() - at);
        const uint64_t old = load<uint64_t>(bytes, std::min(at, bytes.size() - 8));
        const uint64_t values[] = {
            0,          1,         ~uint64_t{0}, uint64_t{1} << 63, old + 1,   old - 1, old ^ uint64_t{1} << below(64),
            below(256), random_(), old << 12,    old >> 12,         0x7fffffff};
        const uint64_t value = values[below(std::size(values))];
        std::memcpy(bytes.data() + at, &value, width);
    }
}

// Mostly where something means something: the header, an item's head, or its body.
size_t Damage::place_in(const Bytes& bytes, const Block& block) {
    if (block.is_super || chance(5)) return kCsumField + below(bytes.size() - kCsumField);
    if (chance(15)) return kCsumField + below(kHeaderSize - kCsumField);
    const auto count = load<uint32_t>(bytes, kItemCountAt);
    if (count == 0) return kCsumField + below(bytes.size() - kCsumField);
    const bool leaf = bytes[kLevelAt] == 0;
    const size_t head = kHeaderSize + below(count) * (leaf ? kItemSize : kPointerSize);
    if (head + kPointerSize >= bytes.size()) return kHeaderSize;
    if (!leaf || chance(25)) return head + below(leaf ? kItemSize : kPointerSize);
    const uint64_t body = kHeaderSize + uint64_t{load<uint32_t>(bytes, head + kOffsetInItem)};
    const auto size = load<uint32_t>(bytes, head + kOffsetInItem + 4);
    if (size == 0 || body + size > bytes.size()) return head;
    return body + below(size);
}

// One tree block in the place of another: right checksum, wrong address, or that mended too.
void Damage::exchange_blocks() {
    const Block& from = any(targets_.trees);
    const Block& to = any(targets_.trees);
    Bytes bytes = read(from.copies.front(), from.length);
    const bool moved = chance(50);
    for (const auto& place : to.copies) {
        if (moved) {
            const Bytes there = read(place, kUnit);
            std::copy_n(there.begin() + kBytenrAt, 8, bytes.begin() + kBytenrAt);
            seal(bytes);
        }
        write(place, bytes);
    }
}

void Damage::splice() {
    const auto& from = any(targets_.filled);
    const auto& to = any(targets_.filled);
    write(to, read(from, kUnit << below(5)));
}

void Damage::wipe() { write(any(targets_.filled), Bytes(kUnit << below(6), chance(50) ? 0x00 : 0xff)); }

void Damage::truncate() {
    auto path = targets_.size.begin();
    std::advance(path, static_cast<std::ptrdiff_t>(below(targets_.size.size())));
    world_.disk(path->first).resize(chance(50) ? below(path->second) : below(path->second) / kUnit * kUnit);
}

void Damage::seal(Bytes& bytes) const {
    const auto digest = checksum::digest(targets_.csum, ByteView(bytes).subspan(kCsumField));
    std::copy(digest.begin(), digest.end(), bytes.begin());
}

Damage::Bytes Damage::read(const Block::Place& place, size_t length) {
    Bytes bytes(length);
    world_.disk(place.path).read(place.offset, bytes);  // behind the end: zeros
    return bytes;
}

void Damage::write(const Block::Place& place, const Bytes& bytes) {
    auto& disk = world_.disk(place.path);
    if (place.offset >= disk.size()) return;
    disk.write(place.offset, ByteView(bytes).first(std::min<uint64_t>(bytes.size(), disk.size() - place.offset)));
}

}  // namespace raid56::hostile
