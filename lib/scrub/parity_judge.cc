// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Load: which cells (a sector of a column) are there, on which devices.
// 2. Prove: checksums of data sectors, tree checks of blocks, as found.
// 3. Decide: each data sector and each block that is not proven, alone: the one content that its
//    rows' erasure sets give and that is proven, or none, or several.
// 4. Settle each row: put back erased sectors that nothing proves from the parity that is left, judge
//    P and Q against the row as put right, report.
// 5. Keep, of devices that are made anew, what is known to be right; the rest stays as MissingStrips made it.
#include "scrub/parity_judge.h"

#include <algorithm>
#include <cstring>

#include "scrub/classify.h"
#include "scrub/events.h"
#include "stripe/row.h"
#include "stripe/search.h"

namespace raid56::scrub {
namespace {

enum class State : uint8_t {
    plain,      // nothing proves or refutes it: free, silent, parity
    proven,     // as found
    repaired,   // refuted or erased, and its one content is known
    lost,       // no content is proven
    undecided,  // several are, or the search gave up
};

struct CellInfo {
    Expect expect = Expect::free;
    bool gone = false;  // its bytes could not be had
    State state = State::plain;
    const uint8_t* found = nullptr;
    const uint8_t* right = nullptr;  // as it should be, once known
    bool made_up = false;            // free, and no parity is left to give it back: zeros will do
};

struct Column {
    const volume::Member* member = nullptr;
    uint8_t* strip = nullptr;
    bool missing = false;
    bool believed = false;  // bytes that nothing proves count
};

constexpr Repairable as_repairable(State state) {
    switch (state) {
        case State::lost: return Repairable::no;
        case State::undecided: return Repairable::undecided;
        case State::plain:
        case State::proven:
        case State::repaired: break;
    }
    return Repairable::yes;
}

constexpr State as_state(stripe::Verdict verdict) {
    switch (verdict) {
        case stripe::Verdict::one: return State::repaired;
        case stripe::Verdict::none: return State::lost;
        case stripe::Verdict::ambiguous:
        case stripe::Verdict::limit: break;
    }
    return State::undecided;
}

class ParityJudge {
  public:
    ParityJudge(const Context& context, Batch& batch, unsigned n)
        : context_(context),
          batch_(batch),
          window_(batch.window),
          chunk_(*window_.chunk),
          layout_(chunk_.layout),
          n_(n),
          number_(window_.first.v + n),
          np_(chunk_.has_parity(number_) ? layout_.np : 0),
          excluded_(np_ == 0 && (number_.v + 1) * layout_.data_length() <= chunk_.chunk.length),
          sector_(window_.sectorsize),
          kind_(context.volume.super().csum),
          arena_(sector_),
          scratch_(sector_),
          events_(context.volume, chunk_, number_, batch.counters, context.want_fixes ? &batch.fixes : nullptr) {}

    void judge() {
        load();
        prove_sectors();
        prove_blocks();
        decide_sectors();
        decide_blocks();
        if (context_.stop) return;  // what was left undecided would be told as if it were settled
        for (unsigned r = 0; r < window_.rows(); r++) settle_row(r);
        keep_right();
        events_.flush(batch_.damage);
    }

  private:
    CellInfo& cell(unsigned column, unsigned row) { return cells_[size_t{column} * window_.rows() + row]; }
    static SectorBytes bytes(const CellInfo& info) { return {info.gone ? nullptr : info.found, info.right}; }

    // ---- 1. load
    void load() {
        cells_.resize(size_t{layout_.columns()} * window_.rows());
        for (unsigned c = 0; c < layout_.columns(); c++) {
            const unsigned index = volume::stripe_index(layout_, number_, c, 0);
            Column column;
            column.member = &context_.volume.member_of(chunk_, index);
            column.strip = batch_.strip(n_, index);
            column.missing = column.member->device == nullptr;
            column.believed = column.member->trusted();
            columns_.push_back(column);
            for (unsigned r = 0; r < window_.rows(); r++) {
                CellInfo& info = cell(c, r);
                info.found = column.strip + size_t{r} * sector_;
                info.gone = column.missing || batch_.is_bad(n_, index, r);
                if (c < layout_.nd) info.expect = window_.sectors[window_.at(n_, c, r)];
            }
        }
    }

