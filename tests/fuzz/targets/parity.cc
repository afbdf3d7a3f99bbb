// SPDX-License-Identifier: GPL-2.0-or-later
// Every parity engine against the scalar one, in every byte that a job writes and every word that it answers.
//
// Input: jobs, at most four: flags (bits 0-1 the operation; bit 2: Q; bit 3: columns not aligned), columns (1), length
// (2, in units of the third byte's low three bits: 1, 2, 4 .. 64 bytes, times 1), erased (2), seed (1), patches (count;
// column, offset 2, byte).
#include <cstring>
#include <memory>

#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "parity/engine.h"
#include "parity/isal_engine.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr size_t kMostBytes = 1 << 13;
constexpr size_t kAlign = 64;

// The columns of one job, in memory of their own: what lies around them stays as it is.
struct Columns {
    std::vector<uint8_t> memory;
    std::vector<uint8_t*> at;
    size_t length = 0;

    Columns(size_t count, size_t length_, size_t shift) : length(length_) {
        const size_t stride = (length + kAlign) / kAlign * kAlign + kAlign;
        memory.resize(count * stride + 2 * kAlign, 0xa5);
        const size_t skip = kAlign - reinterpret_cast<uintptr_t>(memory.data()) % kAlign;
        for (size_t i = 0; i < count; i++) at.push_back(memory.data() + skip + i * stride + shift);
    }
    /// The same bytes elsewhere, aligned alike.
    Columns(const Columns& other) : Columns(other.at.size(), other.length, other.shift()) {
        for (size_t i = 0; i < at.size(); i++)
            if (length > 0) std::memcpy(at[i], other.at[i], length);
    }
    Columns& operator=(const Columns&) = delete;
    size_t shift() const { return at.empty() ? 0 : reinterpret_cast<uintptr_t>(at[0]) % kAlign; }
};

struct Description {
    parity::Job job;
    size_t columns = 0, length = 0, shift = 0;
    uint8_t seed = 0;
    struct Patch {
        uint8_t column, byte;
        uint16_t offset;
    };
    std::vector<Patch> patches;
};

Description describe(Input& input) {
    Description d;
    const uint8_t flags = input.u8();
    d.job.op = static_cast<parity::Op>(flags & 3);
    d.job.has_q = (flags & 4) != 0;
    d.shift = (flags & 8) != 0 ? 1 : 0;
    d.columns = input.u8();
    const uint16_t units = input.u16();
    d.length = size_t{units} << (input.u8() % 7);
    d.length = std::min(d.length, kMostBytes / std::max<size_t>(d.columns, 1));
    if ((flags & 16) != 0) d.length = d.length / kAlign * kAlign;
    d.job.erased = {input.u8(), input.u8()};
    d.seed = input.u8();
    for (unsigned count = input.u8() % 8; count > 0; count--) {
        Description::Patch patch{};
        patch.column = input.u8();
        patch.offset = input.u16();
        patch.byte = input.u8();
        d.patches.push_back(patch);
    }
    return d;
}

// The same columns for each engine: half of the time with a parity that fits, so that `verify` says so.
Columns make(const Description& d) {
    Columns columns(d.columns, d.length, d.shift);
    uint64_t state = d.seed + 1;
    for (uint8_t* column : columns.at)
        for (size_t i = 0; i < d.length; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            column[i] = static_cast<uint8_t>(state >> 56);
        }
    if ((d.seed & 1) != 0) {
        parity::Job job = d.job;
        job.op = parity::Op::generate;
        job.columns = columns.at;
        job.length = d.length;
        parity::run(parity::scalar_engine(), {&job, 1});
    }
    for (const auto& patch : d.patches)
        if (patch.column < d.columns && patch.offset < d.length) columns.at[patch.column][patch.offset] = patch.byte;
    return columns;
}

struct Answers {
    std::vector<Columns> columns;
    std::vector<parity::Job> jobs;
};

Answers ask(parity::Engine& engine, const std::vector<Description>& all, const std::vector<Columns>& columns) {
    Answers answers;
    for (size_t i = 0; i < all.size(); i++) {
        answers.columns.push_back(columns[i]);
        answers.jobs.push_back(all[i].job);
    }
    for (size_t i = 0; i < all.size(); i++) {
        answers.jobs[i].columns = answers.columns[i].at;
        answers.jobs[i].length = all[i].length;
    }
    parity::run(engine, answers.jobs);
    return answers;
}

// In every column and every answer.
bool same(const Answers& a, const Answers& b, size_t job) {
    for (size_t c = 0; c < a.columns[job].at.size(); c++)
        if (std::memcmp(a.columns[job].at[c], b.columns[job].at[c], a.columns[job].length) != 0) return false;
    return a.jobs[job].outcome == b.jobs[job].outcome && a.jobs[job].p_differs == b.jobs[job].p_differs &&
           a.jobs[job].q_differs == b.jobs[job].q_differs;
}

bool guards_hold(const Columns& columns) {
    for (const uint8_t* column : columns.at)
        if (column[columns.length] != 0xa5) return false;
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto together = parity::make_isal_engine(parity::IsalVerify::together);
    static const auto apart = parity::make_isal_engine(parity::IsalVerify::apart);
    Input input(data, size);
    std::vector<Description> all;
    while (!input.empty() && all.size() < 4) all.push_back(describe(input));

    std::vector<Columns> columns;
    for (const auto& d : all) columns.push_back(make(d));
    const Answers oracle = ask(parity::scalar_engine(), all, columns);
    const auto compare = [&](parity::Engine& engine) {
        const Answers answers = ask(engine, all, columns);
        for (size_t i = 0; i < all.size(); i++) {
            FUZZ_EXPECT(same(answers, oracle, i));
            FUZZ_EXPECT(guards_hold(answers.columns[i]));
        }
    };
    for (parity::Engine* engine : parity::engines())
        if (engine != &parity::scalar_engine()) compare(*engine);
    compare(*together);
    compare(*apart);
    for (const auto& written : oracle.columns) FUZZ_EXPECT(guards_hold(written));
    return 0;
}
