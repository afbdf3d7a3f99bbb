// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/tally.h"

#include <cstring>

#include "base/printable.h"

namespace raid56::session {

void Tally::damage(const scrub::Damage& damage, const report::HurtFiles* files) {
    any_ = true;
    so_far_.findings++;
    lost_ = lost_ || damage.repairable == scrub::Repairable::no;
    undecided_ = undecided_ || damage.repairable == scrub::Repairable::undecided;
    const bool refuted = damage.cause == scrub::Cause::checksum || damage.cause == scrub::Cause::header;
    if (refuted && (damage.role == scrub::Role::data || damage.role == scrub::Role::tree))
        refuted_[damage.devid.v] += damage.length;
    if (planner_ != nullptr && damage.repairable != scrub::Repairable::yes) {
        keep_behind(damage);
        if (damage.role == scrub::Role::super) planner_->block();
    }
    if (new_maps_ != nullptr) new_maps_->damage(damage);
    if (holds_) return held_.add(damage);
    progress_.clear();
    writer_.damage(damage, files);
}

void Tally::tell_held(const OpenVolume& open, const std::atomic<bool>& stop) {
    if (!holds_) return;
    progress_.clear();
    files_incomplete_ = held_.tell(open, writer_, stop);
    holds_ = false;
}

// What stays bad in a chunk keeps every device with a part of that chunk from being done.
void Tally::keep_behind(const scrub::Damage& damage) {
    const auto* chunk = damage.chunk ? volume_->find_chunk(*damage.chunk) : nullptr;
    if (chunk == nullptr) return planner_->keep_behind(damage.devid);
    for (const unsigned member : chunk->members) planner_->keep_behind(volume_->members()[member].devid);
}

void Tally::unknown(const scrub::Unknown& unknown) {
    (unknown.undecided ? undecided_ : lost_) = true;
    so_far_.findings++;
    if (planner_ != nullptr)
        for (const auto& member : volume_->members()) planner_->keep_behind(member.devid);
    if (holds_) return held_.add(unknown);
    progress_.clear();
    writer_.unknown(unknown);
}

// No damage: neither held back for the files behind it, nor of any weight in the verdict.
void Tally::free_rows(const scrub::FreeRows& rows) {
    progress_.clear();
    writer_.free_rows(rows);
}

void Tally::reached(const scrub::Position& position, const scrub::Counters& so_far) {
    so_far_.chunk = position.chunk;
    so_far_.read = so_far.bytes_read;
}

void Tally::progress(uint64_t done, uint64_t all) {
    so_far_.done = done;
    so_far_.all = all;
    progress_.show(so_far_);
}

void Tally::fixes(const scrub::FixList& fixes) {
    if (planner_ == nullptr) return;
    if (const int error = planner_->add(fixes); error != 0)
        throw PlanFailed(printable(file_) + ": cannot be written: " + std::strerror(error));
}

report::Verdict Tally::verdict(const scrub::Counters& counters) const {
    if (lost(counters)) return report::Verdict::unrepairable;
    if (undecided(counters)) return report::Verdict::undecided;
    if (any_ || counters.repairable_sectors > 0) return report::Verdict::repairable;
    return report::Verdict::clean;
}

std::vector<uint64_t> Tally::suspects(uint32_t sectorsize) const {
    constexpr uint64_t kFew = 16;
    uint64_t all = 0;
    for (const auto& [devid, bytes] : refuted_) all += bytes;
    std::vector<uint64_t> found;
    for (const auto& [devid, bytes] : refuted_)
        if (bytes >= kFew * sectorsize && bytes * 10 >= all * 9) found.push_back(devid);
    return found;
}

}  // namespace raid56::session