    // ---- 2. prove
    void prove_sectors() {
        for (unsigned c = 0; c < layout_.nd; c++)
            for (unsigned r = 0; r < window_.rows(); r++) {
                CellInfo& info = cell(c, r);
                if (info.expect != Expect::csum || info.gone) continue;
                if (digest_holds(window_, window_.at(n_, c, r), kind_, info.found)) accept(info);
            }
    }

    static void accept(CellInfo& info) {
        info.state = State::proven;
        info.right = info.found;
    }

    // The rows of this full stripe's column that a block covers.
    struct Span {
        unsigned column = 0, row = 0, count = 0;
        size_t skip = 0;  // sectors of the block that lie before
    };

    void prove_blocks() {
        const auto [first, end] = blocks_of_stripe(window_, context_.volume.nodesize(), n_);
        for (size_t i = first; i < end; i++) {
            const auto& block = window_.blocks[i];
            BlockWork work;
            work.block = &block;
            work.spans = spans_of(block.expect.start);
            if (block.crosses) {
                prove_crossing(work);
            } else {
                const Span span = work.spans.front();
                const uint8_t* bytes = cell(span.column, span.row).found;
                work.all_here = all_of(work, [](const CellInfo& info) { return !info.gone; });
                if (work.all_here) {
                    work.check =
                        tree::check_block(context_.volume, ByteView(bytes, context_.volume.nodesize()), block.expect);
                    work.proven = work.check.state == tree::BlockState::proven;
                }
                if (work.proven) for_each(work, accept);
            }
            blocks_.push_back(std::move(work));
        }
    }

    struct BlockWork {
        const BlockHere* block = nullptr;
        std::vector<Span> spans;
        tree::BlockCheck check;
        bool all_here = false;
        bool proven = false;
        State state = State::plain;
    };

    template <class Take>
    void for_each(const BlockWork& work, Take&& take) {
        for (const Span& span : work.spans)
            for (unsigned k = 0; k < span.count; k++) take(cell(span.column, span.row + k));
    }
    template <class Ask>
    bool all_of(const BlockWork& work, Ask&& ask) {
        bool all = true;
        for_each(work, [&](const CellInfo& info) { all = all && ask(info); });
        return all;
    }

    std::vector<Span> spans_of(Logical start) const {
        std::vector<Span> spans;
        const Logical stripe_start = chunk_.logical(number_, 0);
        for (uint64_t at = 0; at < context_.volume.nodesize(); at += sector_) {
            const Logical logical = start + at;
            if (logical < stripe_start || logical - stripe_start >= layout_.data_length()) continue;
            const uint64_t offset = logical - stripe_start;
            const auto column = static_cast<unsigned>(offset / kStripLen);
            const auto row = static_cast<unsigned>(offset % kStripLen / sector_);
            if (!spans.empty() && spans.back().column == column && spans.back().row + spans.back().count == row)
                spans.back().count++;
            else
                spans.push_back({column, row, 1, at / sector_});
        }
        return spans;
    }

    // A block that leaves the strip is read as a whole from the devices; its part here is compared.
    void prove_crossing(BlockWork& work) {
        const auto whole = context_.reader.read(work.block->expect);
        work.all_here = all_of(work, [](const CellInfo& info) { return !info.gone; });
        work.check.state = tree::BlockState::bad_checksum;
        if (!whole) {
            work.state = as_state(whole.error().verdict);
            for_each(work, [&](CellInfo& info) { info.state = work.state; });
            return;
        }
        work.proven = true;
        for (const Span& span : work.spans)
            for (unsigned k = 0; k < span.count; k++) {
                CellInfo& info = cell(span.column, span.row + k);
                const uint8_t* right = keep((*whole)->data() + (span.skip + k) * sector_);
                const bool same = !info.gone && std::memcmp(info.found, right, sector_) == 0;
                work.proven = work.proven && same;
                info.right = right;
                info.state = same ? State::proven : State::repaired;
            }
        work.state = State::repaired;
    }

    const uint8_t* keep(const uint8_t* bytes) {
        uint8_t* copy = arena_.sector();
        std::memcpy(copy, bytes, sector_);
        return copy;
    }

