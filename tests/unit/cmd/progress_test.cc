// SPDX-License-Identifier: GPL-2.0-or-later
// Progress as the program tells it: on stderr alone, and without a trace in the report.
#include "golden.h"

namespace raid56::cmd {
namespace {

class ProgressOfAScrub : public GoldenTest {
  protected:
    // The first device is missing: there are findings.
    Outcome run(const std::string& progress) {
        std::vector<std::string> words = {"scrub",    "--format", "json",       "--threads", "1",
                                          "--engine", "isal",     "--progress", progress};
        words.insert(words.end(), paths_.begin() + 1, paths_.end());
        return worlds_.run(words);
    }
};

TEST_F(ProgressOfAScrub, AsJsonEachLineIsAnObjectWithWhatIsKnownSoFar) {
    const Outcome plain = run("never"), told = run("json");
    EXPECT_EQ(plain.err, "");
    EXPECT_EQ(comparable(told), comparable(plain));
    std::istringstream err(told.err);
    std::vector<Json> lines;
    for (std::string line; std::getline(err, line);) {
        lines.push_back(Json::parse(line, nullptr, false));
        ASSERT_TRUE(lines.back().is_object()) << line;
        EXPECT_EQ(lines.back().begin().key(), "type");
        EXPECT_EQ(lines.back()["type"], "progress");
    }
    ASSERT_GT(lines.size(), 1u);
    for (size_t i = 1; i < lines.size(); i++) {
        EXPECT_LT(lines[i - 1]["bytes_done"], lines[i]["bytes_done"]);
        EXPECT_LE(lines[i - 1]["findings"], lines[i]["findings"]);
        EXPECT_LE(lines[i - 1]["chunk"], lines[i]["chunk"]);
    }
    EXPECT_GT(lines.back()["findings"], 0u);
    EXPECT_EQ(lines.back()["bytes_done"], lines.back()["bytes_total"]);
    EXPECT_EQ(lines.back()["bytes_read"], told.summary()["bytes_read"]);
}

TEST_F(ProgressOfAScrub, InALogItIsPlainLines) {
    const Outcome plain = run("never"), told = run("always");
    EXPECT_EQ(comparable(told), comparable(plain));
    EXPECT_TRUE(holds(told.err, "100% of "));
    EXPECT_EQ(told.err.find_first_of("\r\033{"), std::string::npos) << told.err;
    EXPECT_LE(line_count(told.err), 20u + 10u);  // the clock of this world ticks with each look
}

TEST_F(ProgressOfAScrub, IsNotShownUnaskedWhereThereIsNoTerminal) { EXPECT_EQ(run("auto").err, ""); }

}  // namespace
}  // namespace raid56::cmd
