// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/planner.h"

#include <algorithm>

#include "checksum/checksum.h"

namespace raid56::repair {

bool Planner::is_left_out(const Write& write) {
    if (blocked_) return planned_.limited = true;
    const bool unwanted = !limits_.only.empty() && !limits_.only.contains(kind_of(write.what.role));
    // Of each phase no more than all phases together may have.
    const bool too_many = limits_.max_writes && in_phase_[static_cast<size_t>(write.phase)] >= *limits_.max_writes;
    // A device is up to date when everything on it is: no brake overrides that (DESIGN 3.8).
    const bool too_early = write.phase == Phase::last_super && (planned_.limited || stays_behind(write.what.devid));
    if (unwanted || too_many) planned_.limited = true;
    return unwanted || too_many || too_early;
}

const volume::Member* Planner::member_of(DevId devid) const {
    for (const auto& member : volume_.members())
        if (member.devid == devid && member.device != nullptr) return &member;
    return nullptr;
}

// A short image may end within a sector: what there is of it is not to be lost.
void Planner::read_broken_sector(const Write& write, uint64_t unit, std::vector<uint8_t>& old_bytes) const {
    auto& device = *member_of(write.what.devid)->device;
    if (device.size() <= write.what.physical.v) return;
    const uint64_t from = (device.size() - write.what.physical.v) / unit * unit;
    const uint64_t there = device.size() - write.what.physical.v - from;
    if (there == 0) return;
    const ByteSpan out = ByteSpan(old_bytes).subspan(from, there);
    if (device.read(write.what.physical.v + from, out) != 0) std::fill(out.begin(), out.end(), uint8_t{0});
}

int Planner::add(Write write, WriteBytes bytes) {
    const uint64_t unit = std::min<uint64_t>(volume_.sectorsize(), write.what.length);
    const auto* member = member_of(write.what.devid);
    write.beyond_end = member != nullptr && write.what.physical.v + write.what.length > member->device->size();
    std::vector<uint8_t> old_bytes;
    if (write.beyond_end) {
        old_bytes.assign(bytes.old_bytes.begin(), bytes.old_bytes.end());
        read_broken_sector(write, unit, old_bytes);
        bytes.old_bytes = old_bytes;
    }
    if (keep_ == Keep::plan || approved_ != nullptr)
        write.old_sum = checksum::digest(CsumKind::sha256, bytes.old_bytes);
    if (approved_ != nullptr && !approved_->take(write, bytes)) {
        planned_.limited = true;
        return 0;
    }
    if (is_left_out(write)) return 0;
    in_phase_[static_cast<size_t>(write.phase)]++;
    planned_.writes++;
    planned_.sectors += write.what.length / unit;
    // Parity that had to be made anew is worth what it guards, unless the user's word was all there was for it.
    const bool parity = write.what.role == scrub::Role::p || write.what.role == scrub::Role::q;
    const bool follows = parity && write.what.cause != scrub::Cause::parity;
    if (write.what.proof == scrub::Proof::none && !follows) planned_.unproven += write.what.length / unit;
    if (write.beyond_end) {
        uint64_t& end = short_[write.what.devid];
        end = std::max(end, write.what.physical.v + write.what.length);
    }
    devices_.insert(write.what.devid);
    touch(touched_, volume_, write);
    switch (keep_) {
        case Keep::places: return log_.write(write, {});
        case Keep::plan: return log_.write(write, {{}, bytes.new_bytes});
        case Keep::journal: write.old_sum.reset(); return log_.write(write, bytes);
    }
    return 0;
}

void Planner::finish() {
    if (limits_.max_writes && planned_.writes > *limits_.max_writes) planned_.limited = true;
    for (const auto& [devid, end] : short_) {
        // An item that is wrong may end before what chunks have there.
        const bool length_known = end <= member_of(devid)->total_bytes;
        if (length_known && !planned_.limited && !stays_behind(devid)) planned_.lengthened.push_back(devid);
    }
}

int Planner::add(const scrub::FixList& list) {
    for (const auto& fix : list.fixes) {
        Write write;
        write.phase = phase_of(fix.what.role);
        write.what = fix.what;
        write.unreadable = fix.unreadable;
        if (const int error = add(std::move(write), {list.old_bytes(fix), list.new_bytes(fix)}); error != 0)
            return error;
    }
    return 0;
}

void touch(scrub::StripeSet& set, const volume::Volume& volume, const Write& write) {
    if (!write.what.chunk) return;
    const auto* chunk = volume.find_chunk(*write.what.chunk);
    if (chunk == nullptr) return;
    for (unsigned i = 0; i < chunk->layout.stripes; i++) {
        const Physical start = chunk->chunk.stripes[i].offset;
        if (volume.member_of(*chunk, i).devid != write.what.devid || write.what.physical < start ||
            write.what.physical - start >= chunk->extent_length())
            continue;
        set.add(*chunk, StripeNo((write.what.physical - start) / kStripLen));
    }
}

}  // namespace raid56::repair