    // ---- 3. decide
    stripe::Row row_as_found(unsigned r, std::vector<uint8_t*>& pointers) {
        stripe::Row row;
        row.nd = layout_.nd;
        row.np = np_;
        row.length = sector_;
        pointers.clear();
        for (unsigned c = 0; c < layout_.nd + np_; c++) {
            const CellInfo& info = cell(c, r);
            pointers.push_back(const_cast<uint8_t*>(info.found));  // the engines' interface reads these only
            if (info.gone) row.erased.set(c);
            if (c < layout_.nd && info.state == State::proven) row.proven.set(c);
        }
        row.columns = pointers;
        return row;
    }

    void decide_sectors() {
        std::vector<uint8_t*> pointers;
        for (unsigned r = 0; r < window_.rows(); r++)
            for (unsigned c = 0; c < layout_.nd && !context_.stop; c++) {
                CellInfo& info = cell(c, r);
                if (info.expect != Expect::csum || info.state == State::proven) continue;
                scratch_.clear();
                const auto choices = stripe::candidates(row_as_found(r, pointers), context_.engine, scratch_, c);
                auto result = stripe::search({choices}, sector_, SectorOracle(window_, window_.at(n_, c, r), kind_));
                info.state = as_state(result.verdict);
                if (info.state == State::repaired) info.right = keep(result.block.data());
            }
    }

    void decide_blocks() {
        std::vector<uint8_t*> pointers;
        for (auto& work : blocks_) {
            if (work.proven || work.block->crosses || context_.stop) continue;
            const Span span = work.spans.front();
            std::vector<stripe::SectorChoices> choices;
            scratch_.clear();
            for (unsigned k = 0; k < span.count; k++)
                choices.push_back(
                    stripe::candidates(row_as_found(span.row + k, pointers), context_.engine, scratch_, span.column));
            const auto result =
                stripe::search(choices, sector_, tree::BlockOracle(context_.volume, work.block->expect, context_.stop));
            work.state = as_state(result.verdict);
            for (unsigned k = 0; k < span.count; k++) {
                CellInfo& info = cell(span.column, span.row + k);
                info.state = work.state;
                if (work.state != State::repaired) continue;
                info.right = keep(result.block.data() + k * sector_);
                if (!info.gone && std::memcmp(info.found, info.right, sector_) == 0) info.state = State::proven;
            }
        }
        for (const auto& work : blocks_) count_block(work);
    }

    void count_block(const BlockWork& work) {
        if (work.proven) return;
        bool differs = work.all_here && work.state != State::repaired;
        for_each(work,
                 [&](const CellInfo& info) { differs = differs || (!info.gone && info.state == State::repaired); });
        // A block that crosses strips is counted where it starts.
        if (differs && work.spans.front().skip == 0) batch_.counters.corrupt_tree_blocks++;
    }

    // ---- 4. settle
    struct RowWork {
        unsigned r = 0;
        bool allocated = false, written = false, only_trees = true;
        bool any_proven = false;        // a sector that is proven, as found or as put right
        bool unproven_written = false;  // written data that nothing proves
        bool in_doubt = false;          // and of it, some on an unsure device
        bool only_silent = true;        // and none of it should have a checksum
        State worst = State::plain;     // lost or undecided, where a provable sector is
        std::vector<unsigned> erased;   // plain data columns to be put back from parity
        std::vector<uint8_t*> right;    // every column as it should be
        State erased_state = State::repaired;
    };

    void settle_row(unsigned r) {
        RowWork row;
        row.r = r;
        rebuilt_ = 0;
        survey_row(row);
        if (!row.allocated) return;
        if (row.written && np_ > 0) batch_.counters.rows_checked++;
        if (row.worst == State::plain)
            put_back(row);
        else
            row.erased_state = row.worst;
        const RowVerdict verdict =
            row.worst == State::plain && row.erased_state == State::repaired ? judge_parity(row) : RowVerdict{};
        for (unsigned c = 0; c < layout_.nd; c++) {
            report_data(row, c, verdict);
            if (excluded_ && is_allocated(cell(c, r).expect)) report_excluded(c, r);
        }
        for (unsigned c = layout_.nd; c < layout_.nd + np_; c++) report_parity(row, c, verdict);
    }

