// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/stripe_check.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "checksum/checksum.h"
#include "scrub/mirror_judge.h"
#include "scrub/parity_judge.h"
#include "volume/losses.h"

namespace raid56::scrub {

StripeChecker::~StripeChecker() {
    for (auto& group : begun_) abandon(*group);
}

void StripeChecker::begin(Batch& batch) {
    auto group = new_group(batch, 0);
    try {
        if (!context_.stop) begin_group(*group);
    } catch (...) {
        abandon(*group);
        throw;
    }
    begun_.push_back(std::move(group));
}

void StripeChecker::finish(Batch& batch) {
    auto group = std::move(begun_.front());
    begun_.pop_front();
    assert(group->batch == &batch);
    try {
        finish_group(*group);
        while (group->end < batch.window.count && !context_.stop) {
            const unsigned next = group->end;
            free_.push_back(std::move(group));
            group = new_group(batch, next);
            begin_group(*group);
            finish_group(*group);
        }
    } catch (...) {
        abandon(*group);
        throw;
    }
    free_.push_back(std::move(group));
}

std::unique_ptr<StripeChecker::Group> StripeChecker::new_group(Batch& batch, unsigned first) {
    if (free_.empty()) free_.push_back(std::make_unique<Group>());
    auto group = std::move(free_.back());
    free_.pop_back();
    group->batch = &batch;
    group->first = first;
    group->end = std::min(batch.window.count, first + batch.group());
    group->submitted = false;
    group->stripes.clear();
    return group;
}

// The engine works on the group's memory until it is waited for.
void StripeChecker::abandon(Group& group) {
    if (group.submitted) context_.engine.wait(group.jobs);
    group.submitted = false;
}

// 1. Strips of missing devices are made from the others.
// 2. Jobs for all full stripes of the group that nothing speaks against yet; one batch.
void StripeChecker::begin_group(Group& group) {
    Batch& batch = *group.batch;
    batch.load(context_.volume, context_.stop, group.first, group.end);
    for (unsigned n = group.first; n < group.end; n++)
        if (is_looked_at(batch.window, n)) group.stripes.push_back(look_at_devices(batch, n));
    make_missing(group);
    start_jobs(group);
}

// 3. What is cheap to look at here is looked at.
// 4. The clean ones are counted, the others judged.
// 5. Free rows are another matter.
void StripeChecker::finish_group(Group& group) {
    if (!group.submitted) return;
    Batch& batch = *group.batch;
    finish_jobs(group);
    for (auto& stripe : group.stripes) {
        if (context_.stop) return;
        if (stripe.clean && blocks_hold(batch, stripe.n) && copies_agree(batch, stripe.n))
            count_clean(batch, stripe.n);
        else if (batch.window.chunk->layout.np > 0)
            judge_parity_stripe(context_, batch, stripe.n);
        else
            judge_mirrored_stripe(context_, batch, stripe.n);
    }
    if (context_.free_rows) free_rows_.check(batch, group.first, group.end);
}

// A full stripe may be needed for its free rows alone.
bool StripeChecker::is_looked_at(const Window& window, unsigned n) const {
    if (!window.needed[n] || !context_.free_rows) return window.needed[n];
    const auto begin = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n, 0, 0));
    const auto end = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n + 1, 0, 0));
    return std::any_of(begin, end, is_allocated);
}

