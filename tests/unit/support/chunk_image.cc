// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/chunk_image.h"

#include <algorithm>
#include <cstdlib>

#include "parity/engine.h"

namespace raid56::test {
namespace {

constexpr uint64_t kFirstOffset = 0x200000;  // clear of superblock copies

format::Superblock super_with(CsumKind csum, uint32_t nodesize) {
    format::Superblock super;
    super.fsid = super.metadata_uuid = uuid_of(0xf5);
    super.generation = super.chunk_root_generation = Generation(7);
    super.sectorsize = ChunkImage::kSector;
    super.nodesize = nodesize;
    super.csum = csum;
    return super;
}

}  // namespace

Bytes noise(size_t size, uint64_t seed) {
    Bytes bytes(size);
    uint64_t state = seed + 1;
    for (auto& byte : bytes) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<uint8_t>(state >> 56);
    }
    return bytes;
}

ChunkImage::ChunkImage(format::Profile profile, unsigned stripes, uint64_t length, CsumKind csum, uint32_t nodesize)
    : volume_(super_with(csum, nodesize), {}) {
    format::Chunk chunk;
    chunk.start = Logical(kStart);
    chunk.length = length;
    chunk.kind = format::chunk_kind::kData;
    chunk.profile = profile;
    const uint64_t extent = volume::dev_extent_length(volume::layout_of(profile, stripes), length);
    for (unsigned i = 0; i < stripes; i++) {
        // Each dev extent lies elsewhere, and ends where its device does.
        const uint64_t offset = kFirstOffset + i * kStripLen;
        auto memory = std::make_unique<device::MemoryDevice>(noise(offset + extent, i));
        Device device;
        device.memory = memory.get();
        auto faults = std::make_unique<device::FaultDevice>(std::move(memory));
        device.faults = faults.get();
        device.watched = std::make_unique<WatchedDevice>(std::move(faults));

        volume::Member member;
        member.devid = DevId(i + 1);
        member.uuid = uuid_of(static_cast<uint8_t>(i + 1));
        member.fsid = volume_.super().fsid;
        member.total_bytes = offset + extent;
        member.generation = volume_.super().generation;
        member.state = volume::DeviceState::present;
        member.device = device.watched.get();
        chunk.stripes.push_back({member.devid, Physical(offset), member.uuid});
        volume_.add_member(std::move(member));
        devices_.push_back(std::move(device));
    }
    if (!volume_.add_chunk(std::move(chunk))) std::abort();
    for (unsigned n = 0; n < full_stripes(); n++)
        for (unsigned c = 0; c < layout().nd; c++)
            for (unsigned m = 1; m < layout().copies; m++) std::ranges::copy(column(n, c), column(n, c, m).begin());
    make_parity();
}

ChunkImage ChunkImage::of(format::Profile profile, unsigned stripes, unsigned full_stripes, CsumKind csum,
                          uint32_t nodesize) {
    return ChunkImage(profile, stripes, full_stripes * volume::layout_of(profile, stripes).data_length(), csum,
                      nodesize);
}

ByteSpan ChunkImage::strip(unsigned n, unsigned index) {
    const uint64_t length = std::min(kStripLen, chunk().extent_length() - n * kStripLen);
    return devices_[index].memory->bytes().subspan(offset(n, index), length);
}

unsigned ChunkImage::index_of(unsigned n, unsigned column, unsigned copy) const {
    return volume::stripe_index(layout(), StripeNo(n), column, copy);
}

ByteSpan ChunkImage::column(unsigned n, unsigned column, unsigned copy) { return strip(n, index_of(n, column, copy)); }

void ChunkImage::write(uint64_t logical, ByteView bytes) {
    while (!bytes.empty()) {
        const auto place = volume::place_of(layout(), logical - kStart);
        const auto part = bytes.first(std::min<size_t>(bytes.size(), kStripLen - place.offset));
        for (unsigned m = 0; m < layout().copies; m++)
            std::ranges::copy(part, column(static_cast<unsigned>(place.n.v), place.column, m).begin() + place.offset);
        bytes = bytes.subspan(part.size());
        logical += part.size();
    }
}

void ChunkImage::make_parity() {
    if (layout().np == 0) return;
    for (unsigned n = 0; n < full_stripes(); n++) {
        std::vector<uint8_t*> columns;
        for (unsigned c = 0; c < layout().columns(); c++) columns.push_back(column(n, c).data());
        parity::Job job;
        job.op = parity::Op::generate;
        job.has_q = layout().np > 1;
        job.columns = columns;
        job.length = kStripLen;
        if (parity::run(parity::scalar_engine(), {&job, 1}) != 0) std::abort();
    }
}

void ChunkImage::make_late(unsigned mask) {
    for (unsigned i = 0; i < stripes(); i++) device(i).be_late((mask >> i & 1) != 0);
}

}  // namespace raid56::test
