// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Base: the device's own copy 0 where it is good and of the volume's commit, else the copy that speaks
//    for the volume, which is a copy 0 wherever one of that commit is left.
// 2. Device item: from a good copy of its own of that commit, else from the chunk tree.
#include "repair/super_image.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "checksum/checksum.h"

namespace raid56::repair {
namespace {

using format::raw::super_block;

template <class T>
void put(std::vector<uint8_t>& block, size_t offset, const T& value) {
    static_assert(alignof(T) == 1 || std::is_integral_v<T>);
    if constexpr (std::is_integral_v<T>) {
        for (size_t i = 0; i < sizeof(T); i++) block[offset + i] = static_cast<uint8_t>(uint64_t{value} >> (8 * i));
    } else {
        std::memcpy(block.data() + offset, &value, sizeof(T));
    }
}

// Its own, and what the last commit wrote.
bool is_current(const volume::Volume& volume, const volume::Member& member, const volume::SuperCopy& copy) {
    return copy.state == volume::CopyState::good && copy.super->generation == volume.super().generation &&
           copy.super->dev_item.uuid == member.uuid && copy.super->dev_item.devid == member.devid &&
           format::part_of_volume(copy.bytes) == format::part_of_volume(volume.super_block());
}

}  // namespace

std::vector<uint8_t> make_super(ByteView base, const format::raw::dev_item& item, unsigned index, CsumKind kind) {
    // Where every copy that is left was wiped on purpose, the base lacks it.
    std::vector<uint8_t> block = format::with_magic(base);
    put(block, offsetof(super_block, bytenr), format::kSuperOffsets[index]);
    put(block, offsetof(super_block, dev_item), item);
    if (index != 0) {
        put(block, offsetof(super_block, log_root), uint64_t{0});
        put(block, offsetof(super_block, log_root_level), uint8_t{0});
    }
    const Digest digest = checksum::digest(kind, ByteView(block).subspan(format::kCsumField));
    std::copy_n(digest.begin(), csum_size(kind), block.begin());
    return block;
}

std::optional<SuperWrite> make_super_write(const volume::Volume& volume, const volume::Member& member,
                                           const std::vector<volume::SuperCopy>& scan, const scrub::Damage& damage) {
    const auto at = std::find(format::kSuperOffsets.begin(), format::kSuperOffsets.end(), damage.physical.v);
    const auto index = static_cast<unsigned>(at - format::kSuperOffsets.begin());
    const auto current = std::find_if(scan.begin(), scan.end(), [&](const volume::SuperCopy& copy) {
        return copy.index != index && is_current(volume, member, copy);
    });
    std::optional<format::raw::dev_item> item = member.dev_item;
    if (current != scan.end()) item = current->super->dev_item.raw;
    if (!item) return std::nullopt;
    const bool own = current != scan.end() && current->index == 0;

    SuperWrite made;
    made.new_bytes =
        make_super(own ? ByteView(current->bytes) : ByteView(volume.super_block()), *item, index, volume.super().csum);
    const auto& found = scan[index];
    const bool readable = found.state != volume::CopyState::absent && found.state != volume::CopyState::unreadable;
    made.old_bytes = readable ? found.bytes : std::vector<uint8_t>(format::kSuperSize);
    made.write.what = damage;
    made.write.unreadable = readable ? 0 : 1;
    const bool up_to_date =
        member.state == volume::DeviceState::present && member.generation == volume.super().generation;
    made.write.phase = up_to_date ? Phase::super : Phase::last_super;
    return made;
}

}  // namespace raid56::repair
