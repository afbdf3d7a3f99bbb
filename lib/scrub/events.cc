// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/events.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <tuple>

#include "scrub/context.h"
#include "volume/losses.h"

namespace raid56::scrub {

namespace {

// Data or free bytes that are put back without a proof; parity follows from what it guards.
bool is_unproven(const Finding& finding) {
    return finding.proof == Proof::none && finding.role != Role::p && finding.role != Role::q;
}

}  // namespace

const volume::Member& StripeEvents::member_of(const Cell& cell) const {
    return volume_.member_of(chunk_, volume::stripe_index(chunk_.layout, n_, cell.column, cell.copy));
}

bool StripeEvents::is_its_own(unsigned index, unsigned row) const {
    const uint64_t at = chunk_.physical(n_, index).v + uint64_t{row} * volume_.sectorsize();
    const Range place{at, at + volume_.sectorsize()};
    return !volume_.contested().touches(chunk_.members[index], place) && !volume::is_under_super(place);
}

Finding StripeEvents::decided(const Cell& cell, Finding finding) const {
    if (finding.repairable != Repairable::yes) return finding;
    bool own = is_its_own(volume::stripe_index(chunk_.layout, n_, cell.column, cell.copy), cell.row);
    if (finding.role == Role::p || finding.role == Role::q)
        for (unsigned i = 0; i < chunk_.layout.stripes; i++) own = own && is_its_own(i, cell.row);
    if (own) return finding;
    finding.repairable = Repairable::undecided;
    finding.proof = Proof::none;
    return finding;
}

void StripeEvents::tell(const Cell& cell, const Finding& found, const SectorBytes& bytes) {
    const auto& device = member_of(cell);
    const bool missing = device.device == nullptr;
    if (!missing && device.trusted()) return report(cell, found, bytes);
    // A stale device gets what differs.
    if (!missing && found.repairable == Repairable::yes && bytes.found != nullptr &&
        std::memcmp(bytes.found, bytes.right, volume_.sectorsize()) == 0)
        return;
    const bool chunk_is_lost = missing && !volume::survives(volume_, chunk_);
    Finding finding = decided(cell, found);
    if (finding.repairable == Repairable::yes) {
        // A rebuild, not a repair, writes to a missing device.
        if (missing)
            counters_.unproven_sectors += !chunk_is_lost && is_unproven(finding) ? 1 : 0;
        else
            count(cell, finding, bytes);
        return;
    }
    if (chunk_is_lost) return count(cell, finding, bytes);
    finding.cause = device_cause(device.state);
    report(cell, finding, bytes);
}

void StripeEvents::count(const Cell& cell, const Finding& finding, const SectorBytes& bytes) {
    switch (finding.repairable) {
        case Repairable::yes:
            assert(bytes.right != nullptr);
            counters_.repairable_sectors++;
            if (is_unproven(finding)) counters_.unproven_sectors++;
            if (fixes_ != nullptr) to_write_.push_back({cell, finding, 1, {bytes}});
            return;
        case Repairable::no: counters_.unrepairable_sectors++; return;
        case Repairable::undecided: counters_.undecided_sectors++; return;
    }
}

void StripeEvents::report(const Cell& cell, const Finding& found, const SectorBytes& bytes) {
    const Finding finding = decided(cell, found);
    count(cell, finding, bytes);
    if (finding.cause == Cause::unreadable) counters_.unreadable_sectors++;
    reported_.push_back({cell, finding, 1, {}});
}

bool StripeEvents::joins(const Reported& run, const Reported& next) {
    const auto& a = run.finding;
    const auto& b = next.finding;
    return run.cell.column == next.cell.column && run.cell.copy == next.cell.copy &&
           run.cell.row + run.rows == next.cell.row &&
           std::tie(a.role, a.cause, a.repairable, a.proof, a.suspect, a.differing_bytes) ==
               std::tie(b.role, b.cause, b.repairable, b.proof, b.suspect, b.differing_bytes);
}

Damage StripeEvents::locate(const Reported& run) const {
    const auto& [cell, finding, rows, bytes] = run;
    const unsigned index = volume::stripe_index(chunk_.layout, n_, cell.column, cell.copy);
    const uint64_t offset = uint64_t{cell.row} * volume_.sectorsize();
    Damage damage;
    damage.devid = member_of(cell).devid;
    damage.physical = chunk_.physical(n_, index) + offset;
    damage.length = uint64_t{rows} * volume_.sectorsize();
    damage.role = finding.role;
    damage.cause = finding.cause;
    damage.chunk = chunk_.chunk.start;
    if (finding.role == Role::data || finding.role == Role::tree)
        damage.logical = chunk_.logical(n_, cell.column) + offset;
    if (chunk_.layout.np > 0) {
        damage.full_stripe = n_.v;
        damage.row = cell.row;
    }
    damage.repairable = finding.repairable;
    damage.proof = finding.proof;
    damage.suspect = finding.suspect;
    damage.differing_bytes = finding.differing_bytes;
    return damage;
}

std::vector<StripeEvents::Reported> StripeEvents::runs_of(std::vector<Reported>& sectors) {
    const auto by_column = [](const Reported& a, const Reported& b) {
        return std::tie(a.cell.column, a.cell.copy, a.cell.row) < std::tie(b.cell.column, b.cell.copy, b.cell.row);
    };
    std::stable_sort(sectors.begin(), sectors.end(), by_column);
    std::vector<Reported> runs;
    for (auto& next : sectors) {
        if (!runs.empty() && joins(runs.back(), next)) {
            runs.back().rows++;
            runs.back().bytes.insert(runs.back().bytes.end(), next.bytes.begin(), next.bytes.end());
        } else {
            runs.push_back(std::move(next));
        }
    }
    const auto by_row = [](const Reported& a, const Reported& b) {
        return std::tie(a.cell.row, a.cell.column, a.cell.copy) < std::tie(b.cell.row, b.cell.column, b.cell.copy);
    };
    std::stable_sort(runs.begin(), runs.end(), by_row);
    sectors.clear();
    return runs;
}

void StripeEvents::add_fix(const Reported& run) {
    const size_t sector = volume_.sectorsize();
    Fix fix;
    fix.what = locate(run);
    fix.bytes = fixes_->bytes.size();
    fixes_->bytes.resize(fix.bytes + 2 * fix.what.length);
    uint8_t* old_bytes = fixes_->bytes.data() + fix.bytes;
    uint8_t* new_bytes = old_bytes + fix.what.length;
    for (unsigned i = 0; i < run.rows; i++) {
        if (run.bytes[i].found == nullptr)
            fix.unreadable |= uint64_t{1} << i;
        else
            std::memcpy(old_bytes + i * sector, run.bytes[i].found, sector);
        std::memcpy(new_bytes + i * sector, run.bytes[i].right, sector);
    }
    fixes_->fixes.push_back(std::move(fix));
}

void StripeEvents::flush(std::vector<Damage>& out) {
    for (const auto& run : runs_of(reported_)) out.push_back(locate(run));
    for (const auto& run : runs_of(to_write_)) add_fix(run);
}

}  // namespace raid56::scrub