    void survey_row(RowWork& row) {
        for (unsigned c = 0; c < layout_.nd; c++) {
            const CellInfo& info = cell(c, row.r);
            row.allocated = row.allocated || is_allocated(info.expect);
            row.written = row.written || is_written(info.expect);
            if (is_written(info.expect) && info.expect != Expect::tree) row.only_trees = false;
            if (is_provable(info.expect)) {
                row.any_proven = row.any_proven || info.state == State::proven || info.state == State::repaired;
                if (info.state == State::lost) row.worst = State::lost;
                if (info.state == State::undecided && row.worst != State::lost) row.worst = State::undecided;
                continue;
            }
            const bool doubtful = info.expect == Expect::unknown;
            if (info.gone || !columns_[c].believed) {
                row.erased.push_back(c);
            } else if (is_written(info.expect) || doubtful) {
                row.unproven_written = true;
                row.only_silent = row.only_silent && info.expect == Expect::written;
                row.in_doubt = row.in_doubt || is_in_doubt(c, row.r);
            }
        }
    }

    // Silent data on a device that nobody knows to be up to date.
    bool is_in_doubt(unsigned c, unsigned r) {
        return cell(c, r).expect == Expect::written && !cell(c, r).gone &&
               columns_[c].member->state == volume::DeviceState::unsure;
    }

    // Silent data that came back through bytes of such a device that nothing proves: its parity, or a
    // sector that was something else when the parity was last written.
    bool rebuilt_in_doubt(const RowWork& row) {
        const bool silent = std::any_of(row.erased.begin(), row.erased.end(),
                                        [&](unsigned c) { return is_written(cell(c, row.r).expect); });
        bool unsure = false;
        for (unsigned c = 0; c < layout_.nd + np_; c++) {
            const bool unproven = c >= layout_.nd || !is_provable(cell(c, row.r).expect);
            unsure =
                unsure || (unproven && usable(c, row.r) && columns_[c].member->state == volume::DeviceState::unsure);
        }
        return rebuilt_ > 0 && silent && unsure;
    }

    bool usable(unsigned column, unsigned r) {
        return column < layout_.nd + np_ && columns_[column].believed && !cell(column, r).gone;
    }

    static bool holds_nothing(Expect expect) { return expect == Expect::free || expect == Expect::never_written; }

    // Erased sectors without a proof of their own. Where parity does not suffice for all of them, free
    // ones may hold anything: they are taken as zeros until it does. Silent ones are then lost.
    void put_back(RowWork& row) {
        row.right.clear();
        for (unsigned c = 0; c < layout_.nd + np_; c++) {
            const CellInfo& info = cell(c, row.r);
            row.right.push_back(const_cast<uint8_t*>(info.right != nullptr ? info.right : info.found));
        }
        const unsigned parities =
            (usable(layout_.nd, row.r) ? 1 : 0) + (np_ > 1 && usable(layout_.nd + 1, row.r) ? 1 : 0);
        std::vector<unsigned> unknown = row.erased;
        if (unknown.size() > parities) {
            const bool empty = std::all_of(unknown.begin(), unknown.end(),
                                           [&](unsigned c) { return holds_nothing(cell(c, row.r).expect); });
            if (!empty) {
                row.erased_state = State::lost;
                return;
            }
            // What can be read is taken as it is; only what cannot is made up.
            std::stable_partition(unknown.begin(), unknown.end(), [&](unsigned c) { return cell(c, row.r).gone; });
            while (unknown.size() > parities) {
                CellInfo& last = cell(unknown.back(), row.r);
                if (last.gone) {
                    last.made_up = true;
                    row.right[unknown.back()] = arena_.sector();
                    std::memset(row.right[unknown.back()], 0, sector_);
                }
                unknown.pop_back();
            }
            std::sort(unknown.begin(), unknown.end());
        }
        solve(row, unknown);
        for (const unsigned c : row.erased) cell(c, row.r).right = row.right[c];
        rebuilt_ = static_cast<unsigned>(unknown.size());
    }

