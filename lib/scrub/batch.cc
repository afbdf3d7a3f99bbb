// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/batch.h"

#include <algorithm>

namespace raid56::scrub {

void Batch::start_reads(const volume::Volume& volume) {
    const auto& chunk = *window.chunk;
    const size_t each = window.count * kStripLen;
    const size_t need = each * chunk.layout.stripes;
    if (!memory_ || memory_->bytes().size() < need) memory_ = engine_.allocate(need);
    strips_.clear();
    for (unsigned i = 0; i < chunk.layout.stripes; i++) strips_.push_back(memory_->bytes().data() + i * each);
    bad_.assign(chunk.layout.stripes, {});
    counters = {};
    damage.clear();

    reads_.clear();
    for (unsigned n = 0; n < window.count;) {
        if (!window.needed[n]) {
            n++;
            continue;
        }
        unsigned end = n;
        while (end < window.count && window.needed[end]) end++;
        // The last strip of a chunk without parity may be shorter than the others.
        const uint64_t from = (window.first.v + n) * kStripLen;
        const uint64_t length = std::min((end - n) * kStripLen, chunk.extent_length() - from);
        for (unsigned i = 0; i < chunk.layout.stripes; i++)
            if (volume.member_of(chunk, i).device != nullptr)
                reads_.push_back(
                    {i, {chunk.chunk.stripes[i].offset.v + from, ByteSpan(strip(n, i), length), 0, nullptr}});
        n = end;
    }
    for (auto& read : reads_) volume.member_of(chunk, read.index).device->start(read.op);
}

void Batch::finish_reads(const volume::Volume& volume, const std::atomic<bool>& stop) {
    const auto& chunk = *window.chunk;
    for (auto& read : reads_) {
        auto& device = *volume.member_of(chunk, read.index).device;
        device.finish(read.op);
        counters.bytes_read += read.op.out.size();
        if (read.op.error == 0) continue;
        auto& bad = bad_[read.index];
        if (bad.empty()) bad.resize(size_t{window.count} * window.rows());
        const uint64_t base = chunk.physical(window.first, read.index).v;
        device::read_in_pieces(
            device, read.op.offset, read.op.out, window.sectorsize,
            [&](uint64_t offset, int) { bad[(offset - base) / window.sectorsize] = true; },
            [&] { return stop.load(); });
    }
}

bool Batch::any_bad(unsigned n, unsigned index) const {
    if (bad_[index].empty()) return false;
    const auto begin = bad_[index].begin() + static_cast<ptrdiff_t>(size_t{n} * window.rows());
    return std::find(begin, begin + static_cast<ptrdiff_t>(window.rows()), true) !=
           begin + static_cast<ptrdiff_t>(window.rows());
}

}  // namespace raid56::scrub
