// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/html.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "events.h"
#include "report/words.h"

namespace raid56::report {
namespace {

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) found++;
    return found;
}
bool holds(const std::string& text, const std::string& part) { return count(text, part) > 0; }

/// The numbers that stand behind each place where a text has `before`, in order.
std::vector<uint64_t> numbers(const std::string& text, const std::string& before) {
    std::vector<uint64_t> found;
    for (size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
        at += before.size();
        if (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])))
            found.push_back(std::stoull(text.substr(at, 20)));
    }
    return found;
}
uint64_t number(const std::string& text, const std::string& before) {
    const auto found = numbers(text, before);
    if (found.empty()) ADD_FAILURE() << "no number behind " << before << " in\n" << text;
    return found.empty() ? 0 : found.front();
}

VolumeEvent drawn_volume(uint64_t devices = 4) {
    VolumeEvent event = some_volume();
    ChunkPlace place{30400512, 128 << 20, format::chunk_kind::kData, format::Profile::raid6, 64 << 20, {}};
    for (uint64_t devid = 1; devid <= devices; devid++) place.parts.push_back({devid, 1 << 20});
    event.places.push_back(place);
    return event;
}

class HtmlTest : public ::testing::Test {
  protected:
    void tell_devices(uint64_t devices = 4) {
        writer_.volume(drawn_volume(devices));
        for (uint64_t devid = 1; devid <= devices; devid++) {
            auto event = some_device();
            event.devid = devid;
            writer_.device(event);
        }
    }
    std::string page(const Summary& summary = some_summary()) {
        writer_.summary(summary);
        return writer_.page();
    }
    static std::string device_of(const std::string& page, uint64_t devid) {
        const size_t from = page.find("data-devid=\"" + std::to_string(devid) + "\"");
        return page.substr(from, page.find("</article>", from) - from);
    }

    HtmlWriter writer_;
};

TEST_F(HtmlTest, ShowsEveryFigure) {
    tell_devices();
    const auto text = page();
    auto figures = checked_figures(some_summary());
    for (const auto& figure : found_figures(some_summary())) figures.push_back(figure);
    for (const auto& figure : figures)
        EXPECT_EQ(number(text, "id=\"" + std::string(figure.field) + "\" data-value=\""), figure.value);
    EXPECT_TRUE(holds(text, verdict_sentence(some_summary())));
    EXPECT_TRUE(holds(text, "Nothing was modified."));
}

TEST_F(HtmlTest, CountsEveryFindingInItsListAndOnItsDevice) {
    tell_devices();
    uint64_t lost = 0, bytes[3] = {};
    for (int i = 0; i < 90; i++) {
        auto event = some_damage();
        event.devid = DevId(i % 2 == 0 ? 4 : 1);
        event.physical = Physical((1 << 20) + i * 65536);
        event.repairable = static_cast<scrub::Repairable>(i % 3);
        lost += event.repairable != scrub::Repairable::yes ? 1 : 0;
        if (event.devid.v == 4) bytes[static_cast<int>(state_of(event.repairable))] += event.length;
        writer_.damage(event);
    }
    writer_.unknown(some_unknown());
    const auto text = page();
    EXPECT_EQ(number(text, "id=\"lost\" data-total=\""), lost + 1);
    EXPECT_EQ(number(text, "id=\"repairable\" data-total=\""), 90 - lost);
    EXPECT_TRUE(holds(text, "nothing is known here (extent-tree)"));
    const auto fourth = device_of(text, 4);
    EXPECT_EQ(number(fourth, "data-findings=\""), 45u);
    for (const State state : kStates)
        EXPECT_EQ(number(fourth, "data-" + state_words(state) + "=\""), bytes[static_cast<int>(state)]);
    for (const State state : kStates) EXPECT_TRUE(holds(fourth, "class=\"mark " + state_words(state) + "\""));
    EXPECT_TRUE(holds(device_of(text, 2), "no damage"));
    EXPECT_FALSE(holds(device_of(text, 2), "class=\"mark"));
    EXPECT_TRUE(holds(fourth, "href=\"#chunk-30400512\"") && holds(text, "id=\"chunk-30400512\"")) << "to look closer";
}

