// SPDX-License-Identifier: GPL-2.0-or-later
#include "parity/isal_engine.h"

#include <isa-l/erasure_code.h>
#include <isa-l/raid.h>

#include <algorithm>
#include <cstring>

#include "parity/buffer.h"
#include "parity/galois.h"
#include "parity/recovery_matrix.h"
#include "parity/shape.h"

namespace raid56::parity {
namespace {

// xor_gen wants 2 sources, pq_gen 2 as well; both fail on fewer, and the checks cannot say "fail" apart
// from "differs". So a job's shape is looked at before, and what ISA-L answers always means something.
constexpr unsigned kLeastData = 2;
constexpr size_t kAlignment = 64;         // 32 by the manual; a misaligned pointer is a fault, not an error
constexpr size_t kMostLength = 1u << 30;  // lengths are int
constexpr size_t kTableBytes = 32;        // ISA-L's table of one coefficient
constexpr size_t kPiece = 4096;           // of a column, verified at a time: scratch stays in cache

/// Addresses of the columns as ISA-L wants them, moved on piece by piece.
class Vectors {
  public:
    explicit Vectors(std::span<uint8_t* const> columns) : count_(columns.size()) {
        for (size_t i = 0; i < count_; i++) pointers_[i] = columns[i];
    }
    void* const& operator[](size_t i) const { return pointers_[i]; }
    void set(size_t i, void* to) { pointers_[i] = to; }
    void** array() { return pointers_.data(); }
    unsigned char** bytes() { return reinterpret_cast<unsigned char**>(pointers_.data()); }
    void advance(size_t columns, size_t n) {
        for (size_t i = 0; i < columns; i++) pointers_[i] = static_cast<uint8_t*>(pointers_[i]) + n;
    }

  private:
    std::array<void*, kMaxColumns> pointers_;
    size_t count_;
};

bool takes(const Job& job) {
    if (job.op == Op::digest || !columns_make_sense(job) || data_columns(job) < kLeastData) return false;
    if (job.length == 0 || job.length > kMostLength || job.length % kAlignment != 0) return false;
    uintptr_t all = 0;
    for (const uint8_t* column : job.columns) all |= reinterpret_cast<uintptr_t>(column);
    return all % kAlignment == 0;
}

class IsalEngine : public Engine {
  public:
    explicit IsalEngine(IsalVerify how) : how_(how) {
        for (unsigned i = 0; i < kMaxColumns; i++) {
            gf_vect_mul_init(galois::power(i), q_tables_.data() + i * kTableBytes);
        }
    }

    std::string_view name() const override { return "isal"; }
    std::unique_ptr<Buffer> allocate(size_t size) override { return plain_buffer(size); }

    void submit(Batch batch) override {
        for (Job& job : batch) job.outcome = takes(job) ? perform(job) : Outcome::refused;
    }
    void wait(Batch) override {}  // submit() did it all

  private:
    Outcome perform(Job& job) const {
        switch (job.op) {
            case Op::generate: return generate(job);
            case Op::verify: return verify(job);
            case Op::recover:
                if (std::optional<Loss> loss = loss_of(job)) return recover(job, *loss);
                return Outcome::refused;
            case Op::digest: return Outcome::refused;
        }
        return Outcome::refused;
    }

    static Outcome done_if(bool ok) { return ok ? Outcome::done : Outcome::failed; }

    static Outcome generate(const Job& job) {
        Vectors vectors(job.columns);
        const int count = static_cast<int>(job.columns.size());
        const int length = static_cast<int>(job.length);
        return done_if((job.has_q ? pq_gen(count, length, vectors.array()) : xor_gen(count, length, vectors.array())) ==
                       0);
    }

    Outcome verify(Job& job) const {
        job.p_differs = job.q_differs = false;
        if (!job.has_q) {
            job.p_differs = p_differs(job);
            return Outcome::done;
        }
        switch (how_) {
            case IsalVerify::together: return verify_together(job);
            case IsalVerify::apart:
                job.p_differs = p_differs(job);
                job.q_differs = q_differs(job);
                return Outcome::done;
        }
        return Outcome::failed;
    }

    static bool p_differs(const Job& job) {
        Vectors vectors(job.columns);
        return xor_check(static_cast<int>(data_columns(job) + 1), static_cast<int>(job.length), vectors.array()) != 0;
    }

