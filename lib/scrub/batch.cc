// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/batch.h"

#include <algorithm>

namespace raid56::scrub {

void Batch::make_room(const volume::Volume& volume) {
    const unsigned stripes = window.chunk->layout.stripes;
    group_ = static_cast<unsigned>(std::clamp<size_t>(engine_.batch_bytes() / (stripes * kStripLen), 1, window.count));
    strips_.assign(stripes, {});
    size_t need = 0;
    for (unsigned i = 0; i < stripes; i++) {
        const auto* from = device(volume, i);
        strips_[i].late = from != nullptr && from->reads_in_finish();
        strips_[i].count = strips_[i].late ? group_ : window.count;
        need += strips_[i].count * kStripLen;
    }
    if (!memory_ || memory_->bytes().size() < need) memory_ = engine_.allocate(need);
    uint8_t* at = memory_->bytes().data();
    for (auto& strips : strips_) {
        strips.start = at;
        at += strips.count * kStripLen;
    }
}

// Runs of needed full stripes, with gaps of up to `bridge` bytes of a strip between them: the first
// one, and the bytes of each of their strips. The last strip of a chunk without parity may be shorter
// than the others.
template <class Use>
void Batch::each_run(unsigned first, unsigned end, uint64_t bridge, Use&& use) const {
    for (unsigned n = first; n < end;) {
        if (!window.needed[n]) {
            n++;
            continue;
        }
        unsigned stop = n + 1;
        for (unsigned next = stop; next < end && (next - stop) * kStripLen <= bridge; next++)
            if (window.needed[next]) stop = next + 1;
        const uint64_t from = (window.first.v + n) * kStripLen;
        use(n, std::min((stop - n) * kStripLen, window.chunk->extent_length() - from));
        n = stop;
    }
}

void Batch::start_reads(const volume::Volume& volume) {
    abandon_reads();
    make_room(volume);
    bad_.assign(strips_.size(), {});
    counters = {};
    damage.clear();
    free_rows.clear();
    fixes.clear();
    for (unsigned i = 0; i < strips_.size(); i++) {
        auto* from = device(volume, i);
        if (from == nullptr) continue;
        each_run(0, window.count, from->bridge(), [&](unsigned n, uint64_t length) {
            const uint64_t offset = window.chunk->physical(StripeNo(window.first.v + n), i).v;
            if (strips_[i].late)
                from->hint(offset, length);
            else
                reads_.push_back({from, i, n, {offset, ByteSpan(strip(n, i), length), 0, nullptr}});
        });
    }
    for (; started_ < reads_.size(); started_++) reads_[started_].device->start(reads_[started_].op);
}

void Batch::finish_reads(const std::atomic<bool>& stop) {
    while (finished_ < started_) finish(reads_[finished_++], stop);
}

// What was started and never waited for, because something threw: memory must outlive it.
void Batch::abandon_reads() {
    for (; finished_ < started_; finished_++) reads_[finished_].device->finish(reads_[finished_].op);
    reads_.clear();
    started_ = finished_ = 0;
}

void Batch::load(const volume::Volume& volume, const std::atomic<bool>& stop, unsigned first, unsigned end) {
    for (unsigned i = 0; i < strips_.size(); i++) {
        if (!strips_[i].late) continue;
        auto& from = *device(volume, i);
        each_run(first, end, 0, [&](unsigned n, uint64_t length) {
            const uint64_t offset = window.chunk->physical(StripeNo(window.first.v + n), i).v;
            Read read{&from, i, n, {offset, ByteSpan(strip(n, i), length), 0, nullptr}};
            from.start(read.op);
            finish(read, stop);
        });
    }
}

void Batch::finish(Read& read, const std::atomic<bool>& stop) {
    read.device->finish(read.op);
    counters.bytes_read += read.op.out.size();
    if (read.op.error == 0) return;
    // What nobody asked for, between two runs, is left alone: a dying disk is slow enough.
    const auto end = static_cast<unsigned>(read.n + (read.op.out.size() + kStripLen - 1) / kStripLen);
    each_run(read.n, end, 0, [&](unsigned n, uint64_t length) {
        find_bad(*read.device, read.index, n, read.op.out.subspan((n - read.n) * kStripLen, length), stop);
    });
}

void Batch::find_bad(device::ReadDevice& device, unsigned index, unsigned n, ByteSpan out,
                     const std::atomic<bool>& stop) {
    auto& bad = bad_[index];
    if (bad.empty()) bad.resize(size_t{window.count} * window.rows());
    const uint64_t base = window.chunk->physical(window.first, index).v;
    device::read_in_pieces(
        device, window.chunk->physical(StripeNo(window.first.v + n), index).v, out, window.sectorsize,
        [&](uint64_t offset, int) { bad[(offset - base) / window.sectorsize] = true; }, [&] { return stop.load(); });
}

bool Batch::any_bad(unsigned n, unsigned index) const {
    if (bad_[index].empty()) return false;
    const auto begin = bad_[index].begin() + static_cast<ptrdiff_t>(size_t{n} * window.rows());
    return std::find(begin, begin + static_cast<ptrdiff_t>(window.rows()), true) !=
           begin + static_cast<ptrdiff_t>(window.rows());
}

bool Batch::any_bad(unsigned n) const {
    for (unsigned i = 0; i < bad_.size(); i++)
        if (any_bad(n, i)) return true;
    return false;
}

}  // namespace raid56::scrub
