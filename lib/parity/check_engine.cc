// SPDX-License-Identifier: GPL-2.0-or-later
// For each shape:
// 1. Lay out a row of noise with the scalar engine's parities, in the engine's own memory.
// 2. One batch of every op: generate, each recovery into scratch filled with junk, verify of the row as
//    it is and with one or two columns altered. Its jobs have different answers on purpose.
// 3. Every job must be done right or refused; no byte may change but the ones asked for.
// What is expected is known from how the row was made, not asked of a second engine.
#include <algorithm>
#include <string>
#include <vector>

#include "parity/engine.h"
#include "parity/galois.h"
#include "parity/shape.h"

namespace raid56::parity {
namespace {

constexpr size_t kPage = 4096;  // columns start at multiples of this, with at least one byte of guard behind
constexpr uint8_t kJunk = 0xa5;
constexpr uint8_t kAlteration = 0x40;

struct RowShape {
    unsigned nd;
    bool has_q;
    size_t length;
};

constexpr RowShape kShapes[] = {
    {1, false, 4096},  {2, false, 4096}, {3, false, 4096}, {4, false, 12288}, {9, false, 512},
    {30, false, 4096}, {1, true, 4096},  {2, true, 4096},  {3, true, 4096},   {4, true, 12288},
    {5, true, 8192},   {9, true, 512},   {30, true, 4096}, {253, true, 512},  {254, false, 512},
};

/// Columns to lose or to alter: all of a narrow row, the ends and the middle of a wide one.
std::vector<unsigned> chosen_columns(unsigned nd, unsigned columns) {
    std::vector<unsigned> chosen;
    for (unsigned i = 0; i < columns; i++) {
        if (nd <= 5 || i < 2 || i == nd / 2 || i + 2 >= nd) chosen.push_back(i);
    }
    return chosen;
}

class Trial {
  public:
    Trial(Engine& engine, const RowShape& shape)
        : engine_(engine),
          shape_(shape),
          columns_(shape.nd + (shape.has_q ? 2 : 1)),
          stride_((shape.length + kPage) / kPage * kPage) {
        plan();
    }

    Result<void> perform() {
        lay_out();
        engine_.submit(jobs_);
        engine_.wait(jobs_);
        for (size_t i = 0; i < jobs_.size(); i++) {
            if (Result<void> result = judge(i); !result) return result;
        }
        for (size_t i = 0; i < is_output_.size(); i++) {
            const auto found = memory_.subspan(i * stride_, stride_);
            if (!is_output_[i] && !std::ranges::equal(found, std::span(original_).subspan(i * stride_, stride_)))
                return wrong("a batch", "wrote outside its output");
        }
        return {};
    }

  private:
    struct Case {
        Op op;
        std::vector<unsigned> subject;  // recover, generate: columns made anew; verify: altered columns
        size_t place = 0;               // verify: the byte that is altered
        bool p_differs = false, q_differs = false;
        std::vector<size_t> slots;  // of each column of subject
        std::vector<uint8_t*> pointers;
    };

    /// Every case; each column that it makes or alters has a slot of its own behind those of the row.
    void plan() {
        const unsigned p = shape_.nd, q = shape_.nd + 1;
        const std::vector<unsigned> chosen = chosen_columns(shape_.nd, columns_);
        add(Op::verify, {});
        add(Op::generate, shape_.has_q ? std::vector{p, q} : std::vector{p});
        for (unsigned a : chosen) {
            add(Op::verify, {a}, 0);
            add(Op::verify, {a}, shape_.length - 1);
            add(Op::verify, {a}, wander());
            add(Op::recover, {a});
            for (unsigned b : chosen) {
                if (!shape_.has_q || b <= a) continue;
                add(Op::verify, {a, b}, wander());  // two altered alike: in two data columns P still holds
                add(Op::recover, {a, b});
            }
        }
        add(Op::verify, {});
    }

    /// Places all over the column, one after the other.
    size_t wander() { return place_ = (place_ + 7 * shape_.length / 9) % shape_.length; }

    void add(Op op, std::vector<unsigned> subject, size_t place = 0) {
        Case it{.op = op, .subject = std::move(subject), .place = place, .slots = {}, .pointers = {}};
        uint8_t sp = 0, sq = 0;  // what kAlteration in each altered column does to the syndromes
        for (unsigned column : it.subject) {
            if (column != shape_.nd + 1) sp ^= kAlteration;
            if (column < shape_.nd) sq ^= galois::multiply(galois::power(column), kAlteration);
            if (column == shape_.nd + 1) sq ^= kAlteration;
            it.slots.push_back(slots_++);
        }
        it.p_differs = sp != 0;
        it.q_differs = shape_.has_q && sq != 0;
        cases_.push_back(std::move(it));
    }

    std::span<uint8_t> slot(size_t i) { return memory_.subspan(i * stride_, shape_.length); }

    void lay_out() {
        buffer_ = engine_.allocate((columns_ + slots_) * stride_);
        memory_ = buffer_->bytes().first((columns_ + slots_) * stride_);
        is_output_.assign(columns_ + slots_, false);
        std::ranges::fill(memory_, kJunk);

        std::vector<uint8_t*> row;
        for (unsigned c = 0; c < columns_; c++) {
            row.push_back(slot(c).data());
            if (c < shape_.nd) fill_with_noise(slot(c));
        }
        Job generate{.op = Op::generate, .has_q = shape_.has_q, .columns = row, .length = shape_.length};
        scalar_engine().submit({&generate, 1});
        scalar_engine().wait({&generate, 1});

        for (Case& it : cases_) {
            it.pointers = row;
            for (size_t i = 0; i < it.subject.size(); i++) {
                const size_t own = columns_ + it.slots[i];
                it.pointers[it.subject[i]] = slot(own).data();
                if (it.op == Op::verify) {
                    std::ranges::copy(slot(it.subject[i]), slot(own).begin());
                    slot(own)[it.place] ^= kAlteration;
                } else {
                    is_output_[own] = true;
                }
            }
        }
        for (Case& it : cases_) {
            Job job{.op = it.op, .has_q = shape_.has_q, .columns = it.pointers, .length = shape_.length};
            if (it.op == Op::recover) {
                for (size_t i = 0; i < it.subject.size(); i++) job.erased[i] = static_cast<uint8_t>(it.subject[i]);
            }
            jobs_.push_back(job);
        }
        original_.assign(memory_.begin(), memory_.end());
    }

