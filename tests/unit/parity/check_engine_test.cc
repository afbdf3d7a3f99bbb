// SPDX-License-Identifier: GPL-2.0-or-later
// check_engine() over engines that lie, each in one way: every lie must be found.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "parity/engine.h"

namespace raid56::parity {
namespace {

/// The scalar engine, with something done to each job after it, or to the batch.
class LyingEngine : public Engine {
  public:
    using Lie = std::function<void(Job&)>;
    explicit LyingEngine(Lie lie) : lie_(std::move(lie)) {}

    std::string_view name() const override { return "liar"; }
    std::unique_ptr<Buffer> allocate(size_t size) override { return scalar_engine().allocate(size); }
    void submit(Batch batch) override { scalar_engine().submit(batch); }
    void wait(Batch batch) override {
        for (Job& job : batch) lie_(job);
    }

  private:
    Lie lie_;
};

size_t data_of(const Job& job) { return job.columns.size() - (job.has_q ? 2 : 1); }

void expect_caught(const LyingEngine::Lie& lie, const std::string& part_of_message) {
    LyingEngine liar(lie);
    Result<void> result = check_engine(liar);
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find(part_of_message), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find("parity engine liar"), std::string::npos) << result.error().message;
}

TEST(CheckEngineTest, AnHonestEnginePasses) {
    LyingEngine honest([](Job&) {});
    EXPECT_TRUE(check_engine(honest).ok());
}

TEST(CheckEngineTest, AnEngineThatRefusesPasses) {
    class Idle : public Engine {
        std::string_view name() const override { return "idle"; }
        std::unique_ptr<Buffer> allocate(size_t size) override { return scalar_engine().allocate(size); }
        void submit(Batch batch) override {
            for (Job& job : batch) job.outcome = Outcome::refused;
        }
        void wait(Batch) override {}
    } idle;
    EXPECT_TRUE(check_engine(idle).ok());
}

TEST(CheckEngineTest, SaysThatAllIsWell) {
    expect_caught([](Job& job) { job.p_differs = false; }, "wrong about P");
    expect_caught([](Job& job) { job.q_differs = false; }, "wrong about Q");
}

TEST(CheckEngineTest, SaysThatNothingIsWell) {
    expect_caught([](Job& job) { job.p_differs = job.op == Op::verify; }, "wrong about P");
    expect_caught([](Job& job) { job.q_differs = job.op == Op::verify && job.has_q; }, "wrong about Q");
}

TEST(CheckEngineTest, CannotTellPFromQ) {
    expect_caught([](Job& job) { std::swap(job.p_differs, job.q_differs); }, "wrong about");
    expect_caught([](Job& job) { job.p_differs = job.q_differs = job.p_differs || job.q_differs; }, "wrong about");
}

TEST(CheckEngineTest, GivesEveryJobTheResultOfTheLast) {
    class LastOnly : public Engine {
        std::string_view name() const override { return "last"; }
        std::unique_ptr<Buffer> allocate(size_t size) override { return scalar_engine().allocate(size); }
        void submit(Batch batch) override {
            scalar_engine().submit(batch);
            for (Job& job : batch) {
                job.p_differs = batch.back().p_differs;
                job.q_differs = batch.back().q_differs;
            }
        }
        void wait(Batch) override {}
    } last_only;
    EXPECT_FALSE(check_engine(last_only).ok());
}

TEST(CheckEngineTest, OverlooksTheLastByte) {
    expect_caught(
        [](Job& job) {
            if (job.op != Op::verify || job.length < 2) return;
            job.length--;
            scalar_engine().submit({&job, 1});
            job.length++;
        },
        "wrong about");
}

TEST(CheckEngineTest, GetsOneByteWrong) {
    struct Case {
        Op op;
        const char* message;
    };
    for (const Case& it : {Case{Op::generate, "generate"}, Case{Op::recover, "recover of columns"}}) {
        expect_caught(
            [&](Job& job) {
                if (job.op != it.op) return;
                const size_t column = it.op == Op::generate ? data_of(job) : job.erased[0];
                job.columns[column][job.length - 1] ^= 1;
            },
            it.message);
    }
}

TEST(CheckEngineTest, GetsOneErasureSetWrong) {
    for (std::array<uint8_t, 2> set : {std::array<uint8_t, 2>{0, 1},
                                       {1, 3},
                                       {2, 4},
                                       {2, 5},
                                       {4, 5},
                                       {4, kNoColumn},
                                       {5, kNoColumn},
                                       {0, kNoColumn}}) {
        expect_caught(
            [&](Job& job) {
                if (job.op != Op::recover || !job.has_q || data_of(job) != 4 || job.erased != set) return;
                job.columns[set[1] == kNoColumn ? set[0] : set[1]][job.length / 2] ^= 0x80;
            },
            "recover of columns " + std::to_string(set[0]));
    }
}

TEST(CheckEngineTest, DoesNothingAndSaysDone) {
    class Lazy : public Engine {
        std::string_view name() const override { return "lazy"; }
        std::unique_ptr<Buffer> allocate(size_t size) override { return scalar_engine().allocate(size); }
        void submit(Batch batch) override {
            for (Job& job : batch) job.outcome = Outcome::done;
        }
        void wait(Batch) override {}
    } lazy;
    EXPECT_FALSE(check_engine(lazy).ok());
}

TEST(CheckEngineTest, WritesWhereItShouldNot) {
    expect_caught(
        [](Job& job) {
            if (job.op == Op::verify) job.columns[0][0] ^= 1;
        },
        "");
    expect_caught(
        [](Job& job) {
            if (job.op == Op::verify) job.columns[0][job.length] = 0;
        },
        "wrote outside its output");
    expect_caught(
        [](Job& job) {
            if (job.op == Op::recover) job.columns[job.erased[0]][job.length] = 0;
        },
        "wrote past the end");
    expect_caught(
        [](Job& job) {
            if (job.op == Op::recover && job.has_q && job.erased[1] == kNoColumn && job.erased[0] == 0) {
                job.columns.back()[1] ^= 1;  // Q, which such a recovery must leave alone
            }
        },
        "");
    expect_caught(
        [](Job& job) {
            if (job.op == Op::recover && data_of(job) > 1) job.outcome = Outcome::refused;  // and yet it wrote
        },
        "refused and yet wrote");
}

TEST(CheckEngineTest, FailsOrNeverEnds) {
    expect_caught(
        [](Job& job) {
            if (job.op == Op::recover) job.outcome = Outcome::failed;
        },
        "failed");
    expect_caught(
        [](Job& job) {
            if (job.op == Op::verify) job.outcome = Outcome::pending;
        },
        "still pending");
}

TEST(CheckEngineTest, ComputesInAnotherField) {
    class OtherField : public Engine {  // polynomial 0x11b, that of AES: consistent, and wrong
        std::string_view name() const override { return "other"; }
        std::unique_ptr<Buffer> allocate(size_t size) override { return scalar_engine().allocate(size); }
        void submit(Batch batch) override {
            scalar_engine().submit(batch);
            for (Job& job : batch) {
                if (job.op != Op::generate || !job.has_q) continue;
                const size_t nd = job.columns.size() - 2;
                for (size_t k = 0; k < job.length; k++) {
                    unsigned q = 0;
                    for (size_t i = nd; i-- > 0;) {
                        q = (q << 1) ^ ((q & 0x80) ? 0x11b : 0);
                        q ^= job.columns[i][k];
                    }
                    job.columns[nd + 1][k] = static_cast<uint8_t>(q);
                }
            }
        }
        void wait(Batch) override {}
    } other;
    Result<void> result = check_engine(other);
    EXPECT_FALSE(result.ok());
}

}  // namespace
}  // namespace raid56::parity
