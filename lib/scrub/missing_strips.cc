// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/missing_strips.h"

#include <algorithm>
#include <cstring>

namespace raid56::scrub {

size_t MissingStrips::make(Batch& batch, std::span<const unsigned> stripes) {
    jobs_.clear();
    columns_.clear();
    scratch_used_ = 0;
    const bool parity = batch.window.chunk->layout.np > 0;
    for (const unsigned n : stripes) parity ? add_jobs(batch, n) : copy_mirror(batch, n);
    for (size_t i = 0; i < jobs_.size(); i++) jobs_[i].columns = columns_[i];
    return parity::run(context_.engine, jobs_);
}

// Rows whose erased columns are the same go together: mostly all of them.
void MissingStrips::add_jobs(Batch& batch, unsigned n) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const StripeNo number(window.first.v + n);
    std::vector<unsigned> missing, untrusted;
    for (unsigned c = 0; c < layout.columns(); c++) {
        const auto& device = member(batch, volume::stripe_index(layout, number, c, 0));
        if (device.device == nullptr)
            missing.push_back(c);
        else if (!device.trusted())
            untrusted.push_back(c);
    }
    const bool has_parity = window.chunk->has_parity(number);
    const auto erased_in = [&](unsigned row) {
        std::vector<unsigned> erased = missing;
        for (unsigned c = 0; c < layout.columns(); c++)
            if (batch.is_bad(n, volume::stripe_index(layout, number, c, 0), row)) erased.push_back(c);
        std::vector<unsigned> all = erased;
        for (const unsigned c : untrusted)
            if (std::find(all.begin(), all.end(), c) == all.end()) all.push_back(c);
        return all.size() <= layout.np ? all : erased;
    };
    const bool rows_differ = batch.any_bad(n);
    for (unsigned row = 0; row < window.rows();) {
        const auto erased = erased_in(row);
        unsigned end = rows_differ ? row + 1 : window.rows();
        while (end < window.rows() && erased_in(end) == erased) end++;
        if (has_parity && erased.size() <= layout.np)
            add_job(batch, n, row, end, erased);
        else
            for (const unsigned c : missing) clear(batch, n, volume::stripe_index(layout, number, c, 0), row, end);
        row = end;
    }
}

void MissingStrips::add_job(Batch& batch, unsigned n, unsigned row, unsigned end, const std::vector<unsigned>& erased) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const StripeNo number(window.first.v + n);
    const size_t at = size_t{row} * window.sectorsize;
    auto& columns = columns_.emplace_back();
    for (unsigned c = 0; c < layout.columns(); c++)
        columns.push_back(batch.strip(n, volume::stripe_index(layout, number, c, 0)) + at);
    parity::Job job;
    job.op = parity::Op::recover;
    job.has_q = layout.np > 1;
    job.length = size_t{end - row} * window.sectorsize;
    for (size_t i = 0; i < erased.size(); i++) {
        job.erased[i] = static_cast<uint8_t>(erased[i]);
        // What a device that is there holds stays as it was found.
        const auto& device = member(batch, volume::stripe_index(layout, number, erased[i], 0));
        if (device.device != nullptr) columns[erased[i]] = scratch();
    }
    jobs_.push_back(job);
}

uint8_t* MissingStrips::scratch() {
    if (scratch_used_ == scratch_.size()) scratch_.push_back(context_.engine.allocate(kStripLen));
    return scratch_[scratch_used_++]->bytes().data();
}

void MissingStrips::clear(Batch& batch, unsigned n, unsigned index, unsigned row, unsigned end) {
    const size_t sector = batch.window.sectorsize;
    std::memset(batch.strip(n, index) + row * sector, 0, (end - row) * sector);
}

void MissingStrips::copy_mirror(Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const StripeNo number(window.first.v + n);
    const size_t sector = window.sectorsize;
    const auto index_of = [&](unsigned c, unsigned m) { return volume::stripe_index(layout, number, c, m); };
    for (unsigned c = 0; c < layout.nd; c++)
        for (unsigned m = 0; m < layout.copies; m++) {
            if (member(batch, index_of(c, m)).device != nullptr) continue;
            for (unsigned r = 0; r < window.rows(); r++) {
                const uint8_t* from = nullptr;
                bool believed = false;
                for (unsigned other = 0; other < layout.copies && !believed; other++) {
                    const auto& device = member(batch, index_of(c, other));
                    if (device.device == nullptr || batch.is_bad(n, index_of(c, other), r)) continue;
                    if (from != nullptr && !device.trusted()) continue;
                    from = batch.strip(n, index_of(c, other)) + r * sector;
                    believed = device.trusted();
                }
                uint8_t* to = batch.strip(n, index_of(c, m)) + r * sector;
                if (from != nullptr)
                    std::memcpy(to, from, sector);
                else
                    std::memset(to, 0, sector);
            }
        }
}

}  // namespace raid56::scrub
