// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Tree blocks: each copy is checked. Where none is proven, a mix of the copies' sectors may be.
// 2. Data sectors with a checksum: each copy is checked; one good copy proves the others' content.
// 3. Silent data: the copies are each other's only witness.
#include "scrub/mirror_judge.h"

#include <algorithm>
#include <cstring>

#include "scrub/events.h"
#include "stripe/search.h"

namespace raid56::scrub {
namespace {

class MirrorJudge {
  public:
    MirrorJudge(const Context& context, Batch& batch, unsigned n)
        : context_(context),
          batch_(batch),
          window_(batch.window),
          chunk_(*window_.chunk),
          layout_(chunk_.layout),
          n_(n),
          number_(window_.first.v + n),
          sector_(window_.sectorsize),
          zeros_(sector_),
          events_(context.volume, chunk_, number_, batch.counters, context.want_fixes ? &batch.fixes : nullptr) {}

    void judge() {
        const auto [first, end] = blocks_of_stripe(window_, context_.volume.nodesize(), n_);
        for (size_t i = first; i < end; i++) judge_block(window_.blocks[i]);
        for (unsigned c = 0; c < layout_.nd; c++)
            for (unsigned r = 0; r < window_.rows(); r++) judge_sector(c, r);
        events_.flush(batch_.damage);
    }

  private:
    const volume::Member& member(unsigned column, unsigned copy) const {
        return context_.volume.member_of(chunk_, volume::stripe_index(layout_, number_, column, copy));
    }
    bool gone(unsigned column, unsigned copy, unsigned row) const {
        return member(column, copy).device == nullptr ||
               batch_.is_bad(n_, volume::stripe_index(layout_, number_, column, copy), row);
    }
    const uint8_t* found(unsigned column, unsigned copy, unsigned row) const {
        return batch_.strip(n_, volume::stripe_index(layout_, number_, column, copy)) + row * sector_;
    }
    // `right`: the sector as it should be, or nullptr. Kept where its device is made anew.
    void tell(const Cell& cell, const Finding& finding, const uint8_t* right) {
        const bool bad = gone(cell.column, cell.copy, cell.row);
        events_.tell(cell, finding, {bad ? nullptr : found(cell.column, cell.copy, cell.row), right});
        const unsigned index = volume::stripe_index(layout_, number_, cell.column, cell.copy);
        if (right != nullptr && context_.makes(chunk_.members[index]))
            std::memcpy(batch_.strip(n_, index) + cell.row * sector_, right, sector_);
    }

    // ---- 1. tree blocks

    // The part of a block that lies in this full stripe: columns and rows of its sectors in order.
    struct Place {
        unsigned column = 0, row = 0;
        size_t sector = 0;  // of the block
    };
    std::vector<Place> places_of(Logical start) const {
        std::vector<Place> places;
        const Logical from = chunk_.logical(number_, 0);
        for (size_t i = 0; i < context_.volume.nodesize() / sector_; i++) {
            const Logical logical = start + i * sector_;
            if (logical < from || logical - from >= layout_.data_length()) continue;
            const uint64_t offset = logical - from;
            places.push_back(
                {static_cast<unsigned>(offset / kStripLen), static_cast<unsigned>(offset % kStripLen / sector_), i});
        }
        return places;
    }

    void judge_block(const BlockHere& block) {
        const auto places = places_of(block.expect.start);
        if (block.crosses) {
            const auto whole = context_.reader.read(block.expect);
            return judge_copies(block, places, whole ? *whole : nullptr,
                                whole ? stripe::Verdict::one : whole.error().verdict);
        }
        const auto bytes_of = [&](unsigned copy) {
            return ByteView(found(places.front().column, copy, places.front().row), context_.volume.nodesize());
        };
        for (unsigned copy = 0; copy < layout_.copies; copy++) {
            if (!all_here(places, copy)) continue;
            const ByteView bytes = bytes_of(copy);
            if (tree::check_block(context_.volume, bytes, block.expect).state != tree::BlockState::proven) continue;
            return judge_copies(block, places, std::make_shared<std::vector<uint8_t>>(bytes.begin(), bytes.end()),
                                stripe::Verdict::one);
        }
        auto mixed =
            stripe::search(choices(places), sector_, tree::BlockOracle(context_.volume, block.expect, context_.stop));
        tree::Block right;
        if (mixed.verdict == stripe::Verdict::one)
            right = std::make_shared<std::vector<uint8_t>>(std::move(mixed.block));
        judge_copies(block, places, right, mixed.verdict);
    }

    bool all_here(const std::vector<Place>& places, unsigned copy) const {
        return std::none_of(places.begin(), places.end(), [&](const Place& p) { return gone(p.column, copy, p.row); });
    }

