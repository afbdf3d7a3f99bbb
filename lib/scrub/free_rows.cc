// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Runs of free rows; those that cannot be read are told.
// 2. All runs are compared, a job each.
// 3. Where one differs, its rows are compared one by one, so that the answer is the same however they are grouped.
#include "scrub/free_rows.h"

#include <algorithm>

namespace raid56::scrub {
namespace {

// Behind the end of a chunk whose last full stripe is cut short lies another.
bool is_free(const Window& window, unsigned n, unsigned row) {
    const unsigned nd = window.chunk->layout.nd;
    for (unsigned c = 0; c < nd; c++)
        if (window.sectors[window.at(n, c, row)] != Expect::free) return false;
    return window.logical(window.at(n, nd - 1, row)) < window.chunk->chunk.end();
}

std::vector<FreeRows::Part> unreadable_parts(const Batch& batch, const volume::Volume& volume, unsigned n,
                                             unsigned row) {
    const auto& window = batch.window;
    const auto& chunk = *window.chunk;
    std::vector<FreeRows::Part> parts;
    for (unsigned i = 0; i < chunk.layout.stripes; i++)
        if (batch.is_bad(n, i, row))
            parts.push_back({volume.member_of(chunk, i).devid,
                             chunk.physical(StripeNo(window.first.v + n), i) + uint64_t{row} * window.sectorsize,
                             window.sectorsize});
    return parts;
}

bool follows(const FreeRows& before, const FreeRows& rows) {
    const auto is_next = [&](const FreeRows::Part& a, const FreeRows::Part& b) {
        return a.devid == b.devid && a.physical + a.length == b.physical;
    };
    return before.full_stripe == rows.full_stripe && before.row + before.rows == rows.row &&
           before.p_differs == rows.p_differs && before.q_differs == rows.q_differs &&
           std::ranges::equal(before.unreadable, rows.unreadable, is_next);
}

// Rows alike, one behind the other, are told as one.
void join(std::vector<FreeRows>& all) {
    std::ranges::stable_sort(all, {}, [](const FreeRows& rows) { return std::pair(rows.full_stripe, rows.row); });
    std::vector<FreeRows> joined;
    for (auto& rows : all) {
        if (joined.empty() || !follows(joined.back(), rows)) {
            joined.push_back(std::move(rows));
            continue;
        }
        joined.back().rows += rows.rows;
        for (size_t i = 0; i < rows.unreadable.size(); i++)
            joined.back().unreadable[i].length += rows.unreadable[i].length;
    }
    all = std::move(joined);
}

}  // namespace

bool judges_free_rows(const volume::Volume& volume, const volume::MappedChunk& chunk) {
    if (chunk.layout.np == 0) return false;
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        const auto& member = volume.member_of(chunk, i);
        if (member.device == nullptr || member.state != volume::DeviceState::present) return false;
    }
    return true;
}

void FreeRowChecker::check(Batch& batch, unsigned first, unsigned end) {
    if (!judges_free_rows(context_.volume, *batch.window.chunk)) return;
    runs_.clear();
    for (unsigned n = first; n < end; n++)
        if (batch.window.needed[n] && batch.window.chunk->has_parity(StripeNo(batch.window.first.v + n)))
            look_at(batch, n);
    columns_.clear();
    jobs_.clear();
    for (const auto& run : runs_) add_job(batch, run.n, run.row, run.rows);
    run_jobs(batch);
    compare_one_by_one(batch);
    join(batch.free_rows);
}

void FreeRowChecker::look_at(Batch& batch, unsigned n) {
    const auto& window = batch.window;
    for (unsigned r = 0; r < window.rows(); r++) {
        if (!is_free(window, n, r)) continue;
        auto unreadable = unreadable_parts(batch, context_.volume, n, r);
        if (!unreadable.empty()) {
            batch.counters.free_rows_unreadable++;
            batch.free_rows.push_back(
                {window.chunk->chunk.start, window.first.v + n, r, 1, false, false, std::move(unreadable)});
            continue;
        }
        batch.counters.free_rows_checked++;
        if (!runs_.empty() && runs_.back().n == n && runs_.back().row + runs_.back().rows == r)
            runs_.back().rows++;
        else
            runs_.push_back({n, r, 1});
    }
}

void FreeRowChecker::add_job(const Batch& batch, unsigned n, unsigned row, unsigned rows) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    auto& columns = columns_.emplace_back();
    for (unsigned c = 0; c < layout.columns(); c++)
        columns.push_back(batch.strip(n, volume::stripe_index(layout, StripeNo(window.first.v + n), c, 0)) +
                          size_t{row} * window.sectorsize);
    parity::Job job;
    job.op = parity::Op::verify;
    job.has_q = layout.np > 1;
    job.columns = columns;
    job.length = size_t{rows} * window.sectorsize;
    jobs_.push_back(job);
}

void FreeRowChecker::run_jobs(Batch& batch) { batch.counters.engine_fallbacks += parity::run(context_.engine, jobs_); }

void FreeRowChecker::compare_one_by_one(Batch& batch) {
    std::vector<Run> differing;
    for (size_t i = 0; i < runs_.size(); i++)
        if (jobs_[i].p_differs || jobs_[i].q_differs)
            for (unsigned k = 0; k < runs_[i].rows; k++) differing.push_back({runs_[i].n, runs_[i].row + k, 1});
    columns_.clear();
    jobs_.clear();
    for (const auto& run : differing) add_job(batch, run.n, run.row, 1);
    run_jobs(batch);
    const auto& window = batch.window;
    for (size_t i = 0; i < differing.size(); i++) {
        const auto& job = jobs_[i];
        if (!job.p_differs && !job.q_differs) continue;
        batch.counters.free_rows_differing++;
        batch.free_rows.push_back({window.chunk->chunk.start,
                                   window.first.v + differing[i].n,
                                   differing[i].row,
                                   1,
                                   job.p_differs,
                                   job.q_differs,
                                   {}});
    }
}

}  // namespace raid56::scrub