    bool q_differs(const Job& job) const {
        const unsigned nd = data_columns(job);
        alignas(kAlignment) std::array<uint8_t, kPiece> made;
        Vectors vectors(job.columns);
        // ISA-L declares the tables as its own to write, and only reads them.
        auto* tables = const_cast<unsigned char*>(q_tables_.data());
        for (size_t offset = 0; offset < job.length; offset += kPiece) {
            const size_t n = std::min(kPiece, job.length - offset);
            gf_vect_dot_prod(static_cast<int>(n), static_cast<int>(nd), tables, vectors.bytes(), made.data());
            if (std::memcmp(made.data(), job.columns[nd + 1] + offset, n) != 0) return true;
            vectors.advance(nd, n);
        }
        return false;
    }

    static Outcome verify_together(Job& job) {
        const unsigned nd = data_columns(job);
        alignas(kAlignment) std::array<std::array<uint8_t, kPiece>, 2> made;
        Vectors vectors(job.columns);
        vectors.set(nd, made[0].data());
        vectors.set(nd + 1, made[1].data());
        for (size_t offset = 0; offset < job.length && !(job.p_differs && job.q_differs); offset += kPiece) {
            const size_t n = std::min(kPiece, job.length - offset);
            if (pq_gen(static_cast<int>(nd + 2), static_cast<int>(n), vectors.array()) != 0) return Outcome::failed;
            job.p_differs |= std::memcmp(made[0].data(), job.columns[nd] + offset, n) != 0;
            job.q_differs |= std::memcmp(made[1].data(), job.columns[nd + 1] + offset, n) != 0;
            vectors.advance(nd, n);
        }
        return Outcome::done;
    }

    static Outcome recover(const Job& job, const Loss& loss) {
        switch (loss.kind) {
            case LossKind::p_q: return generate(job);
            case LossKind::p:
            case LossKind::data: return recover_by_xor(job, loss);
            case LossKind::q:
            case LossKind::data_p:
            case LossKind::data_q:
            case LossKind::data_data: return recover_by_matrix(job, loss);
        }
        return Outcome::failed;
    }

    /// A column of data 0..nd-1 and P from the other ones: they swap places with P, which xor_gen writes.
    static Outcome recover_by_xor(const Job& job, const Loss& loss) {
        const unsigned nd = data_columns(job);
        Vectors vectors(job.columns.first(nd + 1));
        if (loss.kind == LossKind::data) {
            vectors.set(loss.a, job.columns[nd]);
            vectors.set(nd, job.columns[loss.a]);
        }
        return done_if(xor_gen(static_cast<int>(nd + 1), static_cast<int>(job.length), vectors.array()) == 0);
    }

    static Outcome recover_by_matrix(const Job& job, const Loss& loss) {
        const RecoveryMatrix matrix = recovery_matrix(loss, data_columns(job));
        std::array<unsigned char, 2 * kMaxColumns * kTableBytes> tables;
        std::array<unsigned char*, kMaxColumns> sources;
        std::array<unsigned char*, 2> targets = {};
        for (unsigned s = 0; s < matrix.sources; s++) sources[s] = job.columns[matrix.source[s]];
        for (unsigned r = 0; r < matrix.rows; r++) targets[r] = job.columns[matrix.target[r]];
        for (unsigned i = 0; i < matrix.rows * matrix.sources; i++) {
            gf_vect_mul_init(matrix.coefficient[i], tables.data() + i * kTableBytes);
        }
        ec_encode_data(static_cast<int>(job.length), static_cast<int>(matrix.sources), static_cast<int>(matrix.rows),
                       tables.data(), sources.data(), targets.data());
        return Outcome::done;
    }

    const IsalVerify how_;
    std::array<unsigned char, kMaxColumns * kTableBytes> q_tables_;  // g^i, for gf_vect_dot_prod
};

}  // namespace

IsalVerify preferred_isal_verify() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        return IsalVerify::together;
    }
#endif
    return IsalVerify::apart;
}

std::unique_ptr<Engine> make_isal_engine(IsalVerify how) { return std::make_unique<IsalEngine>(how); }

Engine& isal_engine() {
    static const std::unique_ptr<Engine> engine = make_isal_engine(preferred_isal_verify());
    return *engine;
}

}  // namespace raid56::parity
