// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/marks.h"

#include <gtest/gtest.h>

#include <random>

#include "events.h"
#include "report/damaged_chunks.h"
#include "report/hurt_files.h"

namespace raid56::report {
namespace {

scrub::Damage damage_at(uint64_t physical, uint64_t length, scrub::Repairable repairable = scrub::Repairable::yes,
                        scrub::Role role = scrub::Role::data) {
    auto event = some_damage();
    event.physical = Physical(physical);
    event.length = length;
    event.repairable = repairable;
    event.role = role;
    return event;
}

TEST(Marks, ASectorIsMarkedWhereItLies) {
    Marks marks({4800, 4800 + 480 * 100});
    EXPECT_TRUE(marks.of(State::repairable).empty());
    marks.add(damage_at(4800 + 7 * 100 + 10, 50));
    EXPECT_EQ(marks.of(State::repairable),
              (std::vector<Mark>{{{5500, 5600}, State::repairable, 50, {scrub::Role::data}}}));
    EXPECT_TRUE(marks.of(State::lost).empty());
}

TEST(Marks, NeighboursAreOneWhereBothHaveContentOrNeither) {
    Marks marks({0, 48000});
    marks.add(damage_at(0, 250));
    marks.add(damage_at(300, 100, scrub::Repairable::yes, scrub::Role::tree));
    marks.add(damage_at(400, 100, scrub::Repairable::yes, scrub::Role::q));
    marks.add(damage_at(600, 100, scrub::Repairable::yes, scrub::Role::p));
    const auto all = marks.of(State::repairable);
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(all[0], (Mark{{0, 400}, State::repairable, 350, {scrub::Role::data, scrub::Role::tree}}));
    EXPECT_TRUE(all[0].is_content());
    EXPECT_EQ(all[1], (Mark{{400, 500}, State::repairable, 100, {scrub::Role::q}}));
    EXPECT_FALSE(all[1].is_content());
    EXPECT_EQ(all[2], (Mark{{600, 700}, State::repairable, 100, {scrub::Role::p}}));
}

// Every byte is counted once, whatever the length of the strip and wherever the damage lies.
TEST(Marks, NothingIsLostInSummingUp) {
    std::mt19937_64 random(1);
    for (const uint64_t length :
         {uint64_t{0}, uint64_t{1}, uint64_t{479}, uint64_t{481}, uint64_t{1} << 40, UINT64_MAX}) {
        Marks marks({0, length});
        PerState wanted;
        for (int i = 0; i < 500; i++) {
            const auto repairable = static_cast<scrub::Repairable>(random() % 3);
            const auto event =
                damage_at(random() >> (random() % 64), 1 + random() % (1 << (random() % 20)), repairable);
            marks.add(event);
            wanted[state_of(repairable)] += event.length;
        }
        EXPECT_EQ(marks.bytes(), wanted);
        for (const State state : kStates) {
            uint64_t sum = 0, behind = 0;
            for (const auto& mark : marks.of(state)) {
                EXPECT_GE(mark.place.start, behind);
                EXPECT_LE(mark.place.end, length);
                behind = mark.place.end;
                sum += mark.bytes;
            }
            EXPECT_EQ(sum, wanted[state]) << length << ' ' << state_words(state);
        }
    }
}

std::vector<ChunkPlace> many_chunks(size_t count, size_t width) {
    std::vector<ChunkPlace> places;
    for (size_t i = 0; i < count; i++) {
        ChunkPlace place{i << 30, 1 << 30, format::chunk_kind::kData, format::Profile::raid6, 1 << 28, {}};
        for (size_t d = 0; d < width; d++) place.parts.push_back({d + 1, i << 28});
        places.push_back(place);
    }
    return places;
}

scrub::Damage damage_in(const ChunkPlace& place, scrub::Repairable repairable) {
    auto event = damage_at(place.parts[0].physical + 4096, 4096, repairable);
    event.devid = DevId(1);
    return event;
}

TEST(DamagedChunks, WhatIsLostIsShownBeforeWhatIsNot) {
    const auto places = many_chunks(400, 8);
    const size_t room = DamagedChunks::kParts / 8;
    DamagedChunks chunks;
    for (size_t i = 0; i < places.size(); i++) {
        chunks.add(places[i], damage_in(places[i], scrub::Repairable::yes));
        if (i % 100 == 99) chunks.add(places[i], damage_in(places[i], scrub::Repairable::no));
    }
    EXPECT_EQ(chunks.shown().size(), room);
    EXPECT_EQ(chunks.left_out(), places.size() - room);
    for (const size_t i : {size_t{99}, size_t{199}, size_t{299}, size_t{399}, size_t{0}, size_t{1}})
        EXPECT_TRUE(chunks.shows(places[i].logical)) << i;
    const auto& worst = chunks.shown().at(places[299].logical);
    EXPECT_EQ(worst.worst, State::lost);
    EXPECT_EQ(worst.findings, 2u) << "those from before it was known to be worth it, too";
    EXPECT_EQ(worst.parts[0].bytes()[State::lost] + worst.parts[0].bytes()[State::repairable], 8192u);
}

TEST(DamagedChunks, OneThatIsTooWideIsCountedOnce) {
    const auto places = many_chunks(2, DamagedChunks::kParts + 1);
    DamagedChunks chunks;
    for (int i = 0; i < 3; i++) chunks.add(places[1], damage_in(places[1], scrub::Repairable::no));
    EXPECT_TRUE(chunks.shown().empty());
    EXPECT_EQ(chunks.left_out(), 1u);
    auto elsewhere = damage_in(places[0], scrub::Repairable::no);
    elsewhere.physical = Physical(1ull << 40);
    chunks.add(places[0], elsewhere);
    EXPECT_EQ(chunks.left_out(), 1u) << "in no part of it";
}

TEST(FileList, AFileIsListedOnceWithItsPlaces) {
    FileList list;
    FilePart part;
    part.path = "/b";
    part.inode = 257;
    for (const uint64_t at : {0, 4096, 16384}) {
        part.offset = at;
        part.length = 4096;
        list.add(part);
    }
    part.path = "/a";
    list.add(part);
    ASSERT_EQ(list.files().size(), 2u);
    EXPECT_EQ(std::get<0>(list.files().begin()->first), "/a");
    EXPECT_EQ(list.files().rbegin()->second.places, (std::vector<Range>{{0, 8192}, {16384, 20480}}));
    EXPECT_FALSE(list.files().rbegin()->second.more_places);
    for (uint64_t i = 0; i < 100; i++) {
        part.offset = i * 8192;
        list.add(part);
    }
    EXPECT_EQ(list.files().begin()->second.places.size(), FileList::kRanges);
    EXPECT_TRUE(list.files().begin()->second.more_places);
}

TEST(FileList, IsCut) {
    FileList list;
    FilePart part;
    for (size_t i = 0; i < FileList::kFiles + 7; i++) {
        part.path = "/" + std::to_string(i);
        list.add(part);
    }
    EXPECT_EQ(list.files().size(), FileList::kFiles);
    EXPECT_EQ(list.left_out(), 7u);
    FileList of_long_paths;
    for (size_t i = 0; i < FileList::kFiles; i++) {
        part.path = std::string(16384, 'x') + std::to_string(i);
        of_long_paths.add(part);
    }
    EXPECT_LT(of_long_paths.files().size(), 257u);
    EXPECT_EQ(of_long_paths.files().size() + of_long_paths.left_out(), FileList::kFiles);
}

}  // namespace
}  // namespace raid56::report