TEST_F(HtmlTest, MarksCanBeSeenAndLieWithinTheirStrips) {
    tell_devices();
    for (const uint64_t at : {uint64_t{0}, uint64_t{1} << 20, uint64_t{268435456 - 4096}, uint64_t{1} << 50}) {
        auto event = some_damage();
        event.physical = Physical(at);
        writer_.damage(event);
    }
    const auto text = page();
    size_t seen = 0;
    for (size_t at = text.find("<rect "); at != std::string::npos; at = text.find("<rect ", at + 1), seen++) {
        const auto rectangle = text.substr(at, text.find('>', at) - at);
        EXPECT_GE(number(rectangle, " width=\""), 2u);
        EXPECT_GE(number(rectangle, " height=\""), 4u);
        EXPECT_LE(number(rectangle, " x=\"") + number(rectangle, " width=\""), 960u);
    }
    EXPECT_GT(seen, 10u);
    EXPECT_EQ(number(device_of(text, 4), "data-repairable=\""), 4 * some_damage().length);
}

// Labels and paths come from disks and command lines: they may hold anything.
TEST_F(HtmlTest, NamesAreNoMarkup) {
    const std::string evil =
        "\"'><script>alert(1)</script><img src=x onerror=y>&lt;\x1b[2J\x9b\xff\n\xe2\x80\xae</title></style>";
    auto volume = drawn_volume();
    volume.label = evil;
    volume.features = {evil};
    writer_.volume(volume);
    auto device = some_device();
    device.path = device.state = device.uuid = evil;
    writer_.device(device);
    FilePart part;
    part.path = evil;
    part.length = 4096;
    writer_.damage(some_damage(), nullptr);
    const HurtFiles files{{part}, {}, {}, false};
    writer_.damage(some_damage(), &files);
    auto unknown = some_unknown();
    unknown.cause = evil;
    writer_.unknown(unknown);
    auto summary = some_summary();
    summary.command = summary.engine = evil;
    summary.next = {evil};
    const auto text = page(summary);
    for (const char* part : {"<script", "<img", "\x1b", "\x9b", "\xff", "\xe2\x80\xae"})
        EXPECT_FALSE(holds(text, part));
    EXPECT_EQ(count(text, "</title>"), count(text, "<title>"));
    EXPECT_EQ(count(text, "</style>"), 1u);
    EXPECT_GE(count(text, "&lt;script&gt;"), 6u);
    EXPECT_TRUE(holds(text, "<bdi>&quot;&#39;&gt;&lt;script&gt;"));
}

TEST_F(HtmlTest, NeedsNothingAndRunsNothing) {
    tell_devices();
    writer_.damage(some_damage());
    const auto text = page();
    for (const char* part : {"<script", "://", "url(", "@import", "src=", "javascript:"})
        EXPECT_FALSE(holds(text, part)) << part;
    for (size_t at = text.find(" on"); at != std::string::npos; at = text.find(" on", at + 1)) {
        const auto word_end =
            std::find_if_not(text.begin() + at + 1, text.end(), [](unsigned char c) { return std::islower(c); });
        EXPECT_FALSE(word_end != text.end() && *word_end == '=') << "a handler: " << text.substr(at, 60);
    }
    EXPECT_TRUE(holds(text, "default-src 'none'"));
}

TEST_F(HtmlTest, ManyFindingsTakeNoMoreRoomThanSome) {
    tell_devices();
    const uint64_t many = 200000;
    size_t before = 0;
    for (uint64_t i = 0; i < many; i++) {
        auto event = some_damage();
        event.devid = DevId(1 + i % 4);
        event.physical = Physical((1 << 20) + i * 97 * 4096 % (64 << 20));
        event.repairable = static_cast<scrub::Repairable>(i % 3);
        FilePart part;
        part.path = "/file-" + std::to_string(i % 5000);
        part.offset = i * 4096;
        part.length = 4096;
        const HurtFiles files{{part}, {}, {}, false};
        writer_.damage(event, &files);
        writer_.unknown(some_unknown());
        ActionEvent action;
        action.write.what = event;
        writer_.action(action);
        if (i == many / 2) before = page().size();
    }
    const auto text = page();
    EXPECT_LT(text.size(), before + before / 10);
    EXPECT_LT(text.size(), 4u << 20);
    EXPECT_EQ(number(text, "id=\"lost\" data-total=\"") + number(text, "id=\"repairable\" data-total=\""), 2 * many);
    EXPECT_EQ(number(text, "id=\"writes\" data-total=\""), many);
    EXPECT_EQ(number(device_of(text, 1), "data-findings=\""), many / 4);
    EXPECT_TRUE(holds(text, " more: --format json lists everything"));
    const size_t from = text.find("id=\"lost\" ");
    const auto lost = text.substr(from, text.find("</section>", from) - from);
    EXPECT_EQ(count(lost, "<tr>"), Listed::kRows + 1) << "and the heads";
}

TEST_F(HtmlTest, ManyDevicesAreCut) {
    tell_devices(3000);
    const auto text = page();
    EXPECT_EQ(count(text, "<article class=\"device\""), PageContent::kDevices);
    EXPECT_EQ(count(text, "<svg"), PageContent::kDrawn);
    EXPECT_TRUE(holds(text, std::to_string(3000 - PageContent::kDevices) + " more"));
}

