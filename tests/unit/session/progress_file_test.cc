// SPDX-License-Identifier: GPL-2.0-or-later
// A file that was cut off at any byte, or hurt in any, says how far a run came at the last position that is
// whole before that, and what was found up to there; and can be gone on with.
#include "session/progress_file.h"

#include <gtest/gtest.h>

#include "findings_of_all_kinds.h"
#include "support/cut_disk.h"

namespace raid56::session {
namespace {

using test::CutDisk;
using test::CutWriter;
using test::Power;

class Recorder final : public scrub::Sink {
  public:
    void damage(const scrub::Damage& damage) override { told.push_back("damage " + text(damage)); }
    void unknown(const scrub::Unknown& unknown) override { told.push_back("unknown " + text(unknown)); }
    void progress(uint64_t, uint64_t) override {}
    std::vector<std::string> told;
};

/// What a file says.
struct Said {
    bool begun = false;
    uint64_t end = 0;  // how long it is, once what was not reached is cut off
    std::optional<scrub::Position> position;
    std::vector<uint64_t> counters;
    std::vector<std::string> told;
    std::vector<bool> passed;
    bool operator==(const Said&) const = default;
};

class ProgressFileTest : public ::testing::Test {
  protected:
    std::unique_ptr<device::WriteDevice> writer() {
        return std::make_unique<CutWriter>(disk_, device::Identity{false, 1, 1});
    }
    std::string bytes() const {
        std::string all(disk_->size(), '\0');
        EXPECT_EQ(disk_->read(0, ByteSpan(reinterpret_cast<uint8_t*>(all.data()), all.size())), 0);
        return all;
    }
    void put(std::string_view content) {
        disk_ = std::make_shared<CutDisk>(power_, "state", nullptr);
        const auto* first = reinterpret_cast<const uint8_t*>(content.data());
        if (!content.empty()) disk_->write(0, ByteView(first, content.size()));
        disk_->sync();
    }
    Said said() {
        auto file = ProgressFile::go_on(writer());
        if (!file) return {};
        return said_by(*file);
    }
    Said said_by(ProgressFile& file) {
        Said all;
        all.begun = true;
        all.end = file.end();
        if (file.last()) {
            all.position = file.last()->position;
            all.counters = numbers(file.last()->counters);
        }
        Recorder recorder;
        EXPECT_TRUE(file.tell_again(recorder));
        all.told = recorder.told;
        for (const char* stage : {"begun", "written"}) all.passed.push_back(file.has_passed(stage));
        return all;
    }

    /// A file with a little of everything. Every state that it had on stable storage, ascending by `end`.
    std::vector<Said> write_all() {
        std::vector<Said> states;
        const auto keep = [&] { states.push_back(said()); };
        put("");
        auto file = ProgressFile::begin(writer(), {{"what", "test"}, {"label", "odd \n \t \" text"}});
        EXPECT_TRUE(file);
        keep();
        EXPECT_EQ(file->pass("begun"), 0);
        keep();
        for (unsigned i = 0; i < 4; i++) {
            for (unsigned k = 0; k < i; k++) file->add(full_damage(10 * i + k));
            if (i != 1) file->add(full_unknown(i));
            EXPECT_EQ(file->reached({Logical(100), StripeNo(i)}, counted(100 * i)), 0);
            keep();
        }
        file->add(full_damage(99));
        EXPECT_EQ(file->pass("written"), 0);
        keep();
        return states;
    }

