// SPDX-License-Identifier: GPL-2.0-or-later
// What a scrub finds: damage, ranges nothing is known about, and the counts. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"

namespace raid56::scrub {

enum class Role : uint8_t { data, tree, p, q, free, super };
enum class Cause : uint8_t {
    checksum,      // a checksum does not hold
    header,        // the checksum holds, but the block belongs elsewhere or to another time
    unreadable,    // I/O error, or past the end of a short device
    parity,        // P or Q is not what the row's data give
    mirror,        // copies without checksum differ
    csum_missing,  // data that should have a checksum and has none
    missing,       // the device is not there
    stale,         // the device, or a superblock copy, is of an older generation
    distrusted,    // the user distrusts the device
    excluded,      // allocated where the format allocates nothing: under a superblock copy
};
enum class Repairable : uint8_t { no, yes, undecided };
enum class Proof : uint8_t { none, checksum, tree, parity };

const char* role_name(Role role);
const char* cause_name(Cause cause);
const char* proof_name(Proof proof);

struct Damage {
    DevId devid;
    Physical physical;
    uint64_t length = 0;  // bytes, whole sectors
    Role role = Role::data;
    Cause cause = Cause::checksum;
    std::optional<Logical> logical;  // data and trees
    std::optional<Logical> chunk;
    std::optional<uint64_t> full_stripe;  // raid5/6
    std::optional<unsigned> row;          // raid5/6: the first of the run
    Repairable repairable = Repairable::no;
    Proof proof = Proof::none;
    std::optional<DevId> suspect;  // where the syndromes or a majority single out a column
    uint64_t differing_bytes = 0;  // with suspect
    // A missing device's part of a chunk that can be had back: how many more devices the chunk may lose.
    std::optional<unsigned> further_losses;
};

/// A range of the logical space about which nothing is known.
struct Unknown {
    Logical logical;
    uint64_t length = 0;
    std::string cause;       // "extent-tree", "chunk-tree", "root-tree", "log-tree", "no-chunk"
    bool undecided = false;  // not known to be lost
};

/// Rows of one full stripe, one behind the other, that hold nothing and are not as a row that holds something must be.
/// No damage: Linux keeps no promise of them.
struct FreeRows {
    struct Part {
        DevId devid;
        Physical physical;
        uint64_t length = 0;  // bytes
    };
    Logical chunk;  // its start
    uint64_t full_stripe = 0;
    unsigned row = 0, rows = 0;                 // the first, and how many
    bool p_differs = false, q_differs = false;  // P, Q are not what the data columns give
    std::vector<Part> unreadable;               // by stripe of the chunk; of P and Q nothing is known then
};

struct Counters {
    uint64_t data_bytes_verified = 0, no_checksum_bytes = 0, tree_bytes_verified = 0;
    uint64_t rows_checked = 0, p_mismatches = 0, q_mismatches = 0;
    uint64_t corrupt_data_sectors = 0, corrupt_tree_blocks = 0, unreadable_sectors = 0, super_errors = 0;
    uint64_t repairable_sectors = 0, unrepairable_sectors = 0, ambiguous_rows = 0, unproven_sectors = 0;
    uint64_t undecided_sectors = 0;  // not in the summary: decides the verdict
    uint64_t bytes_read = 0;
    // Jobs that software did for the engine; not digests that it refused at once, as engines without them do.
    uint64_t engine_fallbacks = 0;  // jobs of the parity engine that software did (StripeChecker::run_jobs)
    uint64_t free_rows_checked = 0, free_rows_differing = 0, free_rows_unreadable = 0;  // differing: of the checked

    void add(const Counters& other);
};

/// How far a scrub has come: everything before that full stripe of that chunk is told.
struct Position {
    Logical chunk;  // its start
    StripeNo next;
    bool operator==(const Position&) const = default;
};

struct FixList;

/// Where a scrub tells what it finds, in the order of the report. Called from one thread.
class Sink {
  public:
    virtual ~Sink() = default;
    virtual void damage(const Damage& damage) = 0;
    virtual void unknown(const Unknown& unknown) = 0;
    /// What a repair would write, where that was asked for; after the damage of the same full stripes.
    virtual void fixes(const FixList& /*fixes*/) {}
    /// Bytes of a missing device that is made anew, a member by its index; ascending within a chunk. Valid
    /// during the call.
    virtual void made(unsigned /*member*/, Physical /*physical*/, ByteView /*bytes*/) {}
    /// Where they are looked at; ascending, among themselves.
    virtual void free_rows(const FreeRows& /*rows*/) {}
    /// Everything before that position was handed on; `so_far` are the counts of it.
    virtual void reached(const Position& /*position*/, const Counters& /*so_far*/) {}
    /// Bytes of the logical space done so far, of all; for progress.
    virtual void progress(uint64_t done, uint64_t all) = 0;
};

}  // namespace raid56::scrub
