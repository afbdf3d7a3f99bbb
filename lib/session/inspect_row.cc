// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Find the full stripe; build its window, look up why its data without checksum has none.
// 2. Read its strips.
// 3. Say of each column of the row what it holds and what proves it; then let the scrub judge it.
#include "session/inspect_row.h"

#include <algorithm>
#include <cstring>

#include "scrub/stripe_check.h"

namespace raid56::session {
namespace {

using scrub::Expect;

const char* holds_name(Expect expect) {
    switch (expect) {
        case Expect::free: return "free";
        case Expect::unknown: return "unknown";
        case Expect::never_written: return "never-written";
        case Expect::written: return "silent";
        case Expect::csum_missing: return "csum-missing";
        case Expect::csum: return "data";
        case Expect::tree: return "tree";
    }
    return "?";
}

// The window of one full stripe; nothing is needed in it where it holds nothing.
void build(OpenVolume& open, const volume::MappedChunk& chunk, StripeNo n, const std::vector<tree::SilentRange>& silent,
           scrub::Window& window) {
    const auto extra = extra_extents(open);
    auto extents = extents_of(open, extra);
    const Logical start = chunk.logical(n, 0);
    // An extent may begin long before the full stripe it reaches into.
    extents.seek(Logical(start.v < format::kMaxExtentLength ? 0 : start.v - format::kMaxExtentLength));
    tree::CsumStream csums(*open.reader, open.roots.find(format::objectid::kCsumTree), open.log);
    scrub::WindowBuilder windows(*open.volume, extents, csums, silent);
    windows.skip_to(static_cast<size_t>(&chunk - open.volume->chunks().data()), n);
    const auto one = [](const volume::Layout&) { return 1u; };
    if (windows.next(window, one) && window.chunk == &chunk && window.first == n) return;

    window = {};
    window.chunk = &chunk;
    window.first = n;
    window.count = 1;
    window.start = start;
    window.sectorsize = open.volume->sectorsize();
    window.digest_size = csum_size(open.volume->super().csum);
    window.sectors.assign(size_t{chunk.layout.nd} * window.rows(), Expect::free);
    window.needed.assign(1, true);
}

RangeSet without_checksum(const scrub::Window& window) {
    RangeSet ranges;
    for (size_t i = 0; i < window.sectors.size(); i++)
        if (window.sectors[i] == Expect::csum_missing)
            ranges.append({window.logical(i).v, window.logical(i).v + window.sectorsize});
    return ranges;
}

class RowViewer {
  public:
    RowViewer(OpenVolume& open, parity::Engine& engine, scrub::Batch& batch, unsigned row)
        : open_(open), engine_(engine), batch_(batch), window_(batch.window), chunk_(*window_.chunk), row_(row) {}

    std::vector<ColumnView> columns() {
        std::vector<ColumnView> all;
        const auto& layout = chunk_.layout;
        for (unsigned c = 0; c < layout.columns(); c++)
            for (unsigned m = 0; m < (c < layout.nd ? layout.copies : 1); m++) all.push_back(column(c, m));
        return all;
    }

  private:
    ColumnView column(unsigned c, unsigned m) {
        const auto& layout = chunk_.layout;
        const unsigned index = volume::stripe_index(layout, window_.first, c, m);
        const auto& member = open_.volume->member_of(chunk_, index);
        ColumnView view;
        view.column = c;
        view.copy = m;
        view.role = c < layout.nd ? "data" : c == layout.nd ? "P" : "Q";
        view.devid = member.devid.v;
        view.physical = chunk_.physical(window_.first, index).v + size_t{row_} * window_.sectorsize;
        if (c < layout.nd) {
            const size_t sector = window_.at(0, c, row_);
            view.logical = window_.logical(sector).v;
            view.holds = holds_name(window_.sectors[sector]);
        }
        if (member.device == nullptr)
            view.state = "missing";
        else if (batch_.is_bad(0, index, row_))
            view.state = "unreadable";
        else
            view.state = c < layout.nd ? data_state(c, m) : parity_state(c);
        return view;
    }

    uint8_t* bytes(unsigned c, unsigned m) const {
        return batch_.strip(0, volume::stripe_index(chunk_.layout, window_.first, c, m)) +
               size_t{row_} * window_.sectorsize;
    }