    std::vector<stripe::SectorChoices> choices(const std::vector<Place>& places) const {
        std::vector<stripe::SectorChoices> all;
        for (const auto& place : places) {
            auto& sector = all.emplace_back();
            for (unsigned copy = 0; copy < layout_.copies; copy++)
                sector.add(gone(place.column, copy, place.row) ? nullptr : found(place.column, copy, place.row),
                           sector_);
        }
        return all;
    }

    // Compares every copy with the proven block, or gives every copy up.
    void judge_copies(const BlockHere& block, const std::vector<Place>& places, const tree::Block& right,
                      stripe::Verdict verdict) {
        if (right) kept_.push_back(right);
        for (unsigned copy = 0; copy < layout_.copies; copy++) {
            // A copy may be proven with other bytes between checksum and fsid field, which mean nothing.
            if (right && !block.crosses && all_here(places, copy)) {
                const ByteView bytes(found(places.front().column, copy, places.front().row),
                                     context_.volume.nodesize());
                if (tree::check_block(context_.volume, bytes, block.expect).state == tree::BlockState::proven) {
                    batch_.counters.tree_bytes_verified += places.size() * sector_;
                    continue;
                }
            }
            judge_copy(block, places, copy, right, verdict);
        }
    }

    void judge_copy(const BlockHere& block, const std::vector<Place>& places, unsigned copy, const tree::Block& right,
                    stripe::Verdict verdict) {
        const auto differs = [&](const Place& p) {
            return !right ||
                   std::memcmp(found(p.column, copy, p.row), right->data() + p.sector * sector_, sector_) != 0;
        };
        const Cause refuted = refuted_cause(block, places, copy);
        const bool starts_here = places.front().sector == 0;
        bool readable_differs = false, any = false;
        for (const auto& place : places) {
            const bool bad = gone(place.column, copy, place.row);
            if (!bad && right && !differs(place)) continue;
            any = true;
            readable_differs = readable_differs || !bad;
            Finding finding{Role::tree, bad ? Cause::unreadable : refuted, Repairable::yes, Proof::tree, {}, 0};
            if (!right) {
                finding.repairable = verdict == stripe::Verdict::none ? Repairable::no : Repairable::undecided;
                finding.proof = Proof::none;
            }
            const uint8_t* right_sector = right ? right->data() + place.sector * sector_ : nullptr;
            tell({place.column, copy, place.row}, finding, right_sector);
        }
        if (!any) batch_.counters.tree_bytes_verified += places.size() * sector_;
        if (readable_differs && starts_here) batch_.counters.corrupt_tree_blocks++;
    }

    Cause refuted_cause(const BlockHere& block, const std::vector<Place>& places, unsigned copy) const {
        if (block.crosses || !all_here(places, copy)) return Cause::checksum;
        const ByteView bytes(found(places.front().column, copy, places.front().row), context_.volume.nodesize());
        return tree::check_block(context_.volume, bytes, block.expect).state == tree::BlockState::bad_header
                   ? Cause::header
                   : Cause::checksum;
    }

    // ---- 2. and 3. data sectors
    void judge_sector(unsigned c, unsigned r) {
        switch (window_.sectors[window_.at(n_, c, r)]) {
            case Expect::csum: return judge_checksummed(c, r);
            case Expect::written: return judge_silent(c, r);
            case Expect::never_written: return judge_never_written(c, r);
            case Expect::csum_missing: return judge_csum_missing(c, r);
            case Expect::tree:
            case Expect::free:
            case Expect::unknown: return;
        }
    }

    void judge_checksummed(unsigned c, unsigned r) {
        const size_t sector = window_.at(n_, c, r);
        std::vector<unsigned> bad;
        const uint8_t* right = nullptr;
        for (unsigned copy = 0; copy < layout_.copies; copy++) {
            if (gone(c, copy, r) || !digest_holds(window_, sector, context_.volume.super().csum, found(c, copy, r)))
                bad.push_back(copy);
            else
                right = found(c, copy, r);
        }
        batch_.counters.data_bytes_verified += (layout_.copies - bad.size()) * sector_;
        const bool proven = right != nullptr;
        for (const unsigned copy : bad) {
            if (!gone(c, copy, r)) batch_.counters.corrupt_data_sectors++;
            const Cause cause = gone(c, copy, r) ? Cause::unreadable : Cause::checksum;
            const Repairable repairable = proven ? Repairable::yes : Repairable::no;
            const Proof proof = proven ? Proof::checksum : Proof::none;
            tell({c, copy, r}, {Role::data, cause, repairable, proof, {}, 0}, right);
        }
    }