    void solve(RowWork& row, const std::vector<unsigned>& unknown) {
        if (unknown.empty()) return;
        stripe::Row view;
        view.nd = layout_.nd;
        view.np = np_;
        view.length = sector_;
        view.columns = row.right;
        if (unknown.size() == 2) {
            const auto made = stripe::recover(view, context_.engine, arena_, unknown[0], unknown[1]);
            row.right[unknown[0]] = made.a;
            row.right[unknown[1]] = made.b;
            return;
        }
        const unsigned with = usable(layout_.nd, row.r) ? unsigned{parity::kNoColumn} : layout_.nd;
        row.right[unknown[0]] = stripe::recover(view, context_.engine, arena_, unknown[0], with).a;
    }

    RowVerdict judge_parity(RowWork& row) {
        if (np_ == 0) {
            RowVerdict verdict;
            verdict.ambiguous = row.in_doubt;
            batch_.counters.ambiguous_rows += row.in_doubt ? 1 : 0;
            return verdict;
        }
        std::vector<uint8_t*> made = row.right;
        for (unsigned c = layout_.nd; c < layout_.nd + np_; c++) made[c] = arena_.sector();
        parity::Job job;
        job.op = parity::Op::generate;
        job.has_q = np_ > 1;
        job.columns = made;
        job.length = sector_;
        parity::run(context_.engine, {&job, 1});

        RowFacts facts;
        facts.written = row.written;
        facts.all_proven = !row.unproven_written;
        facts.rebuilt = rebuilt_;
        facts.in_doubt = row.in_doubt || rebuilt_in_doubt(row);
        facts.has_p = usable(layout_.nd, row.r);
        facts.has_q = np_ > 1 && usable(layout_.nd + 1, row.r);
        const auto differs = [&](unsigned c) { return std::memcmp(made[c], cell(c, row.r).found, sector_) != 0; };
        const auto is_witness = [&](unsigned c) {
            return c < columns_.size() && columns_[c].member->state == volume::DeviceState::present;
        };
        facts.no_checksum = row.only_silent ? context_.no_checksum : NoChecksum::report;
        facts.p_is_witness = is_witness(layout_.nd);
        facts.q_is_witness = is_witness(layout_.nd + 1);
        facts.p_differs = facts.has_p && differs(layout_.nd);
        facts.q_differs = facts.has_q && differs(layout_.nd + 1);
        parity::Finding syndromes;
        if (facts.has_p && facts.has_q && rebuilt_ == 0 && row.unproven_written &&
            (facts.p_differs || facts.q_differs)) {
            const std::vector<const uint8_t*> as_is(row.right.begin(), row.right.end());
            syndromes = parity::locate(as_is, sector_);
            facts.suspect = syndromes.suspect;
            if (syndromes.suspect == parity::Suspect::data) {
                const CellInfo& suspect = cell(syndromes.column, row.r);
                // Beside a proven sector, preallocated ones count as free; else they are as silent as the others.
                const bool empty =
                    suspect.expect == Expect::free || (suspect.expect == Expect::never_written && row.any_proven);
                facts.suspect_is_silent = !is_provable(suspect.expect) && !empty;
            }
        }
        for (unsigned c = layout_.nd; c < layout_.nd + np_; c++) cell(c, row.r).right = made[c];
        const RowVerdict verdict = classify(facts);
        if (verdict.ambiguous) batch_.counters.ambiguous_rows++;
        suspect_.reset();
        if (verdict.suspect_column || verdict.put_back_suspect) {
            suspect_ = columns_[syndromes.column].member->devid;
            differing_ = syndromes.differing_bytes;
        }
        if (verdict.put_back_suspect) put_back_suspect(row, syndromes.column);
        return verdict;
    }

    // The syndromes single out that column, and the user trusts the parity.
    void put_back_suspect(RowWork& row, unsigned c) {
        solve(row, {c});
        cell(c, row.r).right = row.right[c];
        for (unsigned parity = layout_.nd; parity < layout_.nd + np_; parity++)
            cell(parity, row.r).right = cell(parity, row.r).found;
    }

    bool as_found_is_right(const CellInfo& info) const {
        return !info.gone && info.right != nullptr && std::memcmp(info.found, info.right, sector_) == 0;
    }