    Power power_;
    std::shared_ptr<CutDisk> disk_;
};

TEST_F(ProgressFileTest, SaysWhatWasWritten) {
    const auto states = write_all();
    ASSERT_EQ(states.size(), 7u);
    EXPECT_EQ(states[0].position, std::nullopt);
    EXPECT_EQ(states[1].passed, (std::vector<bool>{true, false}));
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(states[2 + i].position, (scrub::Position{Logical(100), StripeNo(i)}));
        EXPECT_EQ(states[2 + i].counters, numbers(counted(100 * i)));
    }
    EXPECT_EQ(states.back().passed, (std::vector<bool>{true, true}));
    std::vector<std::string> told = {"unknown " + text(full_unknown(0)), "damage " + text(full_damage(10))};
    EXPECT_EQ(states[3].told, told);
    told.push_back("damage " + text(full_damage(20)));
    told.push_back("damage " + text(full_damage(21)));
    told.push_back("unknown " + text(full_unknown(2)));
    EXPECT_EQ(states[4].told, told);
    EXPECT_EQ(states.back().told.size(), 1 + 1 + 3 + 4 + 1u);
    for (size_t i = 1; i < states.size(); i++) EXPECT_LT(states[i - 1].end, states[i].end);
    auto file = ProgressFile::go_on(writer());
    ASSERT_TRUE(file);
    EXPECT_EQ(file->header()["what"], "test");
    EXPECT_EQ(file->header()["label"], "odd \n \t \" text");
}

// What was found behind a position is not found again by a run that goes on from there.
TEST_F(ProgressFileTest, WhatLiesBehindAPositionIsKeptForTheNext) {
    put("");
    auto file = ProgressFile::begin(writer(), {{"what", "test"}});
    ASSERT_TRUE(file);
    file->add(full_damage(10));
    file->mark();
    file->add(full_damage(20));
    ASSERT_EQ(file->reached({Logical(100), StripeNo(1)}, counted(1)), 0);
    std::string content = bytes();
    EXPECT_NE(content.find("\"physical\":" + std::to_string(full_damage(10).physical.v)), std::string::npos);
    EXPECT_EQ(content.find("\"physical\":" + std::to_string(full_damage(20).physical.v)), std::string::npos);
    ASSERT_EQ(file->reached({Logical(100), StripeNo(2)}, counted(2)), 0);
    content = bytes();
    EXPECT_NE(content.find("\"physical\":" + std::to_string(full_damage(20).physical.v)), std::string::npos);
}

TEST_F(ProgressFileTest, CutOffAtAnyByteSaysTheLastWholeState) {
    const auto states = write_all();
    const std::string whole = bytes();
    ASSERT_EQ(whole.size(), states.back().end);
    for (size_t length = 0; length <= whole.size(); length++) {
        put(std::string_view(whole).substr(0, length));
        Said expected;
        for (const auto& state : states)
            if (state.end <= length) expected = state;
        ASSERT_EQ(said(), expected) << "cut at " << length;
        EXPECT_EQ(disk_->size(), length) << "nothing is written before something is added";
    }
}

// Nothing behind it counts, though it may be whole.
TEST_F(ProgressFileTest, AFlippedBitEndsItBeforeThatLine) {
    const auto states = write_all();
    const std::string whole = bytes();
    for (size_t at = 0; at < whole.size(); at++) {
        std::string hurt = whole;
        hurt[at] = static_cast<char>(hurt[at] ^ 0x01);
        put(hurt);
        Said expected;
        for (const auto& state : states)
            if (state.end <= at) expected = state;
        ASSERT_EQ(said(), expected) << "at " << at;  // without its newline a line is one with the next
    }
}

TEST_F(ProgressFileTest, IsGoneOnWithWhereItWasCutOff) {
    const auto states = write_all();
    const std::string whole = bytes();
    for (size_t i = 0; i + 1 < states.size(); i++) {
        put(std::string_view(whole).substr(0, states[i + 1].end - 1));  // a state that just was not reached
        auto file = ProgressFile::go_on(writer());
        ASSERT_TRUE(file);
        ASSERT_EQ(said_by(*file), states[i]);
        file->add(full_damage(500));
        ASSERT_EQ(file->reached({Logical(200), StripeNo(9)}, counted(7)), 0);
        EXPECT_EQ(disk_->size(), file->end()) << "what was not reached is cut off";
        const Said after = said();
        EXPECT_EQ(after.position, (scrub::Position{Logical(200), StripeNo(9)}));
        auto told = states[i].told;
        told.push_back("damage " + text(full_damage(500)));
        EXPECT_EQ(after.told, told);
        EXPECT_EQ(after.passed, states[i].passed);
    }
}

// Whole lines that say what there is not: the file ends before them.
TEST_F(ProgressFileTest, APositionThatIsNoneEndsIt) {
    const auto states = write_all();
    const std::string begin = bytes().substr(0, states[1].end);
    Json reached = encode(scrub::Position{Logical(5), StripeNo(6)}, counted(1));
    put(begin + encode_line(reached));
    EXPECT_EQ(said().position, (scrub::Position{Logical(5), StripeNo(6)}));
    reached.erase("next");
    put(begin + encode_line(reached) + encode_line(encode(scrub::Position{Logical(7), StripeNo(8)}, counted(1))));
    EXPECT_EQ(said(), states[1]);
}

TEST_F(ProgressFileTest, AFileThatIsNoneIsRefused) {
    const std::string reached = encode_line(encode(scrub::Position{}, {}));
    const std::string endless(size_t{3} << 20, 'x');
    for (const std::string& content :
         {std::string(), std::string("\n"), std::string("a text\nof somebody\n"), std::string(5000, '\0'), reached,
          reached + encode_line({{"type", "header"}}), endless, endless + "\n" + encode_line({{"type", "header"}})}) {
        put(content);
        const auto file = ProgressFile::go_on(writer());
        ASSERT_FALSE(file) << content.substr(0, 40);
        EXPECT_EQ(file.error().message, "state: does not say how far a run came");
        EXPECT_EQ(bytes(), content) << "what is not ours stays";
    }
}

// ---- hardly begun

TEST_F(ProgressFileTest, WhatIsLeftOfAHeaderIsHardlyBegun) {
    put("");
    Json header = {{"what", "test"}, {"survivors", std::string(3000, 's')}};
    ASSERT_TRUE(ProgressFile::begin(writer(), header));
    const std::string whole = bytes();
    EXPECT_FALSE(ProgressFile::is_hardly_begun(*writer()));
    for (size_t length = 0; length < whole.size(); length++) {
        put(std::string_view(whole).substr(0, length));
        EXPECT_TRUE(ProgressFile::is_hardly_begun(*writer())) << "cut at " << length;
    }
    const unsigned units = static_cast<unsigned>(whole.size() / CutDisk::kUnit + 1);
    for (unsigned lost = 1; lost < 1u << units; lost++) {
        std::string torn = whole;
        for (unsigned i = 0; i < units; i++)
            for (size_t k = i * CutDisk::kUnit; k < std::min(torn.size(), (i + 1) * CutDisk::kUnit); k++)
                if ((lost >> i & 1) != 0) torn[k] = 0;
        put(torn);
        EXPECT_TRUE(ProgressFile::is_hardly_begun(*writer())) << "without the units " << lost;
    }
}

TEST_F(ProgressFileTest, WhatSomebodyElseWroteIsNotHardlyBegun) {
    const std::string header = encode_line({{"type", "header"}, {"what", "test"}});
    std::string hurt = header;
    hurt[20] ^= 1;
    for (const std::string& content :
         {std::string("a text"), std::string("\n"), header + header, hurt + header, std::string("\0\x7f\x80", 3),
          std::string(size_t{2} << 20, '\0'), std::string("{\"type\":\"damage\",")}) {
        put(content);
        EXPECT_FALSE(ProgressFile::is_hardly_begun(*writer())) << content.substr(0, 40);
        EXPECT_EQ(bytes(), content);
    }
}

TEST_F(ProgressFileTest, ALineThatNoRunWritesEndsIt) {
    const auto states = write_all();
    const std::string begin = bytes().substr(0, states[3].end);
    put(begin + std::string(size_t{2} << 20, ' ') + "\n" + bytes().substr(states[3].end));
    EXPECT_EQ(said(), states[3]);
}

// ---- writes that fail

TEST_F(ProgressFileTest, AFailedWriteIsToldAndTriedAgainWithTheNext) {
    const auto states = write_all();
    put(std::string_view(bytes()).substr(0, states[1].end));
    auto file = ProgressFile::go_on(writer());
    ASSERT_TRUE(file);
    file->add(full_damage(1));
    disk_->fail_writes(0, UINT64_MAX);
    EXPECT_EQ(file->reached({Logical(1), StripeNo(1)}, counted(1)), EIO);
    EXPECT_EQ(said(), states[1]);
    disk_->fail_writes(0, 0);
    EXPECT_EQ(file->reached({Logical(1), StripeNo(2)}, counted(2)), 0);
    const Said after = said();
    EXPECT_EQ(after.position, (scrub::Position{Logical(1), StripeNo(2)}));
    EXPECT_EQ(after.told, std::vector<std::string>{"damage " + text(full_damage(1))});
}

TEST_F(ProgressFileTest, AFileThatCannotBeBegunIsAnError) {
    put("");
    disk_->fail_writes(0, UINT64_MAX);
    const auto file = ProgressFile::begin(writer(), {{"what", "test"}});
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().message, "state: cannot be written: Input/output error");
}