    // Copies on devices that are believed, by content; erased ones apart.
    void judge_silent(unsigned c, unsigned r) {
        std::vector<unsigned> witnesses, erased;
        for (unsigned copy = 0; copy < layout_.copies; copy++) {
            if (!gone(c, copy, r)) batch_.counters.no_checksum_bytes += sector_;
            (gone(c, copy, r) || !member(c, copy).trusted() ? erased : witnesses).push_back(copy);
        }
        const auto same = [&](unsigned a, unsigned b) {
            return std::memcmp(found(c, a, r), found(c, b, r), sector_) == 0;
        };
        const bool agree =
            std::all_of(witnesses.begin(), witnesses.end(), [&](unsigned w) { return same(w, witnesses.front()); });
        const bool doubtful = std::all_of(witnesses.begin(), witnesses.end(), [&](unsigned w) {
            return member(c, w).state == volume::DeviceState::unsure;
        });
        if (!witnesses.empty() && (!agree || doubtful))
            report_disagreement(c, r, witnesses, agree ? Cause::stale : Cause::mirror);
        for (const unsigned copy : erased) {
            Finding finding{Role::data, Cause::unreadable, Repairable::yes, Proof::none, {}, 0};
            if (witnesses.empty())
                // Bytes of a device that is not believed may well be right: not lost, but undecided.
                finding.repairable = gone(c, copy, r) ? Repairable::no : Repairable::undecided;
            else if (!agree || doubtful)
                finding.repairable = Repairable::undecided;
            else if (!gone(c, copy, r) && same(copy, witnesses.front()))
                continue;
            const uint8_t* right = witnesses.empty() ? nullptr : found(c, witnesses.front(), r);
            tell({c, copy, r}, finding, right);
        }
    }

    // One event for the sector, on its first copy; a copy that stands alone against two or more is named.
    void report_disagreement(unsigned c, unsigned r, const std::vector<unsigned>& witnesses, Cause cause) {
        batch_.counters.ambiguous_rows++;
        Finding finding{Role::data, cause, Repairable::undecided, Proof::none, {}, 0};
        const auto same = [&](unsigned a, unsigned b) {
            return std::memcmp(found(c, a, r), found(c, b, r), sector_) == 0;
        };
        if (cause == Cause::mirror && witnesses.size() > 2) {
            for (const unsigned odd : witnesses) {
                const unsigned other = witnesses[odd == witnesses[0] ? 1 : 0];
                const bool alone = std::all_of(witnesses.begin(), witnesses.end(),
                                               [&](unsigned w) { return w == odd ? !same(w, other) : same(w, other); });
                if (!alone) continue;
                finding.suspect = member(c, odd).devid;
                for (size_t i = 0; i < sector_; i++)
                    finding.differing_bytes += found(c, odd, r)[i] != found(c, other, r)[i] ? 1 : 0;
            }
        }
        events_.report({c, witnesses.front(), r}, finding, {});
    }

    // What lies there means nothing: any copy that can be read will do, and zeros where there is none. But a log
    // that cannot be had may have put something there.
    void judge_never_written(unsigned c, unsigned r) {
        const uint8_t* right = zeros_.data();
        for (unsigned copy = 0; copy < layout_.copies; copy++)
            if (!gone(c, copy, r)) right = found(c, copy, r);
        const bool doubtful = context_.free_in_doubt && right == zeros_.data();
        const Repairable repairable = doubtful ? Repairable::undecided : Repairable::yes;
        for (unsigned copy = 0; copy < layout_.copies; copy++) {
            if (!gone(c, copy, r)) {
                batch_.counters.no_checksum_bytes += sector_;
                continue;
            }
            tell({c, copy, r}, {Role::data, Cause::unreadable, repairable, Proof::none, {}, 0}, right);
        }
    }

    void judge_csum_missing(unsigned c, unsigned r) {
        for (unsigned copy = 0; copy < layout_.copies; copy++) {
            const Cause cause = gone(c, copy, r) ? Cause::unreadable : Cause::csum_missing;
            tell({c, copy, r}, {Role::data, cause, Repairable::undecided, Proof::none, {}, 0}, nullptr);
        }
    }

    const Context& context_;
    Batch& batch_;
    const Window& window_;
    const volume::MappedChunk& chunk_;
    const volume::Layout& layout_;
    unsigned n_;
    StripeNo number_;
    size_t sector_;
    std::vector<uint8_t> zeros_;
    std::vector<tree::Block> kept_;  // proven blocks, until their bytes are handed on
    StripeEvents events_;
};

}  // namespace

void judge_mirrored_stripe(const Context& context, Batch& batch, unsigned n) { MirrorJudge(context, batch, n).judge(); }

}  // namespace raid56::scrub