    void report_data(const RowWork& row, unsigned c, const RowVerdict& verdict) {
        CellInfo& info = cell(c, row.r);
        auto& counters = batch_.counters;
        switch (info.expect) {
            case Expect::csum: return report_sector(row, c, info);
            case Expect::tree: return report_tree(row, c, info);
            case Expect::written:
            case Expect::never_written:
                if (!info.gone) counters.no_checksum_bytes += sector_;
                if (verdict.put_back_suspect && !as_found_is_right(info) && info.right != nullptr)
                    events_.tell({c, 0, row.r},
                                 {Role::data, Cause::parity, Repairable::yes, Proof::none, suspect_, differing_},
                                 bytes(info));
                break;
            case Expect::csum_missing:
                if (!info.gone && columns_[c].believed)
                    events_.tell({c, 0, row.r},
                                 {Role::data, Cause::csum_missing, Repairable::undecided, Proof::none, {}, 0}, {});
                break;
            case Expect::free:
            case Expect::unknown: break;
        }
        if (info.gone || !columns_[c].believed) report_erased(row, c, info, verdict);
        // An ambiguous row that has no parity to say it on.
        const bool unsaid =
            verdict.ambiguous && verdict.p != ParityState::ambiguous && verdict.q != ParityState::ambiguous;
        if (unsaid && is_in_doubt(c, row.r))
            events_.tell({c, 0, row.r}, {Role::data, Cause::stale, Repairable::undecided, Proof::none, {}, 0}, {});
    }

    void report_erased(const RowWork& row, unsigned c, const CellInfo& info, const RowVerdict& verdict) {
        // In a full stripe without parity a free sector holds nothing and answers for nothing.
        if (np_ == 0 && info.expect == Expect::free) return;
        // Parity that was never computed has nothing to say about bytes that can be read.
        if (!row.written && !info.gone) return;
        Finding finding;
        finding.role = info.expect == Expect::free ? Role::free : Role::data;
        finding.cause = Cause::unreadable;
        finding.repairable = as_repairable(row.erased_state);
        // Readable bytes of a device that is not believed may well be right: not lost, but undecided.
        if (finding.repairable == Repairable::no && !info.gone) finding.repairable = Repairable::undecided;
        // A log that cannot be had may have put something where nothing seems to be (DESIGN 3.1).
        const bool doubtful = info.expect == Expect::csum_missing || info.expect == Expect::unknown ||
                              (context_.free_in_doubt && holds_nothing(info.expect));
        if (finding.repairable == Repairable::yes && (verdict.ambiguous || doubtful))
            finding.repairable = Repairable::undecided;
        if (columns_[c].missing &&
            (info.made_up || (finding.repairable != Repairable::yes && info.expect == Expect::free)))
            return;
        events_.tell({c, 0, row.r}, finding, bytes(info));
    }

    void report_sector(const RowWork& row, unsigned c, const CellInfo& info) {
        if (info.state == State::proven) {
            batch_.counters.data_bytes_verified += sector_;
            return;
        }
        if (!info.gone) batch_.counters.corrupt_data_sectors++;
        const Repairable repairable = as_repairable(info.state);
        const Cause cause = info.gone ? Cause::unreadable : Cause::checksum;
        const Proof proof = repairable == Repairable::yes ? Proof::checksum : Proof::none;
        events_.tell({c, 0, row.r}, {Role::data, cause, repairable, proof, {}, 0}, bytes(info));
    }

    void report_tree(const RowWork& row, unsigned c, const CellInfo& info) {
        const BlockWork* work = block_at(c, row.r);
        if (work == nullptr || work->proven) {
            batch_.counters.tree_bytes_verified += sector_;
            return;
        }
        if (info.state == State::proven) return;  // a sector that was right in a block that was not
        const Cause refuted = work->check.state == tree::BlockState::bad_header ? Cause::header : Cause::checksum;
        const Repairable repairable = as_repairable(info.state);
        const Cause cause = info.gone ? Cause::unreadable : refuted;
        const Proof proof = repairable == Repairable::yes ? Proof::tree : Proof::none;
        events_.tell({c, 0, row.r}, {Role::tree, cause, repairable, proof, {}, 0}, bytes(info));
    }

