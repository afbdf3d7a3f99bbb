// SPDX-License-Identifier: GPL-2.0-or-later
#include "format/chunk.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"

namespace raid56::format {
namespace {

struct ProfileRow {
    uint64_t bit;
    Profile profile;
    const char* name;
    unsigned min_stripes, max_stripes, multiple_of;
};

// Stripe counts: FACTS 5 (the kernel's tree checker); degenerate raid0 on 1 and raid10 on 2 exist since 5.15.
constexpr ProfileRow kProfiles[] = {
    {0, Profile::single, "single", 1, 1, 1},         {0x8, Profile::raid0, "raid0", 1, 0xffff, 1},
    {0x10, Profile::raid1, "raid1", 2, 2, 1},        {0x20, Profile::dup, "dup", 2, 2, 1},
    {0x40, Profile::raid10, "raid10", 2, 0xffff, 2}, {0x80, Profile::raid5, "raid5", 2, 0xff, 1},
    {0x100, Profile::raid6, "raid6", 3, 0xff, 1},    {0x200, Profile::raid1c3, "raid1c3", 3, 3, 1},
    {0x400, Profile::raid1c4, "raid1c4", 4, 4, 1},
};
constexpr uint64_t kProfileMask = 0x7f8;

template <size_t N>
std::array<uint8_t, N> copy_bytes(const uint8_t (&raw)[N]) {
    std::array<uint8_t, N> out;
    std::copy(std::begin(raw), std::end(raw), out.begin());
    return out;
}

}  // namespace

const char* profile_name(Profile profile) {
    for (const auto& row : kProfiles)
        if (row.profile == profile) return row.name;
    return "?";
}

std::string kind_name(uint64_t kind) {
    std::string name;
    const auto append = [&](uint64_t bit, const char* word) {
        if ((kind & bit) == 0) return;
        if (!name.empty()) name += '+';
        name += word;
    };
    append(chunk_kind::kData, "data");
    append(chunk_kind::kMetadata, "metadata");
    append(chunk_kind::kSystem, "system");
    return name;
}

Decoded<Chunk> decode_chunk(Logical start, ByteView item, uint32_t sectorsize) {
    const auto raw = read_at<raw::chunk>(item, 0);
    if (!raw) return Reject{Reason::truncated, item.size(), sizeof(raw::chunk)};

    const uint64_t type = raw->type;
    if ((type & ~(chunk_kind::kMask | kProfileMask)) != 0) return Reject{Reason::bad_chunk_kind, type, 0};
    if (std::popcount(type & kProfileMask) > 1) return Reject{Reason::several_profiles, type & kProfileMask, 0};
    const uint64_t kind = type & chunk_kind::kMask;
    const bool mixed = kind == (chunk_kind::kData | chunk_kind::kMetadata);
    if (std::popcount(kind) != 1 && !mixed) return Reject{Reason::bad_chunk_kind, type, 0};

    const auto profile = std::find_if(std::begin(kProfiles), std::end(kProfiles),
                                      [&](const ProfileRow& row) { return row.bit == (type & kProfileMask); });
    const unsigned count = raw->num_stripes;
    if (count < profile->min_stripes || count > profile->max_stripes || count % profile->multiple_of != 0)
        return Reject{Reason::bad_stripe_count, count, profile->min_stripes};
    if (item.size() != chunk_item_size(count)) return Reject{Reason::truncated, item.size(), chunk_item_size(count)};
    if (raw->stripe_len != kStripLen) return Reject{Reason::bad_stripe_len, raw->stripe_len, kStripLen};
    if (raw->sector_size != sectorsize) return Reject{Reason::bad_chunk_sectorsize, raw->sector_size, sectorsize};
    if (start.v % sectorsize != 0) return Reject{Reason::bad_chunk_start, start.v, sectorsize};
    const uint64_t length = raw->length;
    if (length == 0 || length % sectorsize != 0 || length >= uint64_t{1} << 48 || !checked_add(start.v, length))
        return Reject{Reason::bad_chunk_length, length, sectorsize};

    Chunk chunk{start, length, kind, profile->profile, {}};
    chunk.stripes.reserve(count);
    for (unsigned i = 0; i < count; i++) {
        const auto stripe = *read_at<raw::stripe>(item, sizeof(raw::chunk) + i * sizeof(raw::stripe));
        if (stripe.offset % sectorsize != 0 || !checked_add(stripe.offset, length))
            return Reject{Reason::stripe_overflow, stripe.offset, sectorsize};
        chunk.stripes.push_back({DevId(stripe.devid), Physical(stripe.offset), copy_bytes(stripe.dev_uuid)});
    }
    return chunk;
}

DevItem decode_dev_item(const raw::dev_item& item) {
    return {DevId(item.devid),
            item.total_bytes,
            item.bytes_used,
            Generation(item.generation),
            copy_bytes(item.uuid),
            copy_bytes(item.fsid),
            item};
}

}  // namespace raid56::format
