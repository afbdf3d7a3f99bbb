// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/text.h"

#include <gtest/gtest.h>

#include <sstream>

#include "events.h"

namespace raid56::report {
namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A whole report, with the events changed by the test.
struct Report {
    VolumeEvent volume = some_volume();
    DeviceEvent device = some_device();
    std::vector<scrub::Damage> damage = {some_damage()};
    scrub::Unknown unknown = some_unknown();
    Summary summary = some_summary();

    std::string text() const {
        std::ostringstream out;
        TextWriter writer(out);
        writer.volume(volume);
        writer.device(device);
        for (const auto& event : damage) writer.damage(event);
        writer.unknown(unknown);
        writer.summary(summary);
        return out.str();
    }
};

TEST(Text, SaysWhatThereIs) {
    const auto text = Report().text();
    for (const char* part : {"00112233-4455-6677-8899-aabbccddeeff", "a label", "xxhash64", "raid56 no-holes",
                             "data raid6 on 5 devices: 3 chunks", "metadata raid1c3 on 3 devices: 1 chunk,",
                             "devid 3  stale", "/images/d3.img", "256.00 MiB"})
        EXPECT_TRUE(holds(text, part)) << part << " in\n" << text;
}

TEST(Text, SaysWhereDamageIsAndWhatCanBeDone) {
    const auto text = Report().text();
    for (const char* part :
         {"devid 4 at 1049600, 8.00 KiB: data", "logical 30408704", "full stripe 12 row 3",
          "repairable, proven by checksum", "logical 4096, 64.00 KiB: nothing is known here (extent-tree)"})
        EXPECT_TRUE(holds(text, part)) << part << " in\n" << text;
}

TEST(Text, WhatIsLostIsSaidLoudly) {
    Report report;
    report.damage[0].repairable = scrub::Repairable::no;
    EXPECT_TRUE(holds(report.text(), "LOST"));
    report.damage[0].repairable = scrub::Repairable::undecided;
    EXPECT_TRUE(holds(report.text(), "undecided"));
}

/// A missing device's part of a chunk.
scrub::Damage missing_part(std::optional<unsigned> further_losses) {
    auto event = some_damage();
    event.cause = scrub::Cause::missing;
    event.proof = scrub::Proof::none;
    event.full_stripe.reset();
    event.row.reset();
    event.further_losses = further_losses;
    return event;
}

TEST(Text, APartOfAChunkThatIsMissingSaysWhatTheChunkStillBears) {
    const auto end_of = [](const scrub::Damage& event) {
        std::ostringstream out;
        TextWriter(out).damage(event);
        const auto text = out.str();
        return text.substr(text.find(" - "));
    };
    EXPECT_EQ(end_of(missing_part(0)), " - can be made anew from the other devices; bears no further loss\n");
    EXPECT_EQ(end_of(missing_part(1)), " - can be made anew from the other devices; bears 1 more loss\n");
    EXPECT_EQ(end_of(missing_part(2)), " - can be made anew from the other devices; bears 2 more losses\n");
    auto stale = missing_part(std::nullopt);
    stale.cause = scrub::Cause::stale;
    EXPECT_EQ(end_of(stale), " - can be made anew from the other devices\n");
    auto lost = missing_part(std::nullopt);
    lost.repairable = scrub::Repairable::no;
    EXPECT_EQ(end_of(lost), " - LOST\n");
}

TEST(Text, ADeviceThatIsBehindSaysHowFar) {
    Report report;
    EXPECT_FALSE(holds(report.text(), "behind"));
    report.device.behind = 1;
    EXPECT_TRUE(holds(report.text(), "256.00 MiB, generation 76, 1 generation behind\n")) << report.text();
    report.device.behind = 3;
    EXPECT_TRUE(holds(report.text(), "256.00 MiB, generation 76, 3 generations behind\n")) << report.text();
}

TEST(Text, ASuspectIsNamedWithItsCount) {
    Report report;
    report.damage[0].suspect = DevId(2);
    report.damage[0].differing_bytes = 31;
    EXPECT_TRUE(holds(report.text(), "devid 2 is suspect in 31 bytes"));
}

TEST(Text, EveryVerdictEndsWithNothingWasModified) {
    for (const auto verdict : {Verdict::clean, Verdict::repairable, Verdict::unrepairable, Verdict::undecided,
                               Verdict::done, Verdict::failed, Verdict::interrupted})
        for (const char* command : {"scrub", "inspect"}) {
            Report report;
            report.summary.verdict = verdict;
            report.summary.command = command;
            const auto text = report.text();
            const std::string last = "\nNothing was modified.\n";
            ASSERT_GE(text.size(), last.size());
            EXPECT_EQ(text.substr(text.size() - last.size()), last) << verdict_name(verdict);
        }
}

TEST(Text, NoDamageIsSaidOnlyWhereSomebodyLooked) {
    std::ostringstream out;
    Summary summary;
    summary.command = "scrub";
    summary.verdict = Verdict::clean;
    summary.engine = "isal";
    TextWriter(out).summary(summary);
    EXPECT_TRUE(holds(out.str(), "no damage"));
    out.str("");
    summary.verdict = Verdict::failed;
    TextWriter(out).summary(summary);
    EXPECT_FALSE(holds(out.str(), "no damage")) << out.str();
}

TEST(Text, ADistrustWorthSuggestingIsSuggested) {
    Report report;
    report.summary.distrust = {3};
    EXPECT_TRUE(holds(report.text(), "--distrust 3"));
    EXPECT_FALSE(holds(Report().text(), "--distrust"));
}

TEST(Text, LongListsAreCutAndSaySo) {
    Report report;
    report.damage.assign(5000, some_damage());
    const auto text = report.text();
    EXPECT_TRUE(holds(text, "... and more: --format json lists everything"));
    EXPECT_LT(text.size(), 1100 * 250u);
    EXPECT_EQ(text.find("... and more"), text.rfind("... and more")) << "once";
}

// Labels and paths come from disks and command lines: they may hold anything.
TEST(Text, ControlCharactersNeverReachTheOutput) {
    std::string evil;
    for (unsigned c = 1; c < 0x20; c++) evil += static_cast<char>(c);
    evil += "\x7f\x1b]0;title\x07\x1b[2J";
    evil +=
        "\xc2\x9b"
        "31m";  // C1 control sequence introducer, as UTF-8
    evil +=
        "\x9b"
        "31m\xff\xfe";  // and as a stray byte
    evil +=
        "\xe2\x80\xae"
        "gpj.";  // right-to-left override
    evil += "\xe2\x81\xa6\xe2\x80\xa8";
    Report report;
    report.volume.label = evil;
    report.device.path = evil;
    const auto text = report.text();
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        EXPECT_TRUE(byte == '\n' || (byte >= 0x20 && byte < 0x7f)) << unsigned{byte};
    }
    Report plain;
    plain.volume.label = plain.device.path = "x";
    const auto lines = [](const std::string& t) { return std::count(t.begin(), t.end(), '\n'); };
    EXPECT_EQ(lines(text), lines(plain.text())) << "a label cannot make a line of its own";
}

TEST(Text, OtherScriptsAreLeftAsTheyAre) {
    Report report;
    report.volume.label = "Büro €𝄞";
    EXPECT_TRUE(holds(report.text(), "Büro €𝄞"));
}

TEST(Text, TellsWhatSoftwareDidForTheEngine) {
    Summary summary = some_summary();
    summary.command = "scrub";
    summary.engine = "isal";
    const auto told = [&](uint64_t jobs) {
        summary.counters.engine_fallbacks = jobs;
        std::ostringstream out;
        TextWriter(out).summary(summary);
        const std::string text = out.str();
        const size_t from = text.find("(isal");
        return text.substr(from, text.find('\n', from) - from);
    };
    EXPECT_EQ(told(0), "(isal)");
    EXPECT_EQ(told(1), "(isal; 1 job done in software)");
    EXPECT_EQ(told(2), "(isal; 2 jobs done in software)");
}

}  // namespace
}  // namespace raid56::report
