// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Jobs that can be taken, and the spans that they read.
// 2. Spans that overlap, touch, or leave a small gap within one allocation become ranges; each gets its place.
// 3. The tables: places of columns, jobs, pieces of work.
// 4. What comes back is laid out behind the jobs' numbers.
#include "offload/plan.h"

#include <algorithm>
#include <array>

#include "parity/galois.h"
#include "parity/shape.h"

namespace raid56::offload {
namespace {

using parity::Job;
using parity::Op;
using parity::Outcome;

constexpr size_t kBridge = 64 << 10;                               // gaps that are cheaper copied than left out
constexpr size_t kDigestBlock = 256;                               // what a work-group reads at once
constexpr size_t kMostBytes = size_t{UINT32_MAX} / 4 * kUnit / 2;  // places stay below kErased, numbers in 32 bits

bool is_aligned(const Job& job) {
    uintptr_t all = job.length;
    for (const uint8_t* column : job.columns) all |= reinterpret_cast<uintptr_t>(column);
    return job.length != 0 && all % kUnit == 0;
}

bool takes_digest(const Job& job) {
    if (job.columns.size() != 1 || job.blocks == 0 || job.digests == nullptr) return false;
    if (job.csum != CsumKind::crc32c && job.csum != CsumKind::xxhash64) return false;
    return job.length % job.blocks == 0 && job.length / job.blocks % kDigestBlock == 0;
}

bool takes(const Job& job) {
    if (!is_aligned(job)) return false;
    switch (job.op) {
        case Op::digest: return takes_digest(job);
        case Op::generate:
        case Op::verify: return parity::columns_make_sense(job);
        case Op::recover: return parity::columns_make_sense(job) && parity::loss_of(job).has_value();
    }
    return false;
}

// What a row job reads beside its data, and what it makes of the sums. Bytes of a factor: of Sp, then of Sq.
struct Recipe {
    uint32_t uses = 0;
    std::array<unsigned, 2> outputs = {};  // columns
    uint32_t count = 0;                    // of outputs
    uint32_t factors = 0;

    bool makes(unsigned column) const {
        return std::find(outputs.begin(), outputs.begin() + count, column) != outputs.begin() + count;
    }
};

constexpr uint32_t factor(unsigned output, uint8_t of_sp, uint8_t of_sq) {
    return (uint32_t{of_sp} | uint32_t{of_sq} << 8) << (16 * output);
}

// Sp and Sq hold nothing but the lost columns (FACTS 9): Sp = D_a ^ D_b, Sq = g^a D_a ^ g^b D_b; without P, or without
// Q, they are P', or Q', of the columns that are left.
Recipe recovery(const parity::Loss& loss, unsigned nd) {
    namespace gf = parity::galois;
    using enum parity::LossKind;
    const uint8_t ga = gf::power(loss.a);
    switch (loss.kind) {
        case p: return {0, {nd}, 1, factor(0, 1, 0)};
        case q: return {kSumQ, {nd + 1}, 1, factor(0, 0, 1)};
        case p_q: return {kSumQ, {nd, nd + 1}, 2, factor(0, 1, 0) | factor(1, 0, 1)};
        case data: return {kReadP, {loss.a}, 1, factor(0, 1, 0)};
        // D = Sq / g^a; P = P' ^ D.
        case data_p:
            return {kSumQ | kReadQ, {loss.a, nd}, 2, factor(0, 0, gf::inverse(ga)) | factor(1, 1, gf::inverse(ga))};
        // D = Sp; Q = Q' ^ g^a D.
        case data_q: return {kSumQ | kReadP, {loss.a, nd + 1}, 2, factor(0, 1, 0) | factor(1, ga, 1)};
        // D_b = Sp / (g^(b-a) ^ 1) ^ Sq / (g^a ^ g^b); D_a = D_b ^ Sp.
        case data_data: {
            const uint8_t of_sp = gf::inverse(gf::power(loss.b - loss.a) ^ 1);
            const uint8_t of_sq = gf::inverse(ga ^ gf::power(loss.b));
            return {
                kSumQ | kReadP | kReadQ, {loss.a, loss.b}, 2, factor(0, of_sp ^ 1, of_sq) | factor(1, of_sp, of_sq)};
        }
    }
    return {};
}

Recipe recipe_of(const Job& job) {
    const unsigned nd = parity::data_columns(job);
    switch (job.op) {
        case Op::generate: return recovery({job.has_q ? parity::LossKind::p_q : parity::LossKind::p, 0, 0}, nd);
        case Op::verify: return {kCompare | kReadP | (job.has_q ? kSumQ | kReadQ : 0u), {}, 0, 0};
        case Op::recover: return recovery(*parity::loss_of(job), nd);
        case Op::digest: break;
    }
    return {};
}

struct Span {
    const uint8_t* start;
    size_t length;
};

class Planner {
  public:
    Planner(parity::Batch batch, const Surroundings& around) : batch_(batch), around_(around) {}