TEST_F(HtmlTest, ChunksTooNarrowToBeSeenAreDrawnAsOne) {
    auto volume = drawn_volume(1);
    volume.places.clear();
    for (uint64_t i = 0; i < 20000; i++)
        volume.places.push_back({i << 14,
                                 1 << 14,
                                 i % 2 == 0 ? format::chunk_kind::kData : format::chunk_kind::kMetadata,
                                 format::Profile::single,
                                 1 << 13,
                                 {{3, i << 13}}});
    writer_.volume(volume);
    writer_.device(some_device());
    const auto text = page();
    EXPECT_LT(count(text, "class=\"chunk "), 500u + 20u);
    uint64_t drawn = 0;
    for (const uint64_t number : numbers(text, "<title>")) drawn += number;
    EXPECT_EQ(drawn, 20000u);
}

TEST_F(HtmlTest, SaysWhatToDoNext) {
    tell_devices();
    EXPECT_FALSE(holds(page(), "What to do next"));
    auto summary = some_summary();
    summary.distrust = {3};
    summary.next = {"wipe the old disk"};
    summary.files_incomplete = true;
    const auto text = page(summary);
    EXPECT_TRUE(holds(text, "<li>" + distrust_sentence(3)) && holds(text, "<li>wipe the old disk"));
    EXPECT_TRUE(holds(text, kFilesIncomplete));
}

TEST_F(HtmlTest, EveryVerdictHasItsSentence) {
    for (const auto verdict : {Verdict::clean, Verdict::repairable, Verdict::repaired, Verdict::unrepairable,
                               Verdict::undecided, Verdict::done, Verdict::failed, Verdict::interrupted}) {
        auto summary = some_summary();
        summary.verdict = verdict;
        const auto text = page(summary);
        EXPECT_TRUE(holds(text, "data-verdict=\"" + std::string(verdict_name(verdict)) + "\""));
        EXPECT_TRUE(holds(text, verdict_sentence(summary)));
    }
}

TEST_F(HtmlTest, WhatTheFilesOfADamageAre) {
    tell_devices();
    auto event = some_damage();
    event.repairable = scrub::Repairable::no;
    const HurtFiles none, unknown{{}, {}, {}, true};
    FilePart part;
    part.path = "/photo";
    part.inode = 300;
    part.subvolume = 5;
    part.length = 4096;
    part.compressed = true;
    const HurtFiles one{{part}, {}, {}, false};
    for (const auto* files : {&none, &unknown, &one}) writer_.damage(event, files);
    const auto text = page();
    EXPECT_TRUE(holds(text, "none any more") && holds(text, "not known"));
    EXPECT_EQ(number(text, "id=\"files-lost\" data-total=\""), 1u);
    EXPECT_TRUE(holds(text, "<bdi>/photo</bdi>") && holds(text, "0 to 4095") && holds(text, "(compressed)"));
    EXPECT_FALSE(holds(text, "files-repairable"));
}

TEST_F(HtmlTest, WhatHangsOnATreeBlock) {
    tell_devices();
    auto event = some_damage();
    event.role = scrub::Role::tree;
    event.repairable = scrub::Repairable::no;
    HurtFiles hurt;
    hurt.objects.push_back({Loss::entries, "/<b>home", 5, 257, true, {}, {}});
    hurt.objects.push_back({Loss::data, "/letter", 5, 258, false, 4096, 100});
    writer_.damage(event, &hurt);
    const auto text = page();
    EXPECT_EQ(number(text, "id=\"objects\" data-total=\""), 2u);
    EXPECT_TRUE(holds(text, "/&lt;b&gt;home: loses names")) << text;
    EXPECT_TRUE(holds(text, "/letter, bytes 4096 to 4195: lost"));
    EXPECT_FALSE(holds(text, "none any more"));
}

TEST_F(HtmlTest, WhatPartWasLookedAt) {
    tell_devices();
    auto summary = some_summary();
    summary.part = "--tree";
    EXPECT_TRUE(holds(page(summary), "Only a part of the file system was looked at: --tree."));
}

TEST_F(HtmlTest, IsBegunOnceSomethingIsTold) {
    EXPECT_FALSE(writer_.is_begun());
    writer_.summary(some_summary());
    EXPECT_FALSE(writer_.is_begun());
    writer_.action({});
    EXPECT_TRUE(writer_.is_begun());
    HtmlWriter other;
    other.volume(some_volume());
    EXPECT_TRUE(other.is_begun());
}

}  // namespace
}  // namespace raid56::report