// What was told to be reached is there when the power comes back, whatever of the rest is.
TEST_F(ProgressFileTest, WhatWasReachedLasts) {
    put("");
    auto file = ProgressFile::begin(writer(), {{"what", "test"}});
    ASSERT_TRUE(file);
    ASSERT_EQ(file->pass("begun"), 0);
    file->add(full_damage(1));
    ASSERT_EQ(file->reached({Logical(1), StripeNo(1)}, counted(1)), 0);
    const Said reached = said();
    for (uint64_t n = 0; n < 2; n++)
        for (const auto unsynced : {test::Unsynced::kept, test::Unsynced::dropped, test::Unsynced::torn})
            for (uint32_t seed = 0; seed < 20; seed++) {
                const std::string before = bytes();
                put(before);
                auto again = ProgressFile::go_on(writer());
                ASSERT_TRUE(again);
                for (unsigned i = 0; i < 5; i++) again->add(full_damage(i));
                power_.cut_at(n);
                EXPECT_THROW((void)again->reached({Logical(1), StripeNo(2)}, counted(2)), test::PowerCut);
                power_.never_cut();
                disk_->set(disk_->after_cut(unsynced, seed));
                const Said found = said();
                EXPECT_TRUE(found == reached ||
                            (found.position == scrub::Position{Logical(1), StripeNo(2)} && found.told.size() == 6));
                put(before);
            }
}

}  // namespace
}  // namespace raid56::session
