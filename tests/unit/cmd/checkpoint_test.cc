// SPDX-License-Identifier: GPL-2.0-or-later
// A scrub that is killed, at one operation on its checkpoint after the other: the same command then tells what one run
// had told. Where the checkpoint is not its own it is refused and left as it is; where it breaks the scrub goes on.
#include <gtest/gtest.h>

#include <random>

#include "repair_world.h"
#include "session/progress_lines.h"

namespace raid56::cmd {
namespace {

using test::Unsynced;

constexpr Unsynced kUnsynced[] = {Unsynced::kept, Unsynced::dropped, Unsynced::torn};

// Without what may differ between a run in one go and in several.
std::vector<Json> told(const Outcome& run) {
    auto lines = run.lines();
    for (auto& line : lines)
        for (const char* field : {"seconds", "bytes_read", "engine"}) line.erase(field);
    return lines;
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

class CheckpointTest : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!world_.unpack(GetParam())) GTEST_SKIP() << GetParam() << " cannot be unpacked here";
        RepairWorld::ticks = 10;  // a position is kept whenever there is a new one
        before_ = world_.state();
        world_.power.never_cut();
        whole_ = world_.scrub(more_);
        ASSERT_TRUE(whole_.status == 1 || whole_.status == 4) << whole_.err;
        const Outcome with = scrub();
        ASSERT_EQ(told(with), told(whole_));
        ASSERT_FALSE(world_.exists("state")) << "it is gone when the scrub has come to its end";
        operations_ = world_.power.used();
        ASSERT_GT(operations_, 4u) << "the header and a position at least, each written and synced";
    }
    void TearDown() override { RepairWorld::ticks = 1; }
    Outcome scrub(std::vector<std::string> options = {}) {
        options.insert(options.begin(), {"--checkpoint", "state"});
        options.insert(options.end(), more_.begin(), more_.end());
        return world_.scrub(options);
    }
    // Cuts a scrub off at its n-th operation.
    void kill_at(uint64_t n) {
        world_.power.cut_at(n);
        EXPECT_THROW(scrub(), test::PowerCut);
        world_.power.never_cut();
    }
    void expect_whole(const Outcome& again) {
        EXPECT_EQ(again.status, whole_.status) << again.err;
        EXPECT_EQ(told(again), told(whole_));
        EXPECT_TRUE(world_.devices_hold(before_));
        EXPECT_FALSE(world_.exists("state"));
    }
    // A checkpoint in the middle of a scrub, and what it holds.
    std::string begun() {
        world_.set(before_);
        kill_at(operations_ - 1);
        return content();
    }
    std::string content() {
        std::vector<uint8_t> bytes(world_.disk("state").size());
        EXPECT_EQ(world_.disk("state").read(0, bytes), 0);
        return std::string(bytes.begin(), bytes.end());
    }
    void put(const std::string& text) {
        world_.set(before_);
        world_.add("state", std::vector<uint8_t>(text.begin(), text.end()));
    }
    // The first line of a checkpoint with one field changed.
    static std::string with_header(const std::string& text, const char* field, const session::Json& value) {
        const size_t end = text.find('\n');
        auto header = session::decode_line(text.substr(0, end)).value();
        header[field] = value;
        return session::encode_line(header) + text.substr(end + 1);
    }
    void expect_refused(const std::string& text, const std::string& why, std::vector<std::string> options = {}) {
        SCOPED_TRACE(why);
        put(text);
        const Outcome refused = scrub(std::move(options));
        EXPECT_EQ(refused.status, 8);
        EXPECT_TRUE(says(refused.err, "state: " + why)) << refused.err;
        EXPECT_EQ(refused.lines().size(), 1u);
        EXPECT_EQ(content(), text) << "left as it was";
    }

    RepairWorld world_;
    RepairWorld::State before_;
    std::vector<std::string> more_;
    Outcome whole_;
    uint64_t operations_ = 0;
};

TEST_P(CheckpointTest, KilledAnywhereTheSameCommandTellsWhatOneRunHadTold) {
    for (uint64_t n = 0; n < operations_; n++) {
        world_.set(before_);
        kill_at(n);
        std::vector<RepairWorld::State> crashed;
        for (const Unsynced unsynced : kUnsynced)
            crashed.push_back(world_.after_cut(unsynced, static_cast<uint32_t>(n)));
        for (const auto& state : crashed) {
            SCOPED_TRACE("killed at operation " + std::to_string(n) + " of " + std::to_string(operations_) + ", mode " +
                         std::to_string(&state - crashed.data()));
            world_.set(state);
            expect_whole(scrub());
            if (HasFailure()) return;
        }
    }
}