// Clean: everything that is here is readable and believed, what is not here can be made from it, and nothing
// needs a word in the report.
StripeChecker::Stripe StripeChecker::look_at_devices(const Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& chunk = *window.chunk;
    const bool parity = chunk.layout.np > 0;
    Stripe stripe{n, true, 0};
    unsigned unsure = 0;
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        const auto& member = context_.volume.member_of(chunk, i);
        if (member.device == nullptr) {
            stripe.missing++;
            continue;
        }
        unsure += member.state == volume::DeviceState::unsure ? 1 : 0;
        // Without parity an unsure device's silent data has no witness: the judge looks.
        const bool plain = parity ? member.trusted() : member.state == volume::DeviceState::present;
        stripe.clean = stripe.clean && plain && !batch.any_bad(n, i);
    }
    // Data and parity on two unsure devices are no witnesses of each other; what an unsure one gives back of a
    // missing one has none at all.
    if (unsure > (stripe.missing > 0 ? 0 : 1)) stripe.clean = false;
    if (parity && !chunk.has_parity(StripeNo(window.first.v + n))) stripe.clean = false;
    if (stripe.missing > 0 && (context_.free_in_doubt || !volume::survives(context_.volume, chunk)))
        stripe.clean = false;
    const auto begin = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n, 0, 0));
    const auto end = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n + 1, 0, 0));
    const auto is_doubtful = [&](Expect expect) {
        return expect == Expect::csum_missing || (expect == Expect::unknown && stripe.missing > 0);
    };
    stripe.clean = stripe.clean && std::none_of(begin, end, is_doubtful);
    return stripe;
}

// For the check of a full stripe that may be clean, or because somebody wants them.
void StripeChecker::make_missing(Group& group) {
    Batch& batch = *group.batch;
    const auto& chunk = *batch.window.chunk;
    const bool wanted =
        std::any_of(chunk.members.begin(), chunk.members.end(), [&](unsigned m) { return context_.makes(m); });
    to_make_.clear();
    for (const auto& stripe : group.stripes)
        if (stripe.missing > 0 && (stripe.clean || wanted)) to_make_.push_back(stripe.n);
    if (!to_make_.empty()) batch.counters.engine_fallbacks += missing_.make(batch, to_make_);
}

void StripeChecker::start_jobs(Group& group) {
    const auto& window = group.batch->window;
    const auto& layout = window.chunk->layout;
    group.runs.clear();
    group.parity_stripes.clear();
    group.jobs.clear();
    group.columns.clear();
    const size_t rows = group.stripes.size() * window.rows();
    // Jobs point into it: it must not move.
    group.columns.reserve(rows * (size_t{layout.nd} * layout.copies + layout.columns()));
    group.digests.resize(rows * layout.nd * layout.copies * window.digest_size);

    for (size_t i = 0; i < group.stripes.size(); i++)
        if (group.stripes[i].clean) add_digests(group, i);
    for (size_t i = 0; i < group.stripes.size(); i++)
        // Where all parity went into missing columns none is left to ask.
        if (group.stripes[i].clean && group.stripes[i].missing < layout.np) add_parity(group, i);

    parity::start(context_.engine, group.jobs);
    group.submitted = true;
    compute_refused_digests(group);  // while the engine works on the rest
}

void StripeChecker::finish_jobs(Group& group) {
    const size_t parities = parity::finish(context_.engine, group.jobs);
    group.submitted = false;
    const size_t digests = compute_refused_digests(group);
    // What the engine was meant to do and software did: parity jobs that it refused, failed or left pending,
    // and digest jobs that it took and then gave up. Digests refused at once are not counted: most engines
    // take none, and software is where they belong. Each job counts once, here and nowhere else.
    group.batch->counters.engine_fallbacks += parities + digests;
    compare(group);
}

