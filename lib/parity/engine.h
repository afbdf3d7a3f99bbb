// SPDX-License-Identifier: GPL-2.0-or-later
// The parity engine: batches of jobs in, a result for each job out. No I/O, no engine-specific type.
//
// A job works on the columns of one full stripe or a part of it: data 0..nd-1, then P, then Q on
// raid6, `length` bytes each. P = xor of D_i, Q = xor of g^i * D_i over GF(2^8), polynomial 0x11d,
// g = 2 (FACTS 9). Every shape that btrfs allows is taken: 1+1 and 1+2 too (P = Q = D). At most 255
// columns, parities included.
//
// Thread rule: an Engine may be used from several threads at once, a Batch from one.
// Does not promise: that a digest job is done by anybody. This folder knows no checksums, so a digest
// that an engine does not take stays `refused`, and whoever made the job computes it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/csum_kind.h"
#include "base/result.h"

namespace raid56::parity {

enum class Op : uint8_t {
    generate,  // write P (and Q) from the data columns
    verify,    // compare P (and Q) with what the data columns give; nothing is written
    recover,   // write the erased columns from the others
    digest,    // checksum `blocks` pieces of columns[0], `length / blocks` bytes each, into `digests`
};

enum class Outcome : uint8_t {
    pending,
    done,
    refused,  // this engine does not take such a job, and wrote nothing: software must
    failed,   // the engine took it and broke: software must redo it
};

inline constexpr uint8_t kNoColumn = 0xff;

/// One job. Pointers must stay valid until wait() returned. Columns that the job writes may lie
/// anywhere (scratch instead of the place they were read to): only the pointer counts. A column that is
/// written overlaps no other column of the job, and none of another job of the same batch; columns that
/// are only read may be shared. Any length and alignment is allowed; engines are fast, or take a job at
/// all, where columns are aligned to 64 bytes and the length is a multiple of 64.
///
/// A job that makes no sense (no data column, more than 255 columns, an erased index out of range or
/// twice, two erased on raid5) is refused by every engine.
struct Job {
    Op op = Op::verify;
    bool has_q = false;                 // raid6: columns.size() = nd + 2, else nd + 1
    std::span<uint8_t* const> columns;  // data 0..nd-1, P, [Q]
    size_t length = 0;                  // bytes of each column
    // recover: one or two distinct column indices; the second is kNoColumn when only one is erased.
    // With one data column erased, P is used unless it is itself erased (then Q). Columns that are not
    // erased are never written: not even a Q that is known to be wrong.
    std::array<uint8_t, 2> erased = {kNoColumn, kNoColumn};
    // digest
    CsumKind csum = CsumKind::crc32c;
    size_t blocks = 0;
    uint8_t* digests = nullptr;
    // results
    Outcome outcome = Outcome::pending;
    bool p_differs = false;  // verify: P is not what the data gives; valid where outcome is done
    bool q_differs = false;  // the same for Q; has_q only
};

using Batch = std::span<Job>;

/// Memory that an engine works on without a copy of its own; aligned for any of them.
class Buffer {
  public:
    virtual ~Buffer() = default;
    virtual std::span<uint8_t> bytes() = 0;
};

class Engine {
  public:
    virtual ~Engine() = default;
    virtual std::string_view name() const = 0;
    /// Bytes of columns that a batch should hold. By default what stays in a core's cache from being read
    /// to being checked.
    virtual size_t batch_bytes() const { return 768 << 10; }
    /// Batches that one thread should have submitted at once: more than one where the engine works beside it.
    virtual unsigned batches_in_flight() const { return 1; }
    /// Why this engine failed jobs, or refuses all of them from now on: one sentence; empty where all is well.
    virtual std::string trouble() const { return {}; }
    /// Zeroed memory of `size` bytes, aligned to at least 4096. Throws std::bad_alloc.
    virtual std::unique_ptr<Buffer> allocate(size_t size) = 0;
    /// Starts every job of the batch. A job that cannot be taken is marked refused at once, and is the
    /// caller's again. Results are written within submit() and wait() alone, never between them.
    virtual void submit(Batch batch) = 0;
    /// Returns when no job of a submitted batch is pending any more.
    virtual void wait(Batch batch) = 0;
};

/// Forgets outcomes of an earlier use of the jobs and submits them.
void start(Engine& engine, Batch batch);
/// Waits for a batch that start() submitted, and redoes in software (the scalar engine) whatever was
/// refused, failed or left pending. Afterwards every outcome is `done`, but for digests and jobs that
/// make no sense: those may be `refused`. Returns how many jobs software did.
size_t finish(Engine& engine, Batch batch);
/// start and finish in one.
size_t run(Engine& engine, Batch batch);

/// The plain C++ engine: the oracle of all others. Takes every job except digest.
Engine& scalar_engine();
/// Intel ISA-L: SIMD. Refuses what ISA-L does not take: a single data column, columns not aligned to 64
/// bytes, lengths that are no multiple of 64, digests. Allocates nothing for a job.
Engine& isal_engine();

/// Engines built into this program, scalar first.
std::span<Engine* const> engines();
/// By name; nullptr when there is none of that name.
Engine* find_engine(std::string_view name);
/// Compares an engine with the scalar one over every op and a set of shapes; says what differed. A
/// refused job is no error, a failed one is. Digest jobs are not tried: nothing here could judge them
/// (session/check_digests does). Takes some tens of milliseconds.
Result<void> check_engine(Engine& engine);
/// Seconds by a steady clock, from any start. Given by the caller: this folder is pure.
using Clock = double (*)();
/// A short measurement (milliseconds of that clock): bytes a second that are read to verify rows of
/// 4 KiB, all columns counted (nd data, P, with has_q Q), software doing what the engine refuses. 0 where
/// there is no such shape.
double measure_engine(Engine& engine, unsigned nd, bool has_q, Clock now);

}  // namespace raid56::parity
