// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/stripe_check.h"

#include <algorithm>
#include <cstring>

#include "checksum/checksum.h"
#include "scrub/mirror_judge.h"
#include "scrub/parity_judge.h"

namespace raid56::scrub {

void StripeChecker::check(Batch& batch) {
    for (unsigned n = 0; n < batch.window.count && !context_.stop; n++) {
        if (!batch.window.needed[n]) continue;
        if (is_clean(batch, n))
            count_clean(batch, n);
        else if (batch.window.chunk->layout.np > 0)
            judge_parity_stripe(context_, batch, n);
        else
            judge_mirrored_stripe(context_, batch, n);
    }
}

bool StripeChecker::is_clean(Batch& batch, unsigned n) {
    return devices_are_plain(batch, n) && digests_hold(batch, n) && blocks_hold(batch, n) && copies_agree(batch, n) &&
           parity_agrees(batch, n);
}

// Everything here, readable and believed; nothing that needs a word in the report.
bool StripeChecker::devices_are_plain(const Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& chunk = *window.chunk;
    const bool parity = chunk.layout.np > 0;
    unsigned unsure = 0;
    for (unsigned i = 0; i < chunk.layout.stripes; i++) {
        const auto& member = context_.volume.member_of(chunk, i);
        unsure += member.state == volume::DeviceState::unsure ? 1 : 0;
        // Without parity an unsure device's silent data has no witness: the judge looks.
        const bool plain = parity ? member.trusted() : member.state == volume::DeviceState::present;
        if (member.device == nullptr || !plain || batch.any_bad(n, i)) return false;
    }
    // Data and parity on two unsure devices are no witnesses of each other.
    if (unsure > 1) return false;
    if (parity && !chunk.has_parity(StripeNo(window.first.v + n))) return false;
    const auto begin = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n, 0, 0));
    const auto end = window.sectors.begin() + static_cast<ptrdiff_t>(window.at(n + 1, 0, 0));
    return std::find(begin, end, Expect::csum_missing) == end;
}

bool StripeChecker::digests_hold(const Batch& batch, unsigned n) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const StripeNo number(window.first.v + n);
    blocks_.clear();
    sectors_.clear();
    for (unsigned c = 0; c < layout.nd; c++) {
        for (unsigned m = 0; m < layout.copies; m++) {
            const uint8_t* strip = batch.strip(n, volume::stripe_index(layout, number, c, m));
            for (unsigned r = 0; r < window.rows(); r++) {
                const size_t sector = window.at(n, c, r);
                if (window.sectors[sector] != Expect::csum) continue;
                blocks_.push_back(strip + size_t{r} * window.sectorsize);
                sectors_.push_back(sector);
            }
        }
    }
    digests_.resize(blocks_.size() * window.digest_size);
    checksum::digest_blocks(context_.volume.super().csum, blocks_, window.sectorsize, digests_);
    for (size_t i = 0; i < sectors_.size(); i++)
        if (std::memcmp(digests_.data() + i * window.digest_size, window.digest(sectors_[i]), window.digest_size) != 0)
            return false;
    return true;
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
            const uint8_t* bytes = batch.strip(n, volume::stripe_index(layout, number, place.column, m)) + place.offset;
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
    for (unsigned m = 1; m < layout.copies; m++)
        for (unsigned c = 0; c < layout.nd; c++)
            for (unsigned r = 0; r < window.rows(); r++) {
                if (window.sectors[window.at(n, c, r)] != Expect::written) continue;
                const size_t at = size_t{r} * window.sectorsize;
                const uint8_t* a = batch.strip(n, c * layout.copies) + at;
                const uint8_t* b = batch.strip(n, c * layout.copies + m) + at;
                if (std::memcmp(a, b, window.sectorsize) != 0) return false;
            }
    return true;
}

bool StripeChecker::parity_agrees(const Batch& batch, unsigned n) {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    if (layout.np == 0) return true;
    const StripeNo number(window.first.v + n);
    const unsigned rows = window.rows();
    const auto judged = [&](unsigned r) {
        for (unsigned c = 0; c < layout.nd; c++)
            if (is_written(window.sectors[window.at(n, c, r)])) return true;
        return false;
    };

    // One job for each run of judged rows; every job has its own set of column pointers.
    columns_.clear();
    jobs_.clear();
    columns_.reserve(size_t{rows} * layout.columns());
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
        parity::Job job;
        job.op = parity::Op::verify;
        job.has_q = layout.np > 1;
        job.columns = std::span<uint8_t* const>(columns_).subspan(first);
        job.length = size_t{end - r} * window.sectorsize;
        jobs_.push_back(job);
        r = end;
    }
    parity::run(context_.engine, jobs_);
    return std::none_of(jobs_.begin(), jobs_.end(),
                        [](const parity::Job& job) { return job.p_differs || job.q_differs; });
}

void StripeChecker::count_clean(Batch& batch, unsigned n) const {
    const auto& window = batch.window;
    const auto& layout = window.chunk->layout;
    const uint64_t bytes = uint64_t{window.sectorsize} * layout.copies;
    for (size_t i = window.at(n, 0, 0); i < window.at(n + 1, 0, 0); i++) {
        const Expect expect = window.sectors[i];
        if (expect == Expect::csum) batch.counters.data_bytes_verified += bytes;
        if (expect == Expect::tree) batch.counters.tree_bytes_verified += bytes;
        if (expect == Expect::written || expect == Expect::never_written) batch.counters.no_checksum_bytes += bytes;
    }
    if (layout.np == 0) return;
    for (unsigned r = 0; r < window.rows(); r++)
        for (unsigned c = 0; c < layout.nd; c++)
            if (is_written(window.sectors[window.at(n, c, r)])) {
                batch.counters.rows_checked++;
                break;
            }
}

}  // namespace raid56::scrub
