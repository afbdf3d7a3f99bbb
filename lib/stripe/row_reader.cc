// SPDX-License-Identifier: GPL-2.0-or-later
#include "stripe/row_reader.h"

namespace raid56::stripe {

Rows::Rows(const volume::Volume& volume, const volume::MappedChunk& chunk, StripeNo n, unsigned first, unsigned count)
    : nd_(chunk.layout.nd),
      np_(chunk.has_parity(n) ? chunk.layout.np : 0),
      sector_(volume.sectorsize()),
      columns_(count),
      erased_(count) {
    const unsigned columns = nd_ + np_;
    const size_t run = count * sector_;
    constexpr size_t kAlignment = 4096;
    memory_.resize(columns * run + kAlignment);
    const size_t skip = kAlignment - reinterpret_cast<uintptr_t>(memory_.data()) % kAlignment;
    for (unsigned c = 0; c < columns; c++) {
        uint8_t* base = memory_.data() + skip + c * run;
        for (unsigned i = 0; i < count; i++) columns_[i].push_back(base + i * sector_);

        const unsigned index = volume::stripe_index(chunk.layout, n, c, 0);
        const auto& member = volume.member_of(chunk, index);
        if (member.device == nullptr) {
            for (auto& erased : erased_) erased.set(c);
            continue;
        }
        const Physical start = chunk.physical(n, index) + first * sector_;
        device::read_in_pieces(*member.device, start.v, ByteSpan(base, run), volume.sectorsize(),
                               [&](uint64_t offset, int) { erased_[(offset - start.v) / sector_].set(c); });
    }
}

Row Rows::row(unsigned i) const {
    Row row;
    row.nd = nd_;
    row.np = np_;
    row.columns = columns_[i];
    row.length = sector_;
    row.erased = erased_[i];
    return row;
}

}  // namespace raid56::stripe
