// SPDX-License-Identifier: GPL-2.0-or-later
#include "fuzz/support/story.h"

#include <algorithm>
#include <cstring>

#include "format/tree_block.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/volume_run.h"

namespace raid56::fuzz {
namespace {

using format::Profile;

constexpr VolumeShape kShapes[] = {
    {Profile::raid6, 4, CsumKind::crc32c, 4096, false, false},
    {Profile::raid5, 3, CsumKind::crc32c, 4096, false, true},
    {Profile::raid5, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::raid6, 3, CsumKind::xxhash64, 4096, true, false},
    {Profile::raid1, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::raid6, 4, CsumKind::sha256, 16384, false, true},
    {Profile::raid1c3, 3, CsumKind::crc32c, 4096, true, false},
    {Profile::raid10, 4, CsumKind::crc32c, 4096, false, false},
    {Profile::raid0, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::single, 1, CsumKind::crc32c, 4096, true, true},
    {Profile::dup, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::raid5, 4, CsumKind::xxhash64, 8192, true, true},
    {Profile::raid6, 5, CsumKind::crc32c, 4096, true, true},
};

// What the stories begin with is clean.
void check_sound(SmallVolume& volume) {
    std::vector<OverlayDevice*> devices;
    for (auto& device : volume.devices()) devices.push_back(device.get());
    std::atomic<bool> stop{false};
    const auto run = run_volume(devices, {}, parity::isal_engine(), stop);
    if (run.verdict != report::Verdict::clean) std::fprintf(stderr, "%s%s\n", run.error.c_str(), run.report.c_str());
    FUZZ_EXPECT(run.opened && run.verdict == report::Verdict::clean);
}

void put(std::vector<uint8_t>& bytes, size_t offset, uint64_t number, size_t width) {
    for (size_t i = 0; i < width && offset + i < bytes.size(); i++)
        bytes[offset + i] = static_cast<uint8_t>(number >> (8 * i));
}

uint32_t items_of(const std::vector<uint8_t>& block) {
    const auto header = format::decode_header(block);
    const size_t unit = header.level == 0 ? 25 : 33;
    return std::min<uint32_t>(header.nritems, static_cast<uint32_t>((block.size() - 101) / unit));
}

}  // namespace

SmallVolume& volume_of(uint8_t n) {
    static std::unique_ptr<SmallVolume> made[std::size(kShapes)];
    auto& volume = made[n % std::size(kShapes)];
    if (!volume) {
        volume = std::make_unique<SmallVolume>(kShapes[n % std::size(kShapes)]);
        check_sound(*volume);
    }
    volume->reset();
    return *volume;
}

uint64_t number_of(Input& input, const SmallVolume& volume) {
    const uint64_t number = input.number();
    if (number >= 0x80) return number;
    if (number >= 0x60) return volume.chunks()[number % 3].logical + (number / 3 % 8) * uint64_t{4096};
    if (number >= 0x50) return volume.blocks()[number % volume.blocks().size()];
    return number;
}

void Story::tell() {
    for (unsigned i = 0; i < 24 && !input_.empty(); i++) {
        const uint8_t kind = input_.u8() % 8;
        if (kind == 0) patch_device();
        if (kind == 2) patch_super();
        if (kind == 5) change_device();
        if (kind == 1 || kind == 3 || kind == 4 || kind == 6 || kind == 7) change_block(kind);
    }
}

std::vector<OverlayDevice*> Story::devices() const {
    std::vector<OverlayDevice*> there;
    for (size_t i = 0; i < missing_.size(); i++)
        if (!missing_[i]) there.push_back(volume_.devices()[i].get());
    return there;
}

void Story::patch_device() {
    auto& to = *volume_.devices()[device()];
    // The superblock, and then what holds something at all.
    const uint64_t pages = (to.base_size() - 0x1f000) / 4096;
    const uint64_t page = input_.u8() % pages;
    const uint64_t at = (page == 0 ? 0x10000 : 0x1f000 + page * 4096) + input_.u16() % 4096;
    const ByteView bytes = input_.take(input_.u8());
    if (!bytes.empty() && at + bytes.size() <= to.base_size()) to.write(at, bytes);
}

void Story::patch_super() {
    const size_t index = device();
    const uint8_t how = input_.u8();
    std::vector<uint8_t> block(4096);
    volume_.devices()[index]->peek(0x10000, block);
    const size_t at = input_.u16() % 4096;
    const ByteView bytes = input_.take(std::min<size_t>(input_.u8(), 4096 - at));
    if (!bytes.empty()) std::memcpy(block.data() + at, bytes.data(), bytes.size());
    volume_.write_super(static_cast<unsigned>(index), std::move(block), (how & 1) == 0);
    honest_ = false;
}

void Story::change_device() {
    const size_t index = device();
    auto& to = *volume_.devices()[index];
    const uint8_t what = input_.u8() % 4, page = input_.u8();
    if (what == 0) {
        const auto gone = static_cast<size_t>(std::count(missing_.begin(), missing_.end(), true));
        if (gone + 1 < missing_.size()) missing_[index] = true;
    }
    if (what == 1) {
        to.resize(to.base_size() - std::min<uint64_t>(page * uint64_t{4096}, to.base_size() - 0x11000));
        shorter_ = page > 0;
    }
    if (what >= 2) to.lose(0x20 + page % ((to.base_size() - 0x20000) / 4096));
}

void Story::change_block(uint8_t kind) {
    const uint64_t at = volume_.blocks()[input_.u8() % volume_.blocks().size()];
    const uint8_t how = input_.u8();
    auto block = volume_.read_block(at);
    switch (kind) {
        case 1: {
            const size_t offset = input_.u16() % block.size();
            const ByteView bytes = input_.take(std::min<size_t>(input_.u8(), block.size() - offset));
            if (!bytes.empty()) std::memcpy(block.data() + offset, bytes.data(), bytes.size());
            break;
        }
        case 3: change_data(block); break;
        case 4: change_head(block); break;
        case 6: {
            static constexpr struct {
                size_t at, width;
            } kFields[] = {{48, 8}, {56, 8}, {80, 8}, {88, 8}, {96, 4}, {100, 1}, {32, 8}, {64, 8}};
            const auto& field = kFields[input_.u8() % std::size(kFields)];
            put(block, field.at, number_of(input_, volume_), field.width);
            break;
        }
        case 7: move_items(block); break;
        default: break;
    }
    double_ = double_ || (how & 3) == 2;
    volume_.write_block(at, std::move(block), (how & 1) == 0, (how & 2) == 0);
    honest_ = false;
}

void Story::change_data(std::vector<uint8_t>& block) {
    const uint8_t item = input_.u8(), offset = input_.u8(), width = input_.u8();
    const uint64_t number = number_of(input_, volume_);
    const uint32_t count = items_of(block);
    if (count == 0) return;
    if (block[100] != 0) return put(block, 101 + item % count * 33u + 17 + offset % 16, number, 8);
    const auto head = *read_at<format::raw::item>(block, 101 + item % count * 25u);
    if (head.size == 0) return;
    put(block, size_t{101} + head.offset + offset % head.size, number, size_t{1} << (width & 3));
}

void Story::change_head(std::vector<uint8_t>& block) {
    const uint8_t item = input_.u8(), field = input_.u8();
    const uint64_t number = number_of(input_, volume_);
    const uint32_t count = items_of(block);
    if (count == 0) return;
    static constexpr struct { size_t at, width; } kFields[] = {{0, 8}, {8, 1}, {9, 8}, {17, 4}, {21, 4}};
    const auto& part = kFields[field % std::size(kFields)];
    put(block, 101 + item % count * (block[100] == 0 ? 25u : 33u) + part.at, number, part.width);
}

// The heads alone: the data of an item that is gone stays where it was.
void Story::move_items(std::vector<uint8_t>& block) {
    const uint8_t item = input_.u8(), twice = input_.u8();
    const uint32_t count = items_of(block);
    if (count == 0) return;
    const size_t unit = block[100] == 0 ? 25 : 33, at = 101 + item % count * unit;
    const size_t behind = 101 + count * unit - at - unit;
    if ((twice & 1) != 0 && at + 2 * unit + behind <= block.size()) {
        std::memmove(block.data() + at + unit, block.data() + at, unit + behind);
        put(block, 96, count + 1, 4);
    } else {
        std::memmove(block.data() + at, block.data() + at + unit, behind);
        put(block, 96, count - 1, 4);
    }
}

}  // namespace raid56::fuzz