    void fill_with_noise(std::span<uint8_t> bytes) {
        for (uint8_t& byte : bytes) {
            noise_ = noise_ * 6364136223846793005 + 1442695040888963407;
            byte = static_cast<uint8_t>(noise_ >> 56);
        }
    }

    Result<void> judge(size_t i) {
        const Case& it = cases_[i];
        const Job& job = jobs_[i];
        switch (job.outcome) {
            case Outcome::refused: return untouched(it);
            case Outcome::pending: return wrong(describe(it), "is still pending after the wait");
            case Outcome::failed: return wrong(describe(it), "failed");
            case Outcome::done: break;
        }
        if (it.op == Op::verify) {
            if (job.p_differs != it.p_differs) return wrong(describe(it), "is wrong about P");
            if (job.q_differs != it.q_differs) return wrong(describe(it), "is wrong about Q");
            return {};
        }
        for (size_t s = 0; s < it.subject.size(); s++) {
            const std::span<uint8_t> made = slot(columns_ + it.slots[s]);
            if (!std::ranges::equal(made, slot(it.subject[s]))) {
                return wrong(describe(it), "made column " + std::to_string(it.subject[s]) + " wrong");
            }
            const std::span<uint8_t> guard =
                memory_.subspan((columns_ + it.slots[s]) * stride_ + shape_.length, stride_ - shape_.length);
            if (std::ranges::any_of(guard, [](uint8_t byte) { return byte != kJunk; })) {
                return wrong(describe(it), "wrote past the end of column " + std::to_string(it.subject[s]));
            }
        }
        return {};
    }

    Result<void> untouched(const Case& it) {
        for (size_t own : it.slots) {
            const size_t from = (columns_ + own) * stride_;
            if (!std::equal(memory_.begin() + static_cast<std::ptrdiff_t>(from),
                            memory_.begin() + static_cast<std::ptrdiff_t>(from + stride_),
                            original_.begin() + static_cast<std::ptrdiff_t>(from))) {
                return wrong(describe(it), "was refused and yet wrote");
            }
        }
        return {};
    }

    static std::string describe(const Case& it) {
        std::string text;
        switch (it.op) {
            case Op::generate: return "generate";
            case Op::verify: text = it.subject.empty() ? "verify of a good row" : "verify with altered columns"; break;
            case Op::recover: text = "recover of columns"; break;
            case Op::digest: text = "digest"; break;
        }
        for (unsigned column : it.subject) text += " " + std::to_string(column);
        return text;
    }

    Error wrong(const std::string& which, const std::string& what) const {
        return {"parity engine " + std::string(engine_.name()) + ": " + which + " " + what + ", " +
                std::to_string(shape_.nd) + " data columns, " + (shape_.has_q ? "P and Q" : "P") + ", " +
                std::to_string(shape_.length) + " bytes each"};
    }

    Engine& engine_;
    const RowShape shape_;
    const unsigned columns_;
    const size_t stride_;
    std::vector<Case> cases_;
    size_t slots_ = 0;
    std::unique_ptr<Buffer> buffer_;
    std::span<uint8_t> memory_;      // the row's columns, then the slots of the cases
    std::vector<uint8_t> original_;  // memory_ before the batch
    std::vector<bool> is_output_;    // slots that a job may write
    std::vector<Job> jobs_;
    size_t place_ = 0;
    uint64_t noise_ = 56;
};

/// The worked example of FACTS 9, D = 1, 2, 4: P = 7, Q = 0x15. It also holds the oracle to account.
Result<void> check_example(Engine& engine) {
    constexpr size_t kLength = 512;
    constexpr std::array<uint8_t, 5> kBytes = {0x01, 0x02, 0x04, 0x07, 0x15};
    const std::unique_ptr<Buffer> buffer = engine.allocate(kBytes.size() * kPage);
    std::vector<uint8_t*> columns;
    for (size_t i = 0; i < kBytes.size(); i++) {
        columns.push_back(buffer->bytes().data() + i * kPage);
        std::fill_n(columns[i], kLength, i < 3 ? kBytes[i] : kJunk);
    }
    Job job{.op = Op::generate, .has_q = true, .columns = columns, .length = kLength};
    engine.submit({&job, 1});
    engine.wait({&job, 1});
    if (job.outcome == Outcome::refused) return {};
    for (size_t i = 0; i < kBytes.size(); i++) {
        const bool right = std::all_of(columns[i], columns[i] + kLength, [&](uint8_t b) { return b == kBytes[i]; });
        if (job.outcome != Outcome::done || !right) {
            return Error{"parity engine " + std::string(engine.name()) + ": generate of the example 1, 2, 4 is wrong"};
        }
    }
    return {};
}

}  // namespace

Result<void> check_engine(Engine& engine) {
    if (Result<void> result = check_example(engine); !result) return result;
    for (const RowShape& shape : kShapes) {
        Trial trial(engine, shape);
        if (Result<void> result = trial.perform(); !result) return result;
    }
    return {};
}

}  // namespace raid56::parity
