// SPDX-License-Identifier: GPL-2.0-or-later
// One suite over all engines: every op, all widths, all erasure sets, against the definition in row.h. Whoever includes
// it instantiates it with Candidates of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "parity/engine.h"
#include "row.h"

namespace raid56::parity {

using test::Bytes;
using test::Row;

struct Candidate {
    const char* name;
    Engine* (*get)();     // nullptr: not to be had on this machine
    unsigned least_data;  // narrower rows are left to software
};

class EngineTest : public ::testing::TestWithParam<Candidate> {
  protected:
    void SetUp() override {
        const bool there = GetParam().get() != nullptr;
        ASSERT_FALSE(HasFailure());
        if (!there) GTEST_SKIP() << "there is no such engine here";
    }
    Engine& engine() { return *GetParam().get(); }
    size_t jobs_for_software(unsigned nd, size_t jobs) { return nd < GetParam().least_data ? jobs : 0; }

    Job job(Op op, const Row& row, const std::vector<uint8_t*>& columns) {
        return {.op = op, .has_q = row.has_q(), .columns = columns, .length = row.length()};
    }

    /// Loses `erased` of the row, in scratch full of junk, and wants them back.
    void recover(Row& row, std::vector<unsigned> erased, size_t in_software) {
        std::vector<Bytes> scratch(erased.size(), Bytes(row.length()));
        std::vector<uint8_t*> columns = row.pointers();
        const Row before = row;
        Job it = job(Op::recover, row, columns);
        for (size_t i = 0; i < erased.size(); i++) {
            scratch[i].fill(0x5a);
            columns[erased[i]] = scratch[i].data();
            it.erased[i] = static_cast<uint8_t>(erased[i]);
        }
        EXPECT_EQ(run(engine(), {&it, 1}), in_software);
        ASSERT_EQ(it.outcome, Outcome::done);
        for (size_t i = 0; i < erased.size(); i++) {
            ASSERT_TRUE(scratch[i] == row[erased[i]]) << row.nd() << " data, " << row.length() << " bytes, column "
                                                      << erased[i] << " of " << ::testing::PrintToString(erased);
        }
        ASSERT_TRUE(row == before) << "wrote to a column that was not erased";
    }

    void all_erasures(Row& row, size_t in_software) {
        for (unsigned a = 0; a < row.count(); a++) {
            recover(row, {a}, in_software);
            if (HasFatalFailure()) return;
            for (unsigned b = 0; row.has_q() && b < row.count(); b++) {
                if (a != b && (a < b || row.nd() <= 3)) recover(row, {a, b}, in_software);
                if (HasFatalFailure()) return;
            }
        }
    }

    void generate(Row& row, size_t in_software) {
        const Row before = row;
        row.p().fill(0x5a);
        if (row.has_q()) row.q().fill(0x5a);
        const std::vector<uint8_t*> columns = row.pointers();
        Job it = job(Op::generate, row, columns);
        EXPECT_EQ(run(engine(), {&it, 1}), in_software);
        EXPECT_EQ(it.outcome, Outcome::done);
        ASSERT_TRUE(row == before) << row.nd() << " data, " << row.length() << " bytes";
    }

    void expect_verify(Row& row, bool p, bool q, size_t in_software) {
        const Row before = row;
        const std::vector<uint8_t*> columns = row.pointers();
        Job it = job(Op::verify, row, columns);
        it.p_differs = it.q_differs = true;  // left over from something else
        EXPECT_EQ(run(engine(), {&it, 1}), in_software);
        EXPECT_EQ(it.outcome, Outcome::done);
        ASSERT_EQ(it.p_differs, p) << row.nd() << " data, " << row.length() << " bytes";
        ASSERT_EQ(it.q_differs, q && row.has_q()) << row.nd() << " data, " << row.length() << " bytes";
        ASSERT_TRUE(row == before) << "verify wrote";
    }

