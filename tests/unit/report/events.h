// SPDX-License-Identifier: GPL-2.0-or-later
// One event of each kind, with every field set to something of its own.
#pragma once

#include "report/model.h"

namespace raid56::report {

inline VolumeEvent some_volume() {
    VolumeEvent event;
    event.fsid = "00112233-4455-6677-8899-aabbccddeeff";
    event.label = "a label";
    event.checksum = "xxhash64";
    event.sectorsize = 4096;
    event.nodesize = 16384;
    event.generation = 77;
    event.features = {"raid56", "no-holes"};
    event.chunks = {{"data", "raid6", 5, 3, 123456}, {"metadata", "raid1c3", 3, 1, 65536}};
    return event;
}

inline DeviceEvent some_device() {
    DeviceEvent event;
    event.devid = 3;
    event.path = "/images/d3.img";
    event.uuid = "d3d3d3d3-4455-6677-8899-aabbccddeeff";
    event.generation = 76;
    event.state = "stale";
    event.total_bytes = 268435456;
    event.seed = false;
    return event;
}

inline scrub::Damage some_damage() {
    scrub::Damage event;
    event.devid = DevId(4);
    event.physical = Physical(1049600);
    event.length = 8192;
    event.role = scrub::Role::data;
    event.cause = scrub::Cause::checksum;
    event.logical = Logical(30408704);
    event.chunk = Logical(30400512);
    event.full_stripe = 12;
    event.row = 3;
    event.repairable = scrub::Repairable::yes;
    event.proof = scrub::Proof::checksum;
    return event;
}

inline scrub::Unknown some_unknown() {
    scrub::Unknown event;
    event.logical = Logical(4096);
    event.length = 65536;
    event.cause = "extent-tree";
    return event;
}

inline Summary some_summary() {
    Summary event;
    event.command = "scrub";
    event.verdict = Verdict::repairable;
    event.exit_status = 1;
    auto& c = event.counters;
    c.data_bytes_verified = 101;
    c.no_checksum_bytes = 102;
    c.tree_bytes_verified = 103;
    c.rows_checked = 104;
    c.p_mismatches = 105;
    c.q_mismatches = 106;
    c.corrupt_data_sectors = 107;
    c.corrupt_tree_blocks = 108;
    c.unreadable_sectors = 109;
    c.super_errors = 110;
    c.repairable_sectors = 111;
    c.unrepairable_sectors = 112;
    c.ambiguous_rows = 113;
    c.unproven_sectors = 114;
    c.bytes_read = 115;
    event.seconds = 1.5;
    event.engine = "isal";
    return event;
}

}  // namespace raid56::report