// And killed again and again before it comes to its end.
TEST_P(CheckpointTest, KilledFiftyTimesAtRandom) {
    std::mt19937 random(56);
    world_.set(before_);
    unsigned went_on = 0;
    for (unsigned kill = 0; kill < 50;) {
        world_.power.cut_at(random() % operations_);
        try {
            expect_whole(scrub());  // nothing was left to cut off: from the beginning
            world_.set(before_);
        } catch (const test::PowerCut&) {
            kill++;
            world_.power.never_cut();
            world_.set(world_.after_cut(kUnsynced[random() % 3], static_cast<uint32_t>(kill)));
            if (world_.exists("state") && says(content(), "\"type\":\"reached\"")) went_on++;
        }
    }
    EXPECT_GT(went_on, 5u) << "hardly any had come far enough to go on from";
    world_.power.never_cut();
    expect_whole(scrub());
}

TEST_P(CheckpointTest, FilesAreNamedAsInOneRun) {
    more_ = {"--files"};
    world_.set(before_);
    whole_ = world_.scrub(more_);
    kill_at(operations_ - 1);
    expect_whole(scrub());
}

TEST_P(CheckpointTest, FreeRowsAreToldAsInOneRun) {
    for (const auto& device : whole_.lines_of("device"))
        if (device["state"] != "present") GTEST_SKIP() << "beside one that is missing there is nothing to tell";
    auto& disk = world_.disk(world_.paths().front());
    std::vector<uint8_t> bytes(4096, 0x5a);
    for (uint64_t at = 0; at < disk.size(); at += 8 << 20) ASSERT_EQ(disk.write(at + (7 << 20), bytes), 0);
    before_ = world_.state();
    more_ = {"--free"};
    whole_ = world_.scrub(more_);
    ASSERT_GT(whole_.lines_of("free").size(), 3u);
    kill_at(operations_ - 1);
    expect_whole(scrub());
}

TEST_P(CheckpointTest, GoesOnWithoutOneThatBreaks) {
    for (const uint64_t at : {2u, 3u}) {
        world_.set(before_);
        world_.break_at = {{"state", at}};
        const Outcome run = scrub();
        world_.break_at.clear();
        EXPECT_EQ(told(run), told(whole_));
        const std::string sentence = "state: cannot be written";
        const size_t first = run.err.find(sentence);
        EXPECT_NE(first, std::string::npos) << run.err;
        EXPECT_EQ(run.err.find(sentence, first + 1), std::string::npos) << "told once: " << run.err;
    }
    world_.set(before_);
    world_.break_at = {{"state", 0}};
    EXPECT_EQ(scrub().status, 8) << "one that cannot even be begun";
    world_.break_at.clear();
}

TEST_P(CheckpointTest, OneOfSomethingElseIsRefused) {
    const std::string text = begun();
    ASSERT_TRUE(says(text, "\"type\":\"reached\""));
    expect_refused("These are my notes.\nNot yours.\n", "does not say how far a run came");
    expect_refused(with_header(text, "what", "rebuild"), "is of no scrub");
    expect_refused(with_header(text, "fsid", "00000000-0000-0000-0000-000000000000"), "is of another file system");
    expect_refused(with_header(text, "generation", 1u), "is of another generation");
    auto devices = session::decode_line(text.substr(0, text.find('\n'))).value()["devices"];
    devices[0]["size"] = devices[0]["size"].get<uint64_t>() + 4096;
    expect_refused(with_header(text, "devices", devices), "is of a scrub of other devices");
    expect_refused(with_header(text, "version", 77u), "is of a scrub with other options");
    expect_refused(text, "is of a scrub with other options", {"--shard", "1/2"});
    expect_refused(text, "is of a scrub with other options", {"--tree"});
    expect_refused(text, "is of a scrub with other options", {"--distrust", "1"});
    put(text);
    expect_whole(scrub());
}

// One whose place was changed with its sum put right.
// Linux writes a log, and replays it, within one generation.
TEST_P(CheckpointTest, AnotherSuperblockOfTheSameGenerationIsRefused) {
    const std::string content = begun();
    ASSERT_TRUE(says(content, "\"superblock\":"));
    auto header = session::decode_line(content.substr(0, content.find('\n'))).value();
    auto devices = header["devices"];
    devices[0]["superblock"] = devices[0]["superblock"].get<uint64_t>() ^ 1;
    expect_refused(with_header(content, "devices", devices), "is of a scrub of other devices");
}

// It may be somebody's, whatever it holds.
TEST_P(CheckpointTest, AFileThatIsNoneIsLeftAlone) {
    expect_refused(std::string(65536, '\0'), "does not say how far a run came");
    expect_refused("{\"type\":\"header\",\"what\":\"another", "does not say how far a run came");
}

TEST_P(CheckpointTest, APlaceThatThereIsNotIsRefused) {
    std::string text = begun();
    const size_t at = text.rfind("{\"type\":\"reached\"");
    auto reached = session::decode_line(text.substr(at, text.find('\n', at) - at)).value();
    for (const char* field : {"chunk", "next"}) {
        auto changed = reached;
        changed[field] = 1'000'000'007u;
        expect_refused(text.substr(0, at) + session::encode_line(changed), "names a place that");
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, CheckpointTest,
                         ::testing::Values("100-demo-damaged", "105-raid6x4-beyond-tolerance", "108-raid6x4-missing",
                                           "112-raid6x4-lost-extent-leaf"));

}  // namespace
}  // namespace raid56::cmd
