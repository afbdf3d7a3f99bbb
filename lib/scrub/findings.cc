// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/findings.h"

namespace raid56::scrub {

const char* role_name(Role role) {
    switch (role) {
        case Role::data: return "data";
        case Role::tree: return "tree";
        case Role::p: return "P";
        case Role::q: return "Q";
        case Role::free: return "free";
        case Role::super: return "super";
    }
    return "?";
}

const char* cause_name(Cause cause) {
    switch (cause) {
        case Cause::checksum: return "checksum";
        case Cause::header: return "header";
        case Cause::unreadable: return "unreadable";
        case Cause::parity: return "parity";
        case Cause::mirror: return "mirror";
        case Cause::csum_missing: return "csum-missing";
        case Cause::missing: return "missing";
        case Cause::stale: return "stale";
        case Cause::distrusted: return "distrusted";
        case Cause::excluded: return "excluded";
    }
    return "?";
}

const char* proof_name(Proof proof) {
    switch (proof) {
        case Proof::none: return "none";
        case Proof::checksum: return "checksum";
        case Proof::tree: return "tree";
        case Proof::parity: return "parity";
    }
    return "?";
}

void Counters::add(const Counters& other) {
    data_bytes_verified += other.data_bytes_verified;
    no_checksum_bytes += other.no_checksum_bytes;
    tree_bytes_verified += other.tree_bytes_verified;
    rows_checked += other.rows_checked;
    p_mismatches += other.p_mismatches;
    q_mismatches += other.q_mismatches;
    corrupt_data_sectors += other.corrupt_data_sectors;
    corrupt_tree_blocks += other.corrupt_tree_blocks;
    unreadable_sectors += other.unreadable_sectors;
    super_errors += other.super_errors;
    repairable_sectors += other.repairable_sectors;
    unrepairable_sectors += other.unrepairable_sectors;
    ambiguous_rows += other.ambiguous_rows;
    unproven_sectors += other.unproven_sectors;
    undecided_sectors += other.undecided_sectors;
    bytes_read += other.bytes_read;
    engine_fallbacks += other.engine_fallbacks;
    free_rows_checked += other.free_rows_checked;
    free_rows_differing += other.free_rows_differing;
    free_rows_unreadable += other.free_rows_unreadable;
}

}  // namespace raid56::scrub
