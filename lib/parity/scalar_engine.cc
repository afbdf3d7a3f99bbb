// SPDX-License-Identifier: GPL-2.0-or-later
// The oracle: FACTS 9 written down, one block of words at a time. Lost data columns count as zero in
// the folded parities, so that the syndromes P ^ P' and Q ^ Q' hold nothing but the lost columns.
#include <cstring>

#include "parity/buffer.h"
#include "parity/engine.h"
#include "parity/shape.h"
#include "parity/words.h"

namespace raid56::parity {
namespace {

/// Calls step(offset, n) for every block of a column; the last may be shorter.
template <class Step>
void for_each_block(size_t length, const Step& step) {
    size_t offset = 0;
    for (; length - offset >= kBlockBytes; offset += kBlockBytes) step(offset, kBlockBytes);
    if (offset < length) step(offset, length - offset);
}

template <bool with_q>
void generate(const Job& job) {
    const unsigned nd = data_columns(job);
    auto at = [&](unsigned i) { return job.columns[i]; };
    for_each_block(job.length, [&](size_t offset, size_t n) {
        Parities made = fold<with_q>(at, nd, offset, n, nd, nd);
        store(made.p, job.columns[nd] + offset, n);
        if constexpr (with_q) store(made.q, job.columns[nd + 1] + offset, n);
    });
}

template <bool with_q>
void verify(Job& job) {
    const unsigned nd = data_columns(job);
    if (nd == 1) {  // P = Q = D: common enough (no other engine takes it) for the fast way
        job.p_differs = std::memcmp(job.columns[0], job.columns[1], job.length) != 0;
        job.q_differs = with_q && std::memcmp(job.columns[0], job.columns[nd + 1], job.length) != 0;
        return;
    }
    auto at = [&](unsigned i) { return job.columns[i]; };
    Parities differences;
    for_each_block(job.length, [&](size_t offset, size_t n) {
        Parities made = fold<with_q>(at, nd, offset, n, nd, nd);
        differences.p |= made.p ^ load(job.columns[nd] + offset, n);
        if constexpr (with_q) differences.q |= made.q ^ load(job.columns[nd + 1] + offset, n);
    });
    job.p_differs = differences.p.any();
    job.q_differs = differences.q.any();
}

/// One lost data column from P: D_a = P ^ the others.
void recover_data(const Job& job, unsigned a) {
    const unsigned nd = data_columns(job);
    auto at = [&](unsigned i) { return job.columns[i]; };
    for_each_block(job.length, [&](size_t offset, size_t n) {
        Block p = load(job.columns[nd] + offset, n) ^ fold<false>(at, nd, offset, n, a, nd).p;
        store(p, job.columns[a] + offset, n);
    });
}

/// D_a from P, then Q: what Q' lacks of D_a is g^a * D_a.
void recover_data_q(const Job& job, unsigned a) {
    const unsigned nd = data_columns(job);
    auto at = [&](unsigned i) { return job.columns[i]; };
    const uint8_t factor = galois::power(a);
    for_each_block(job.length, [&](size_t offset, size_t n) {
        Parities rest = fold<true>(at, nd, offset, n, a, nd);
        Block data = load(job.columns[nd] + offset, n) ^ rest.p;
        store(data, job.columns[a] + offset, n);
        store(rest.q ^ times(factor, data), job.columns[nd + 1] + offset, n);
    });
}

/// D_a = (Q ^ Q') * g^-a, then P.
void recover_data_p(const Job& job, unsigned a) {
    const unsigned nd = data_columns(job);
    auto at = [&](unsigned i) { return job.columns[i]; };
    const uint8_t factor = galois::inverse(galois::power(a));
    for_each_block(job.length, [&](size_t offset, size_t n) {
        Parities rest = fold<true>(at, nd, offset, n, a, nd);
        Block data = times(factor, load(job.columns[nd + 1] + offset, n) ^ rest.q);
        store(data, job.columns[a] + offset, n);
        store(rest.p ^ data, job.columns[nd] + offset, n);
    });
}

/// p = P ^ P', q = Q ^ Q': D_b = p / (g^(b-a) ^ 1) ^ q / (g^a ^ g^b), D_a = D_b ^ p.
void recover_two_data(const Job& job, unsigned a, unsigned b) {
    const unsigned nd = data_columns(job);
    auto at = [&](unsigned i) { return job.columns[i]; };
    const uint8_t p_factor = galois::inverse(galois::power(b - a) ^ 1);
    const uint8_t q_factor = galois::inverse(galois::power(a) ^ galois::power(b));
    for_each_block(job.length, [&](size_t offset, size_t n) {
        Parities rest = fold<true>(at, nd, offset, n, a, b);
        Block p = load(job.columns[nd] + offset, n) ^ rest.p;
        Block q = load(job.columns[nd + 1] + offset, n) ^ rest.q;
        Block data_b = times(p_factor, p) ^ times(q_factor, q);
        store(data_b, job.columns[b] + offset, n);
        store(data_b ^ p, job.columns[a] + offset, n);
    });
}

/// Q alone: P may not be touched.
void recover_q(const Job& job) {
    const unsigned nd = data_columns(job);
    auto at = [&](unsigned i) { return job.columns[i]; };
    for_each_block(job.length, [&](size_t offset, size_t n) {
        store(fold<true>(at, nd, offset, n, nd, nd).q, job.columns[nd + 1] + offset, n);
    });
}

void recover(const Job& job, const Loss& loss) {
    switch (loss.kind) {
        case LossKind::p:
            return generate<false>(
                {.has_q = false, .columns = job.columns.first(data_columns(job) + 1), .length = job.length});
        case LossKind::q: return recover_q(job);
        case LossKind::p_q: return generate<true>(job);
        case LossKind::data: return recover_data(job, loss.a);
        case LossKind::data_p: return recover_data_p(job, loss.a);
        case LossKind::data_q: return recover_data_q(job, loss.a);
        case LossKind::data_data: return recover_two_data(job, loss.a, loss.b);
    }
}

Outcome perform(Job& job) {
    if (job.op == Op::digest || !columns_make_sense(job)) return Outcome::refused;
    switch (job.op) {
        case Op::generate: job.has_q ? generate<true>(job) : generate<false>(job); return Outcome::done;
        case Op::verify: job.has_q ? verify<true>(job) : verify<false>(job); return Outcome::done;
        case Op::recover:
            if (std::optional<Loss> loss = loss_of(job)) {
                recover(job, *loss);
                return Outcome::done;
            }
            return Outcome::refused;
        case Op::digest: return Outcome::refused;
    }
    return Outcome::refused;
}

class ScalarEngine : public Engine {
  public:
    std::string_view name() const override { return "scalar"; }
    std::unique_ptr<Buffer> allocate(size_t size) override { return plain_buffer(size); }
    void submit(Batch batch) override {
        for (Job& job : batch) job.outcome = perform(job);
    }
    void wait(Batch) override {}  // submit() did it all
};

}  // namespace

Engine& scalar_engine() {
    static ScalarEngine engine;
    return engine;
}

}  // namespace raid56::parity