    std::string data_state(unsigned c, unsigned m) const {
        const size_t sector = window_.at(0, c, row_);
        switch (window_.sectors[sector]) {
            case Expect::csum:
                return scrub::digest_holds(window_, sector, open_.volume->super().csum, bytes(c, m)) ? "proven"
                                                                                                     : "refuted";
            case Expect::tree: return block_state(window_.logical(sector), m);
            case Expect::free:
            case Expect::unknown:
            case Expect::never_written:
            case Expect::written:
            case Expect::csum_missing: return "unproven";
        }
        return "?";
    }

    std::string block_state(Logical logical, unsigned m) const {
        const uint32_t nodesize = open_.volume->nodesize();
        for (const auto& block : window_.blocks) {
            if (logical < block.expect.start || logical - block.expect.start >= nodesize) continue;
            if (block.crosses) return open_.reader->read(block.expect) ? "proven as a whole" : "refuted";
            const auto place = volume::place_of(chunk_.layout, block.expect.start - chunk_.chunk.start);
            const unsigned index = volume::stripe_index(chunk_.layout, window_.first, place.column, m);
            const ByteView whole(batch_.strip(0, index) + place.offset, nodesize);
            return tree::check_block(*open_.volume, whole, block.expect).state == tree::BlockState::proven ? "proven"
                                                                                                           : "refuted";
        }
        return "unproven";
    }

    // Against the data columns as they stand.
    std::string parity_state(unsigned c) const {
        const auto& layout = chunk_.layout;
        if (!chunk_.has_parity(window_.first)) return "no parity here";
        std::vector<uint8_t*> columns;
        for (unsigned i = 0; i < layout.nd; i++) {
            const unsigned index = volume::stripe_index(layout, window_.first, i, 0);
            if (open_.volume->member_of(chunk_, index).device == nullptr || batch_.is_bad(0, index, row_))
                return "cannot be checked";
            columns.push_back(bytes(i, 0));
        }
        const auto scratch = engine_.allocate(size_t{layout.np} * window_.sectorsize);
        for (unsigned i = 0; i < layout.np; i++)
            columns.push_back(scratch->bytes().data() + size_t{i} * window_.sectorsize);
        parity::Job job;
        job.op = parity::Op::generate;
        job.has_q = layout.np > 1;
        job.columns = columns;
        job.length = window_.sectorsize;
        parity::run(engine_, {&job, 1});
        return std::memcmp(columns[c], bytes(c, 0), window_.sectorsize) == 0 ? "fits" : "does not fit";
    }

    OpenVolume& open_;
    parity::Engine& engine_;
    scrub::Batch& batch_;
    const scrub::Window& window_;
    const volume::MappedChunk& chunk_;
    unsigned row_;
};

}  // namespace

Result<RowView> view_row(OpenVolume& open, const World& world, parity::Engine& engine, Logical logical) {
    const auto* chunk = open.volume->find_chunk(logical);
    if (chunk == nullptr) return Error{"--logical " + std::to_string(logical.v) + ": no chunk maps this address"};
    const auto place = volume::place_of(chunk->layout, logical - chunk->chunk.start);

    scrub::Batch batch(engine);
    build(open, *chunk, place.n, {}, batch.window);
    const auto silent = tree::explain_silence(*open.reader, open.roots, open.log, without_checksum(batch.window));
    if (!silent.empty()) build(open, *chunk, place.n, silent, batch.window);
    batch.start_reads(*open.volume);
    batch.finish_reads(world.stop);
    batch.load(*open.volume, world.stop, 0, 1);

    RowView view;
    view.chunk = chunk;
    view.full_stripe = place.n.v;
    view.row = place.offset / open.volume->sectorsize();
    view.has_parity = chunk->has_parity(place.n);
    view.columns = RowViewer(open, engine, batch, view.row).columns();
    scrub::Context context{*open.volume, engine, *open.reader, world.stop};
    context.free_in_doubt = open.log.incomplete;
    scrub::StripeChecker(context).check(batch);
    for (const auto& damage : batch.damage) {
        const uint64_t first =
            damage.row ? *damage.row
                       : (damage.logical->v - chunk->logical(place.n, 0).v) % kStripLen / open.volume->sectorsize();
        const uint64_t rows = damage.length / open.volume->sectorsize();
        if (view.row >= first && view.row < first + rows) view.damage.push_back(damage);
    }
    return view;
}

}  // namespace raid56::session
