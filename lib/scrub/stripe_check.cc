// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/stripe_check.h"

#include <algorithm>
#include <cstring>

#include "checksum/checksum.h"
#include "scrub/mirror_judge.h"
#include "scrub/parity_judge.h"
#include "volume/losses.h"

namespace raid56::scrub {

void StripeChecker::check(Batch& batch) {
    const unsigned count = batch.window.count;
    for (unsigned first = 0; first < count && !context_.stop; first += batch.group()) {
        const unsigned end = std::min(count, first + batch.group());
        batch.load(context_.volume, context_.stop, first, end);
        check_group(batch, first, end);
    }
}

// 1. Strips of missing devices are made from the others.
// 2. Jobs for all full stripes of the group that nothing speaks against yet; one batch.
// 3. What is cheap to look at here is looked at.
// 4. The clean ones are counted, the others judged.
// 5. Free rows are another matter.
void StripeChecker::check_group(Batch& batch, unsigned first, unsigned end) {
    stripes_.clear();
    for (unsigned n = first; n < end; n++)
        if (is_looked_at(batch.window, n)) stripes_.push_back(look_at_devices(batch, n));
    make_missing(batch);
    run_jobs(batch);
    for (auto& stripe : stripes_) {
        if (context_.stop) return;
        if (stripe.clean && blocks_hold(batch, stripe.n) && copies_agree(batch, stripe.n))
            count_clean(batch, stripe.n);
        else if (batch.window.chunk->layout.np > 0)
            judge_parity_stripe(context_, batch, stripe.n);
        else
            judge_mirrored_stripe(context_, batch, stripe.n);
    }
    if (context_.free_rows) free_rows_.check(batch, first, end);
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
void StripeChecker::make_missing(Batch& batch) {
    const auto& chunk = *batch.window.chunk;
    const bool wanted =
        std::any_of(chunk.members.begin(), chunk.members.end(), [&](unsigned m) { return context_.makes(m); });
    to_make_.clear();
    for (const auto& stripe : stripes_)
        if (stripe.missing > 0 && (stripe.clean || wanted)) to_make_.push_back(stripe.n);
    if (!to_make_.empty()) batch.counters.engine_fallbacks += missing_.make(batch, to_make_);
}

void StripeChecker::run_jobs(Batch& batch) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    runs_.clear();
    parity_stripes_.clear();
    jobs_.clear();
    columns_.clear();
    // Jobs point into it: it must not move.
    columns_.reserve(stripes_.size() * window.rows() * (size_t{layout.nd} * layout.copies + layout.columns()));
    digests_.resize(stripes_.size() * window.rows() * layout.nd * layout.copies * window.digest_size);

    for (size_t i = 0; i < stripes_.size(); i++)
        if (stripes_[i].clean) add_digests(batch, i);
    for (size_t i = 0; i < stripes_.size(); i++)
        // Where all parity went into missing columns none is left to ask.
        if (stripes_[i].clean && stripes_[i].missing < layout.np) add_parity(batch, i);

    parity::start(context_.engine, jobs_);
    compute_refused_digests(window);  // while the engine works on the rest
    const size_t parities = parity::finish(context_.engine, jobs_);
    const size_t digests = compute_refused_digests(window);
    // What the engine was meant to do and software did: parity jobs that it refused, failed or left pending,
    // and digest jobs that it took and then gave up. Digests refused at once are not counted: most engines
    // take none, and software is where they belong. Each job counts once, here and nowhere else.
    batch.counters.engine_fallbacks += parities + digests;
    compare(window);
}

void StripeChecker::add_digests(const Batch& batch, size_t stripe) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const unsigned n = stripes_[stripe].n;
    const StripeNo number(window.first.v + n);
    size_t made =
        runs_.empty() ? 0 : (jobs_.back().digests - digests_.data()) + runs_.back().count * window.digest_size;
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
                runs_.push_back({stripe, sector, end - r});
                columns_.push_back(strip + size_t{r} * window.sectorsize);
                parity::Job job;
                job.op = parity::Op::digest;
                job.columns = std::span<uint8_t* const>(&columns_.back(), 1);
                job.length = (end - r) * size_t{window.sectorsize};
                job.csum = context_.volume.super().csum;
                job.blocks = end - r;
                job.digests = digests_.data() + made;
                jobs_.push_back(job);
                made += (end - r) * window.digest_size;
                r = end;
            }
        }
    }
}

// One job for each run of rows whose parity was ever computed.
void StripeChecker::add_parity(const Batch& batch, size_t stripe) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const unsigned n = stripes_[stripe].n;
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
        const size_t first = columns_.size();
        for (unsigned c = 0; c < layout.columns(); c++)
            columns_.push_back(batch.strip(n, volume::stripe_index(layout, number, c, 0)) +
                               size_t{r} * window.sectorsize);
        parity_stripes_.push_back(stripe);
        parity::Job job;
        job.op = parity::Op::verify;
        job.has_q = layout.np > 1;
        job.columns = std::span<uint8_t* const>(columns_).subspan(first);
        job.length = size_t{end - r} * window.sectorsize;
        jobs_.push_back(job);
        r = end;
    }
}

// Digests that the engine does not make are made here, all together. Returns how many jobs that were.
size_t StripeChecker::compute_refused_digests(const Window& window) {
    const auto refused = [&](size_t i) { return jobs_[i].outcome == parity::Outcome::refused; };
    blocks_.clear();
    size_t count = 0;
    for (size_t i = 0; i < runs_.size(); i++) {
        if (!refused(i)) continue;
        count++;
        for (size_t k = 0; k < runs_[i].count; k++) blocks_.push_back(jobs_[i].columns[0] + k * window.sectorsize);
    }
    software_digests_.resize(blocks_.size() * window.digest_size);
    checksum::digest_blocks(context_.volume.super().csum, blocks_, window.sectorsize, software_digests_);
    const uint8_t* from = software_digests_.data();
    for (size_t i = 0; i < runs_.size(); i++) {
        if (!refused(i)) continue;
        const size_t bytes = runs_[i].count * window.digest_size;
        std::memcpy(jobs_[i].digests, from, bytes);
        jobs_[i].outcome = parity::Outcome::done;
        from += bytes;
    }
    return count;
}

void StripeChecker::compare(const Window& window) {
    const size_t size = window.digest_size;
    for (size_t i = 0; i < runs_.size(); i++)
        // The digests of a window lie in the order of its sectors.
        if (std::memcmp(jobs_[i].digests, window.digest(runs_[i].sector), runs_[i].count * size) != 0)
            stripes_[runs_[i].stripe].clean = false;
    for (size_t i = 0; i < parity_stripes_.size(); i++) {
        const auto& job = jobs_[runs_.size() + i];
        if (job.outcome != parity::Outcome::done || job.p_differs || job.q_differs)
            stripes_[parity_stripes_[i]].clean = false;
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