    // The allocator hands nothing out below a superblock copy (FACTS 8): the extent tree contradicts itself.
    void report_excluded(unsigned c, unsigned r) {
        const Role role = cell(c, r).expect == Expect::tree ? Role::tree : Role::data;
        events_.report({c, 0, r}, {role, Cause::excluded, Repairable::undecided, Proof::none, {}, 0}, {});
    }

    const BlockWork* block_at(unsigned c, unsigned r) const {
        for (const auto& work : blocks_)
            for (const auto& span : work.spans)
                if (span.column == c && r >= span.row && r < span.row + span.count) return &work;
        return nullptr;
    }

    Proof parity_proof(const RowWork& row, const RowVerdict& verdict) const {
        if (row.written && !row.unproven_written && rebuilt_ == 0)
            return row.only_trees ? Proof::tree : Proof::checksum;
        return verdict.by_syndrome || verdict.parity_confirms ? Proof::parity : Proof::none;
    }

    void report_parity(const RowWork& row, unsigned c, const RowVerdict& verdict) {
        const bool is_p = c == layout_.nd;
        const CellInfo& info = cell(c, row.r);
        const ParityState state = is_p ? verdict.p : verdict.q;
        const Role role = is_p ? Role::p : Role::q;
        const bool settled = row.worst == State::plain && row.erased_state == State::repaired;
        if (state == ParityState::ambiguous) {
            events_.report(
                {c, 0, row.r},
                {role, Cause::parity, Repairable::undecided, Proof::none, suspect_, suspect_ ? differing_ : 0}, {});
            return;
        }
        if (state == ParityState::stale) {
            (is_p ? batch_.counters.p_mismatches : batch_.counters.q_mismatches)++;
            batch_.counters.unproven_sectors += verdict.by_trust ? 1 : 0;
            events_.report({c, 0, row.r}, {role, Cause::parity, Repairable::yes, parity_proof(row, verdict), {}, 0},
                           bytes(info));
            return;
        }
        if (!info.gone && columns_[c].believed) return;
        if (!info.gone && (!settled || !row.written || verdict.ambiguous)) return;  // not judged, and it can be read
        Finding finding{role, Cause::unreadable, Repairable::yes, parity_proof(row, verdict), {}, 0};
        if (!settled) finding.repairable = as_repairable(row.worst != State::plain ? row.worst : row.erased_state);
        if (settled && verdict.ambiguous) finding.repairable = Repairable::undecided;
        if (finding.repairable != Repairable::yes) {
            finding.proof = Proof::none;
            if (columns_[c].missing || !columns_[c].believed) return;  // nothing but parity went with it
        }
        if (!info.gone && !as_found_is_right(info))
            (is_p ? batch_.counters.p_mismatches : batch_.counters.q_mismatches)++;
        events_.tell({c, 0, row.r}, finding, bytes(info));
    }

    // ---- 5. keep
    void keep_right() {
        for (unsigned c = 0; c < layout_.columns(); c++) {
            if (!context_.makes(chunk_.members[volume::stripe_index(layout_, number_, c, 0)])) continue;
            for (unsigned r = 0; r < window_.rows(); r++)
                if (const uint8_t* right = cell(c, r).right; right != nullptr)
                    std::memcpy(columns_[c].strip + size_t{r} * sector_, right, sector_);
        }
    }

    const Context& context_;
    Batch& batch_;
    const Window& window_;
    const volume::MappedChunk& chunk_;
    const volume::Layout& layout_;
    unsigned n_;
    StripeNo number_;
    unsigned np_;    // 0 where this full stripe's parity is no parity
    bool excluded_;  // because a superblock copy overlies it
    size_t sector_;
    CsumKind kind_;
    stripe::Arena arena_;    // what is right, kept until the full stripe is judged
    stripe::Arena scratch_;  // what may be right, until the sector or block is decided
    StripeEvents events_;
    std::vector<Column> columns_;
    std::vector<CellInfo> cells_;
    std::vector<BlockWork> blocks_;
    // Of the row under way.
    unsigned rebuilt_ = 0;
    std::optional<DevId> suspect_;
    uint64_t differing_ = 0;
};

}  // namespace

void judge_parity_stripe(const Context& context, Batch& batch, unsigned n) { ParityJudge(context, batch, n).judge(); }

}  // namespace raid56::scrub