void StripeChecker::add_digests(Group& group, size_t stripe) {
    const Batch& batch = *group.batch;
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const unsigned n = group.stripes[stripe].n;
    const StripeNo number(window.first.v + n);
    size_t made = group.runs.empty() ? 0
                                     : (group.jobs.back().digests - group.digests.data()) +
                                           group.runs.back().count * window.digest_size;
    for (unsigned c = 0; c < layout.nd; c++) {
        for (unsigned m = 0; m < layout.copies; m++) {
            const unsigned index = volume::stripe_index(layout, number, c, m);
            if (layout.np == 0 && is_missing(window, index)) continue;  // a copy of what is looked at already
            uint8_t* strip = batch.strip(n, index);
            for (unsigned r = 0; r < window.rows();) {
                const size_t sector = window.at(n, c, r);
                unsigned end = r;
                while (end < window.rows() && window.sectors[sector + (end - r)] == Expect::csum) end++;
                if (end == r) {
                    r++;
                    continue;
                }
                group.runs.push_back({stripe, sector, end - r});
                group.columns.push_back(strip + size_t{r} * window.sectorsize);
                parity::Job job;
                job.op = parity::Op::digest;
                job.columns = std::span<uint8_t* const>(&group.columns.back(), 1);
                job.length = (end - r) * size_t{window.sectorsize};
                job.csum = context_.volume.super().csum;
                job.blocks = end - r;
                job.digests = group.digests.data() + made;
                group.jobs.push_back(job);
                made += (end - r) * window.digest_size;
                r = end;
            }
        }
    }
}

// One job for each run of rows whose parity was ever computed.
void StripeChecker::add_parity(Group& group, size_t stripe) {
    const Batch& batch = *group.batch;
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const unsigned n = group.stripes[stripe].n;
    const StripeNo number(window.first.v + n);
    const unsigned rows = window.rows();
    const auto judged = [&](unsigned r) {
        for (unsigned c = 0; c < layout.nd; c++)
            if (is_written(window.sectors[window.at(n, c, r)])) return true;
        return false;
    };
    for (unsigned r = 0; r < rows;) {
        if (!judged(r)) {
            r++;
            continue;
        }
        unsigned end = r;
        while (end < rows && judged(end)) end++;
        const size_t first = group.columns.size();
        for (unsigned c = 0; c < layout.columns(); c++)
            group.columns.push_back(batch.strip(n, volume::stripe_index(layout, number, c, 0)) +
                                    size_t{r} * window.sectorsize);
        group.parity_stripes.push_back(stripe);
        parity::Job job;
        job.op = parity::Op::verify;
        job.has_q = layout.np > 1;
        job.columns = std::span<uint8_t* const>(group.columns).subspan(first);
        job.length = size_t{end - r} * window.sectorsize;
        group.jobs.push_back(job);
        r = end;
    }
}

// Digests that the engine does not make are made here, all together. Returns how many jobs that were.
size_t StripeChecker::compute_refused_digests(Group& group) {
    const auto& window = group.batch->window;
    const auto refused = [&](size_t i) { return group.jobs[i].outcome == parity::Outcome::refused; };
    blocks_.clear();
    size_t count = 0;
    for (size_t i = 0; i < group.runs.size(); i++) {
        if (!refused(i)) continue;
        count++;
        for (size_t k = 0; k < group.runs[i].count; k++)
            blocks_.push_back(group.jobs[i].columns[0] + k * window.sectorsize);
    }
    software_digests_.resize(blocks_.size() * window.digest_size);
    checksum::digest_blocks(context_.volume.super().csum, blocks_, window.sectorsize, software_digests_);
    const uint8_t* from = software_digests_.data();
    for (size_t i = 0; i < group.runs.size(); i++) {
        if (!refused(i)) continue;
        const size_t bytes = group.runs[i].count * window.digest_size;
        std::memcpy(group.jobs[i].digests, from, bytes);
        group.jobs[i].outcome = parity::Outcome::done;
        from += bytes;
    }
    return count;
}

void StripeChecker::compare(Group& group) {
    const auto& window = group.batch->window;
    const size_t size = window.digest_size;
    for (size_t i = 0; i < group.runs.size(); i++)
        // The digests of a window lie in the order of its sectors.
        if (std::memcmp(group.jobs[i].digests, window.digest(group.runs[i].sector), group.runs[i].count * size) != 0)
            group.stripes[group.runs[i].stripe].clean = false;
    for (size_t i = 0; i < group.parity_stripes.size(); i++) {
        const auto& job = group.jobs[group.runs.size() + i];
        if (job.outcome != parity::Outcome::done || job.p_differs || job.q_differs)
            group.stripes[group.parity_stripes[i]].clean = false;
    }
}