    Plan make() {
        bool all = true;
        for (size_t i = 0; i < batch_.size(); i++) all = take(i) && all;
        if (plan_.taken.empty()) return std::move(plan_);
        // What was refused is the caller's: it may be read while the device is at work, which memory that the device
        // reads in place may not.
        find_ranges(all && around_.in_place);
        lay_out_tables();
        lay_out_results();
        return std::move(plan_);
    }

  private:
    bool take(size_t i) {
        Job& job = batch_[i];
        const Recipe recipe = takes(job) ? recipe_of(job) : Recipe{};
        if (!takes(job) || !fits(job, recipe)) {
            job.outcome = Outcome::refused;
            return false;
        }
        for (unsigned c = 0; c < job.columns.size(); c++)
            if (is_read(job, recipe, c)) spans_.push_back({job.columns[c], job.length});
        plan_.taken.push_back({.job = i});
        recipes_.push_back(recipe);
        return true;
    }

    // Counted as if jobs shared nothing.
    bool fits(const Job& job, const Recipe& recipe) {
        const size_t most = std::min(around_.most_bytes, kMostBytes);
        const size_t in = job.length * job.columns.size() + kUnit;
        const size_t out = job.length * recipe.count + job.blocks * sizeof(uint64_t) + kUnit;
        if (in > most - in_used_ || out > most - out_used_) return false;
        in_used_ += in;
        out_used_ += out;
        return true;
    }

    static bool is_read(const Job& job, const Recipe& recipe, unsigned column) {
        if (job.op == Op::digest) return true;
        const unsigned nd = parity::data_columns(job);
        if (column == nd) return (recipe.uses & kReadP) != 0;
        if (column > nd) return (recipe.uses & kReadQ) != 0;
        return !recipe.makes(column);
    }

    // The allocation that holds all of a span; nullptr where none does.
    const std::span<const uint8_t>* buffer_of(const uint8_t* start, size_t length) const {
        auto after = std::ranges::upper_bound(around_.buffers, start, std::less<>(),
                                              [](const auto& buffer) { return buffer.data(); });
        if (after == around_.buffers.begin()) return nullptr;
        const auto& buffer = *--after;
        const auto offset = static_cast<size_t>(start - buffer.data());
        return offset <= buffer.size() && length <= buffer.size() - offset ? &buffer : nullptr;
    }

    bool same_buffer(const uint8_t* start, const uint8_t* end) const {
        return buffer_of(start, static_cast<size_t>(end - start)) != nullptr;
    }

    void find_ranges(bool may_be_in_place) {
        std::ranges::sort(spans_, std::less<>(), &Span::start);
        for (const Span& span : spans_) {
            const uint8_t* end = span.start + span.length;
            if (!plan_.ranges.empty()) {
                Range& last = plan_.ranges.back();
                const uint8_t* last_end = last.start + last.bytes();
                const bool joins =
                    span.start <= last_end || (span.start <= last_end + kBridge && same_buffer(last.start, end));
                if (joins) {
                    if (end > last_end) last.units = static_cast<uint32_t>((end - last.start) / kUnit);
                    continue;
                }
            }
            plan_.ranges.push_back({span.start, static_cast<uint32_t>(span.length / kUnit), 0});
        }
        const Range& last = plan_.ranges.back();
        const uint8_t* start = plan_.ranges.front().start;
        const auto* whole = buffer_of(start, static_cast<size_t>(last.start + last.bytes() - start));
        if (may_be_in_place && whole != nullptr) plan_.base = whole->data();
        uint32_t place = 0;
        for (Range& range : plan_.ranges) {
            range.place = plan_.base != nullptr ? static_cast<uint32_t>((range.start - plan_.base) / kUnit) : place;
            place += range.units;
        }
        if (plan_.base == nullptr) plan_.in_bytes = size_t{place} * kUnit;
    }

    uint32_t place_of(const uint8_t* column) const {
        const auto after = std::ranges::upper_bound(plan_.ranges, column, std::less<>(), &Range::start);
        const Range& range = *(after - 1);
        return range.place + static_cast<uint32_t>((column - range.start) / kUnit);
    }

    uint32_t here() const { return static_cast<uint32_t>(plan_.table.size()); }
    void put(std::initializer_list<uint32_t> numbers) { plan_.table.insert(plan_.table.end(), numbers); }

