// SPDX-License-Identifier: GPL-2.0-or-later
// Chunk items and device items into a chunk map, and the geometry of what was taken.
//
// Input: a byte of flags (bits 0-1: sector size 4, 8, 16 or 64 KiB); then for each chunk its start, length (numbers),
// type (2), stripes (1), flags (bit 0: a raw item follows, one byte of length and the bytes), and for each stripe devid
// (1), offset (a number).
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "support/super_image.h"
#include "volume/assemble.h"
#include "volume/losses.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

// Both directions of the map agree, and neither leaves its dev extent.
void check_place(const volume::MappedChunk& mapped, uint64_t offset) {
    const auto place = volume::place_of(mapped.layout, offset);
    FUZZ_EXPECT(place.n.v < mapped.full_stripes() && place.column < mapped.layout.nd && place.offset < kStripLen);
    FUZZ_EXPECT(mapped.logical(place.n, place.column) + place.offset == mapped.chunk.start + offset);
    for (unsigned copy = 0; copy < mapped.layout.copies; copy++) {
        const unsigned index = volume::stripe_index(mapped.layout, place.n, place.column, copy);
        FUZZ_EXPECT(index < mapped.layout.stripes);
        FUZZ_EXPECT(volume::column_of(mapped.layout, place.n, index) == place.column);
        const uint64_t physical = mapped.physical(place.n, index).v + place.offset;
        const Range extent = mapped.dev_extent(index);
        FUZZ_EXPECT(extent.start <= physical && physical < extent.end);
    }
}

void check_chunk(const volume::Volume& volume, const volume::MappedChunk& mapped) {
    FUZZ_EXPECT(volume.find_chunk(mapped.chunk.start) == &mapped);
    FUZZ_EXPECT(volume.find_chunk(Logical(mapped.chunk.end().v - 1)) == &mapped);
    FUZZ_EXPECT(mapped.layout.nd > 0 && mapped.members.size() == mapped.layout.stripes);
    FUZZ_EXPECT(mapped.layout.stripes >= mapped.layout.nd * mapped.layout.copies + mapped.layout.np);
    for (const uint64_t offset : {uint64_t{0}, mapped.chunk.length / 2, mapped.chunk.length - 1})
        check_place(mapped, offset);
    for (const StripeNo n : mapped.without_parity) {
        FUZZ_EXPECT(n.v < mapped.full_stripes());
        FUZZ_EXPECT(!mapped.has_parity(n));
    }
    const unsigned further = volume::further_losses(volume, mapped);
    FUZZ_EXPECT(volume::survives(volume, mapped) || further == 0);
    FUZZ_EXPECT(further < mapped.layout.stripes);
    FUZZ_EXPECT(!format::kind_name(mapped.chunk.kind).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    static constexpr uint32_t kSectors[] = {4096, 8192, 16384, 65536};
    format::Superblock super;
    super.sectorsize = super.nodesize = kSectors[input.u8() & 3];
    volume::Volume volume(super, {});
    std::vector<format::DevItem> items;
    while (!input.empty() && volume.chunks().size() < 16) {
        test::ChunkSpec spec;
        const Logical start(input.number());
        spec.sectorsize = super.sectorsize;
        spec.length = input.number();
        spec.type = input.u16();
        spec.stripes.resize(input.u8());
        const uint8_t flags = input.u8();
        for (auto& stripe : spec.stripes) {
            stripe.devid = input.u8();
            stripe.offset = input.number();
            stripe.uuid = test::uuid_of(static_cast<uint8_t>(stripe.devid));
        }
        const ByteView raw = (flags & 1) != 0 ? input.take(input.u8()) : ByteView();
        const test::Bytes item = (flags & 1) != 0 ? test::Bytes(raw.begin(), raw.end()) : test::encode_chunk(spec);
        auto chunk = format::decode_chunk(start, item, super.sectorsize);
        if (!chunk) {
            FUZZ_EXPECT(!format::message(chunk.error(), "chunk", "here").empty());
            continue;
        }
        FUZZ_EXPECT(chunk->end() > chunk->start);
        if ((flags & 2) != 0)
            for (const auto& stripe : chunk->stripes) {
                format::DevItem device;
                device.devid = stripe.devid;
                device.uuid = stripe.dev_uuid;
                device.total_bytes = stripe.offset.v;
                items.push_back(device);
            }
        (void)volume.add_chunk(std::move(*chunk));
    }
    (void)volume::take_dev_items(volume, items, true);
    volume.find_contested();
    for (const auto& mapped : volume.chunks()) check_chunk(volume, mapped);
    (void)volume::further_losses(volume);
    return 0;
}