bool StripeChecker::blocks_hold(const Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const uint32_t nodesize = context_.volume.nodesize();
    const StripeNo number(window.first.v + n);
    const auto [first, end] = blocks_of_stripe(window, nodesize, n);
    for (size_t i = first; i < end; i++) {
        const auto& block = window.blocks[i];
        if (block.crosses) return false;  // rare; the judge reads the whole of it
        const auto place = volume::place_of(layout, block.expect.start - window.chunk->chunk.start);
        for (unsigned m = 0; m < layout.copies; m++) {
            const unsigned index = volume::stripe_index(layout, number, place.column, m);
            if (layout.np == 0 && is_missing(window, index)) continue;
            const uint8_t* bytes = batch.strip(n, index) + place.offset;
            if (tree::check_block(context_.volume, ByteView(bytes, nodesize), block.expect).state !=
                tree::BlockState::proven)
                return false;
        }
    }
    return true;
}

// Copies of silent data are all the proof that mirrored profiles have of it.
bool StripeChecker::copies_agree(const Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    if (layout.np > 0) return true;
    for (unsigned c = 0; c < layout.nd; c++) {
        const uint8_t* one = nullptr;
        for (unsigned m = 0; m < layout.copies; m++) {
            if (is_missing(window, c * layout.copies + m)) continue;
            const uint8_t* strip = batch.strip(n, c * layout.copies + m);
            if (one == nullptr) one = strip;
            for (unsigned r = 0; r < window.rows() && strip != one; r++) {
                if (window.sectors[window.at(n, c, r)] != Expect::written) continue;
                const size_t at = size_t{r} * window.sectorsize;
                if (std::memcmp(one + at, strip + at, window.sectorsize) != 0) return false;
            }
        }
    }
    return true;
}

// Bytes of missing devices are not counted as looked at, whatever proves what they were.
void StripeChecker::count_clean(Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const StripeNo number(window.first.v + n);
    for (unsigned c = 0; c < layout.nd; c++) {
        unsigned here = 0;
        for (unsigned m = 0; m < layout.copies; m++)
            here += is_missing(window, volume::stripe_index(layout, number, c, m)) ? 0 : 1;
        const uint64_t bytes = uint64_t{window.sectorsize} * here;
        for (size_t i = window.at(n, c, 0); i < window.at(n, c + 1, 0); i++) {
            const Expect expect = window.sectors[i];
            if (expect == Expect::csum) batch.counters.data_bytes_verified += bytes;
            if (expect == Expect::tree) batch.counters.tree_bytes_verified += bytes;
            if (is_silent(expect)) batch.counters.no_checksum_bytes += bytes;
        }
    }
    count_unproven(batch, n);
    if (layout.np == 0) return;
    for (unsigned r = 0; r < window.rows(); r++)
        for (unsigned c = 0; c < layout.nd; c++)
            if (is_written(window.sectors[window.at(n, c, r)])) {
                batch.counters.rows_checked++;
                break;
            }
}

// Sectors of missing devices that come back without a proof of their own: silent ones, and free ones of rows
// that hold something.
void StripeChecker::count_unproven(Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const StripeNo number(window.first.v + n);
    const auto holds_something = [&](unsigned r) {
        for (unsigned c = 0; c < layout.nd; c++)
            if (is_allocated(window.sectors[window.at(n, c, r)])) return true;
        return false;
    };
    for (unsigned c = 0; c < layout.nd; c++)
        for (unsigned m = 0; m < layout.copies; m++) {
            if (!is_missing(window, volume::stripe_index(layout, number, c, m))) continue;
            for (unsigned r = 0; r < window.rows(); r++) {
                const Expect expect = window.sectors[window.at(n, c, r)];
                const bool free = expect == Expect::free && layout.np > 0 && holds_something(r);
                batch.counters.unproven_sectors += is_silent(expect) || free ? 1 : 0;
            }
        }
}

}  // namespace raid56::scrub