    void lay_out_tables() {
        plan_.table.assign(kNonceNumbers, 0);
        plan_.range_table = here();
        for (const Range& range : plan_.ranges) put({range.place, range.units});

        // `out` begins with the head and the jobs' numbers; samples next, all of it in whole units.
        const auto jobs = static_cast<uint32_t>(plan_.taken.size());
        plan_.zero_numbers = kNonceNumbers + 2 * jobs;
        plan_.samples = (plan_.zero_numbers + 3) / 4 * 4;
        out_ = plan_.samples + static_cast<uint32_t>(plan_.ranges.size()) * 8;

        for (uint32_t n = 0; n < jobs; n++) {
            const Job& job = batch_[plan_.taken[n].job];
            job.op == Op::digest ? add_digest(n, job) : add_row(n, job);
        }
        plan_.row_pieces = here();
        for (const RowPiece& it : rows_) put({it.job, it.number, it.from, it.count});
        plan_.crc_pieces = here();
        for (const DigestPiece& it : crcs_) put({it.number, it.place, it.units, it.blocks, it.digests});
        plan_.xxh_pieces = here();
        for (const DigestPiece& it : xxhs_) put({it.number, it.place, it.units, it.blocks, it.digests});
        plan_.row_count = static_cast<uint32_t>(rows_.size());
        plan_.crc_count = static_cast<uint32_t>(crcs_.size());
        plan_.xxh_count = static_cast<uint32_t>(xxhs_.size());
    }

    void add_row(uint32_t number, const Job& job) {
        const Recipe& recipe = recipes_[number];
        Taken& taken = plan_.taken[number];
        RowJob row;
        row.columns = here();
        row.data = parity::data_columns(job);
        row.uses = recipe.uses;
        row.outputs = recipe.count;
        row.factors = recipe.factors;
        for (unsigned c = 0; c < job.columns.size(); c++)
            put({is_read(job, recipe, c) ? place_of(job.columns[c]) : kErased});
        taken.first_output = static_cast<uint32_t>(plan_.outputs.size());
        taken.outputs = row.outputs;
        for (unsigned o = 0; o < recipe.count; o++)
            plan_.outputs.push_back({job.columns[recipe.outputs[o]], job.length, 0});

        const uint32_t at = here();
        put({row.columns, row.data, row.uses, row.outputs, row.factors, 0, 0});
        row_at_.push_back({at, number});
        const auto units = static_cast<uint32_t>(job.length / kUnit);
        for (uint32_t from = 0; from < units; from += around_.piece_units) {
            rows_.push_back({at, number, from, std::min(around_.piece_units, units - from)});
            taken.groups++;
        }
    }

    void add_digest(uint32_t number, const Job& job) {
        Taken& taken = plan_.taken[number];
        const auto units = static_cast<uint32_t>(job.length / job.blocks / kUnit);
        const bool crc = job.csum == CsumKind::crc32c;
        const uint32_t each = crc ? 1 : 2;  // numbers
        const auto blocks = static_cast<uint32_t>(job.blocks);
        const uint32_t at_once = crc ? 1 : kXxhBlocks;
        taken.digests = out_;
        taken.digest_bytes = blocks * each * 4;
        const uint32_t place = place_of(job.columns[0]);
        for (uint32_t block = 0; block < blocks; block += at_once) {
            (crc ? crcs_ : xxhs_)
                .push_back(
                    {number, place + block * units, units, std::min(at_once, blocks - block), out_ + block * each});
            taken.groups++;
        }
        out_ += blocks * each;
    }

    void lay_out_results() {
        out_ = (out_ + 3) / 4 * 4;
        for (const auto& [at, number] : row_at_) {
            const Taken& taken = plan_.taken[number];
            for (uint32_t o = 0; o < taken.outputs; o++) {
                Output& output = plan_.outputs[taken.first_output + o];
                output.place = out_ / 4;
                plan_.table[at + 5 + o] = output.place;
                out_ += static_cast<uint32_t>(output.bytes / 4);
            }
        }
        plan_.tail = out_;
    }

    parity::Batch batch_;
    const Surroundings& around_;
    Plan plan_;
    std::vector<Recipe> recipes_;  // of taken jobs
    std::vector<Span> spans_;
    std::vector<RowPiece> rows_;
    std::vector<DigestPiece> crcs_, xxhs_;
    std::vector<std::pair<uint32_t, uint32_t>> row_at_;  // of row jobs: index in the table, number
    size_t in_used_ = 0, out_used_ = 0;
    uint32_t out_ = 0;  // numbers laid out so far
};

}  // namespace

Plan make_plan(parity::Batch batch, const Surroundings& surroundings) { return Planner(batch, surroundings).make(); }

}  // namespace raid56::offload