    void verify(Row& row, size_t in_software) {
        expect_verify(row, false, false, in_software);
        for (size_t place : {size_t{0}, size_t{63}, row.length() / 2 + 1, row.length() - 1}) {
            for (unsigned c = 0; c < row.count(); c++) {
                row[c][place] ^= 0x80;
                expect_verify(row, c <= row.nd(), c != row.nd(), in_software);
                row[c][place] ^= 0x80;
                if (HasFatalFailure()) return;
            }
            row.p()[place] ^= 1;
            row[row.count() - 1][row.length() - 1 - place] ^= 2;
            expect_verify(row, true, true, in_software);
            row.p()[place] ^= 1;
            row[row.count() - 1][row.length() - 1 - place] ^= 2;
            if (row.nd() > 1) {  // P holds where two data columns changed alike
                row[0][place] ^= 4;
                row[1][place] ^= 4;
                expect_verify(row, false, true, in_software);
                row[0][place] ^= 4;
                row[1][place] ^= 4;
            }
            if (HasFatalFailure()) return;
        }
    }
};

TEST_P(EngineTest, EveryWidth) {
    for (bool has_q : {false, true}) {
        for (unsigned nd = 1; nd <= 30; nd++) {
            for (size_t length : {512, 4096, 65536}) {
                if (length == 65536 && nd > 4 && nd != 10) continue;
                Row row(nd, has_q, length, nd * 1000 + length);
                const size_t in_software = jobs_for_software(nd, 1);
                generate(row, in_software);
                verify(row, in_software);
                if (length < 65536 || nd <= 4) all_erasures(row, in_software);
                if (HasFatalFailure()) return;
            }
        }
    }
}

TEST_P(EngineTest, TheWidest) {
    for (bool has_q : {false, true}) {
        const unsigned nd = has_q ? 253 : 254;
        Row row(nd, has_q, 4096);
        generate(row, 0);
        expect_verify(row, false, false, 0);
        for (unsigned a : {0u, 1u, 127u, nd - 1, nd, nd + 1}) {
            if (a >= row.count()) continue;
            row[a][100] ^= 0x10;
            expect_verify(row, a <= nd, a != nd, 0);
            row[a][100] ^= 0x10;
            recover(row, {a}, 0);
            for (unsigned b : {2u, 128u, 251u, 252u, nd, nd + 1}) {
                if (has_q && a != b) recover(row, {a, b}, 0);
            }
        }
    }
}

TEST_P(EngineTest, OddLengthsAndAddressesAreDoneBySomebody) {
    for (bool has_q : {false, true}) {
        for (size_t length : {1, 7, 63, 64, 65, 100, 1000, 4095, 4097, 4160}) {
            Row row(5, has_q, length);
            std::vector<uint8_t*> columns = row.pointers();
            Job it = job(Op::verify, row, columns);
            run(engine(), {&it, 1});
            EXPECT_FALSE(it.p_differs || it.q_differs) << length;
            row[3][length - 1] ^= 1;
            run(engine(), {&it, 1});
            EXPECT_TRUE(it.p_differs);
            EXPECT_EQ(it.q_differs, has_q);
            row[3][length - 1] ^= 1;

            const Bytes wanted = row[3];
            it.op = Op::recover;
            it.erased = {3, kNoColumn};
            row[3].fill(0);
            run(engine(), {&it, 1});
            EXPECT_TRUE(row[3] == wanted);
        }
        for (size_t shift : {1, 8, 16, 32}) {
            Row row(4, has_q, 4096);
            std::vector<uint8_t*> columns = row.pointers();
            for (uint8_t*& column : columns) column += shift;
            Job it = job(Op::verify, row, columns);
            it.length = 2048;
            run(engine(), {&it, 1});
            EXPECT_EQ(it.outcome, Outcome::done);
            EXPECT_FALSE(it.p_differs || it.q_differs) << shift;
        }
    }
}

TEST_P(EngineTest, NothingAtAllIsConsistent) {
    Row row(3, true, 64);
    std::vector<uint8_t*> columns = row.pointers();
    row[0][0] ^= 1;
    Job it = job(Op::verify, row, columns);
    it.length = 0;
    run(engine(), {&it, 1});
    EXPECT_EQ(it.outcome, Outcome::done);
    EXPECT_FALSE(it.p_differs || it.q_differs);
    EXPECT_EQ(run(engine(), {}), 0u);
}

TEST_P(EngineTest, Example) {  // FACTS 9
    Row row(3, true, 4096);
    for (unsigned i = 0; i < 3; i++) row[i].fill(static_cast<uint8_t>(1u << i));
    const std::vector<uint8_t*> columns = row.pointers();
    Job it = job(Op::generate, row, columns);
    run(engine(), {&it, 1});
    EXPECT_EQ(row.p()[0], 0x07);
    EXPECT_EQ(row.q()[4095], 0x15);
}

TEST_P(EngineTest, JobsOfABatchKeepTheirOwnResults) {
    std::vector<Row> rows;
    std::vector<std::vector<uint8_t*>> columns;
    std::vector<Job> jobs;
    for (unsigned i = 0; i < 40; i++) rows.emplace_back(2 + i % 5, i % 3 != 0, 4096, i);
    for (unsigned i = 0; i < rows.size(); i++) {
        if (i % 4 == 1) rows[i].p()[i] ^= 1;
        if (i % 4 == 2 && rows[i].has_q()) rows[i].q()[i] ^= 1;
        if (i % 4 == 3) rows[i][0][i] ^= 1;
        columns.push_back(rows[i].pointers());
    }
    for (unsigned i = 0; i < rows.size(); i++) jobs.push_back(job(Op::verify, rows[i], columns[i]));
    EXPECT_EQ(run(engine(), jobs), 0u);
    for (unsigned i = 0; i < rows.size(); i++) {
        EXPECT_EQ(jobs[i].p_differs, i % 4 == 1 || i % 4 == 3) << i;
        EXPECT_EQ(jobs[i].q_differs, rows[i].has_q() && (i % 4 == 2 || i % 4 == 3)) << i;
    }
}

TEST_P(EngineTest, RefusesWhatMakesNoSense) {
    Row row(4, true, 512);
    const Row before = row;
    const std::vector<uint8_t*> columns = row.pointers();
    const std::span<uint8_t* const> all(columns);
    const std::vector<uint8_t*> too_many(256, columns[0]);
    auto erasing = [&](uint8_t a, uint8_t b, bool has_q) {
        return Job{.op = Op::recover, .has_q = has_q, .columns = all, .length = 512, .erased = {a, b}};
    };
    std::vector<Job> jobs = {
        {.op = Op::verify, .has_q = true, .columns = all.first(2), .length = 512},
        {.op = Op::verify, .has_q = false, .columns = all.first(1), .length = 512},
        {.op = Op::generate, .has_q = false, .columns = {}, .length = 512},
        {.op = Op::verify, .has_q = true, .columns = too_many, .length = 512},
        erasing(kNoColumn, kNoColumn, true),
        erasing(6, kNoColumn, true),
        erasing(0, 6, true),
        erasing(2, 2, true),
        erasing(0, 1, false),
        {.op = Op::digest, .columns = all.first(1), .length = 512, .blocks = 1},
    };
    EXPECT_EQ(run(engine(), jobs), 0u);
    for (size_t i = 0; i < jobs.size(); i++) EXPECT_EQ(jobs[i].outcome, Outcome::refused) << i;
    EXPECT_TRUE(row == before);
}

TEST_P(EngineTest, GivesAlignedZeroedMemory) {
    for (size_t size : {1, 4096, 100000}) {
        const auto buffer = engine().allocate(size);
        ASSERT_GE(buffer->bytes().size(), size);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->bytes().data()) % 4096, 0u);
        for (uint8_t byte : buffer->bytes()) ASSERT_EQ(byte, 0);
    }
}

TEST_P(EngineTest, PassesItsCheck) {
    Result<void> result = check_engine(engine());
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
}

TEST_P(EngineTest, CanBeMeasured) {
    static double time;
    time = 100;
    const Clock ticks = [] { return time += 0.001; };  // one a look: two rounds are 2 ms
    EXPECT_NEAR(measure_engine(engine(), 4, true, ticks), 6 * 65536 / 0.001, 1e3);
    EXPECT_NEAR(measure_engine(engine(), 1, false, ticks), 2 * 65536 / 0.001, 1e3);
    EXPECT_EQ(measure_engine(engine(), 0, true, ticks), 0);
    EXPECT_EQ(measure_engine(engine(), 254, true, ticks), 0);
}

}  // namespace raid56::parity
