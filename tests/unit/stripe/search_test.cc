// SPDX-License-Identifier: GPL-2.0-or-later
#include "stripe/search.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace raid56::stripe {
namespace {

constexpr size_t kSector = 4;

/// Accepts the blocks that a test names; counts what it is asked.
class NamingOracle : public Oracle {
  public:
    std::set<std::string> accepted;
    std::set<std::string> impossible;  // sectors
    bool only_one = false;             // as a cryptographic digest
    bool last_byte_means_nothing = false;
    bool tired = false;
    mutable uint64_t asked = 0;

    bool plausible(size_t index, ByteView sector) const override {
        return !impossible.contains(std::to_string(index) + text(sector));
    }
    bool proven(ByteView block) const override {
        asked++;
        return accepted.contains(text(block));
    }
    bool equivalent(ByteView a, ByteView b) const override {
        return last_byte_means_nothing && text(a.first(a.size() - 1)) == text(b.first(b.size() - 1));
    }
    bool collision_free() const override { return only_one; }
    bool give_up() const override { return tired; }

  private:
    static std::string text(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
};

SectorChoices choices(const std::vector<const char*>& contents) {
    SectorChoices all;
    for (const char* content : contents) all.contents.push_back(reinterpret_cast<const uint8_t*>(content));
    return all;
}
/// The s-th content is what hypothesis s gives.
SectorChoices by_hypothesis(const std::vector<const char*>& contents) {
    SectorChoices all;
    for (const char* content : contents) all.add(reinterpret_cast<const uint8_t*>(content), kSector);
    return all;
}

std::string text(const SearchResult& result) { return {result.block.begin(), result.block.end()}; }

TEST(Search, FindsTheOneCombination) {
    NamingOracle oracle;
    oracle.accepted = {"aaa2bbb1ccc3"};
    const auto result =
        search({choices({"aaa1", "aaa2"}), choices({"bbb1"}), choices({"ccc1", "ccc2", "ccc3"})}, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::one);
    EXPECT_EQ(text(result), "aaa2bbb1ccc3");
    EXPECT_EQ(oracle.asked, 6u) << "all of them, to know that there is no second";
}

TEST(Search, SaysNoneWhereNothingIsProven) {
    NamingOracle oracle;
    oracle.accepted = {"something"};
    const auto result = search({choices({"aaa1", "aaa2"}), choices({"bbb1"})}, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::none);
    EXPECT_TRUE(result.block.empty());
}

TEST(Search, ASectorThatCanBeNothingEndsIt) {
    NamingOracle oracle;
    EXPECT_EQ(search({choices({"aaa1"}), choices({})}, kSector, oracle).verdict, Verdict::none);
    EXPECT_EQ(oracle.asked, 0u);
}

TEST(Search, TwoDifferentOnesAreAmbiguous) {
    NamingOracle oracle;
    oracle.accepted = {"aaa1bbb2", "aaa2bbb1"};
    const auto result = search({choices({"aaa1", "aaa2"}), choices({"bbb1", "bbb2"})}, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::ambiguous);
    EXPECT_TRUE(result.block.empty()) << "nothing that somebody could write";
}

TEST(Search, TwoDifferentOnesAmongTheUniformHypothesesAreAmbiguousToo) {
    NamingOracle oracle;
    oracle.accepted = {"aaa1bbb1", "aaa2bbb2"};
    EXPECT_EQ(search({by_hypothesis({"aaa1", "aaa2"}), by_hypothesis({"bbb1", "bbb2"})}, kSector, oracle).verdict,
              Verdict::ambiguous);
}

TEST(Search, ASecondOneBesideAUniformOneIsStillFound) {
    NamingOracle oracle;
    oracle.accepted = {"aaa1bbb1", "aaa1bbb2"};
    EXPECT_EQ(search({by_hypothesis({"aaa1", "aaa2"}), by_hypothesis({"bbb1", "bbb2"})}, kSector, oracle).verdict,
              Verdict::ambiguous);
}

TEST(Search, BlocksThatSayTheSameAreOne) {
    NamingOracle oracle;
    oracle.accepted = {"aaa1bbbx", "aaa1bbby"};
    oracle.last_byte_means_nothing = true;
    const auto result = search({choices({"aaa1"}), choices({"bbbx", "bbby"})}, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::one);
    EXPECT_EQ(text(result), "aaa1bbbx") << "the likelier one";
}

TEST(Search, WithACryptographicDigestTheFirstEndsIt) {
    NamingOracle oracle;
    oracle.accepted = {"aaa1", "aaa3"};
    oracle.only_one = true;
    const auto result = search({choices({"aaa1", "aaa2", "aaa3"})}, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::one);
    EXPECT_EQ(text(result), "aaa1");
    EXPECT_EQ(oracle.asked, 1u);
}

TEST(Search, WhatIsNotPlausibleIsNeverTried) {
    NamingOracle oracle;
    oracle.accepted = {"aaa2bbb2"};
    oracle.impossible = {"0aaa1", "1bbb1"};
    const auto result = search({choices({"aaa1", "aaa2"}), choices({"bbb1", "bbb2"})}, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::one);
    EXPECT_EQ(oracle.asked, 1u);
}

TEST(Search, AnImplausibleContentIsNotTakenByAHypothesisEither) {
    NamingOracle oracle;
    oracle.accepted = {"aaa1bbb1"};
    oracle.impossible = {"0aaa1"};
    EXPECT_EQ(search({by_hypothesis({"aaa1", "aaa2"}), by_hypothesis({"bbb1", "bbb2"})}, kSector, oracle).verdict,
              Verdict::none);
}

// ---- limits

std::vector<SectorChoices> ten_of_four() {
    return std::vector<SectorChoices>(10, choices({"aaa1", "aaa2", "aaa3", "aaa4"}));
}

TEST(SearchLimit, TooManyCombinationsAreNotKnownToBeNone) {
    NamingOracle oracle;
    const uint64_t all = uint64_t{1} << 20;
    EXPECT_EQ(search(ten_of_four(), kSector, oracle, all * 40 - 1).verdict, Verdict::limit);
    EXPECT_EQ(search(ten_of_four(), kSector, oracle, all * 40).verdict, Verdict::none);
    EXPECT_EQ(oracle.asked, all);
}

TEST(SearchLimit, CombinationsBeyondAnyNumberAreTooMany) {
    NamingOracle oracle;
    const std::vector<SectorChoices> many(64, choices({"aaa1", "aaa2", "aaa3", "aaa4"}));
    EXPECT_EQ(search(many, kSector, oracle).verdict, Verdict::limit);
}

TEST(SearchLimit, OneOfTheUniformHypothesesStandsAllTheSame) {
    NamingOracle oracle;
    std::string truth;
    for (int i = 0; i < 64; i++) truth += "aaa3";
    oracle.accepted = {truth};
    const std::vector<SectorChoices> many(64, by_hypothesis({"aaa1", "aaa2", "aaa3", "aaa4"}));
    const auto result = search(many, kSector, oracle);
    EXPECT_EQ(result.verdict, Verdict::one);
    EXPECT_EQ(text(result), truth);
}

TEST(SearchLimit, ASectorWithOneContentFitsEveryHypothesis) {
    NamingOracle oracle;
    std::string truth = "only";
    std::vector<SectorChoices> many = {choices({"only"})};
    for (int i = 0; i < 40; i++) {
        truth += "aaa2";
        many.push_back(by_hypothesis({"aaa1", "aaa2"}));
    }
    oracle.accepted = {truth};
    EXPECT_EQ(text(search(many, kSector, oracle)), truth);
}

TEST(SearchLimit, AHypothesisThatGivesASectorNothingIsLeftOut) {
    NamingOracle oracle;
    auto first = by_hypothesis({"aaa1", "aaa2"});
    first.add(nullptr, kSector);
    oracle.accepted = {"aaa1bbb3"};
    EXPECT_EQ(search({first, by_hypothesis({"bbb1", "bbb2", "bbb3"})}, kSector, oracle, 7).verdict, Verdict::limit)
        << "the third hypothesis has no first sector, and nothing else may be tried";
    EXPECT_EQ(text(search({first, by_hypothesis({"bbb1", "bbb2", "bbb3"})}, kSector, oracle)), "aaa1bbb3");
}

TEST(SearchLimit, AnInterruptEndsIt) {
    NamingOracle oracle;
    oracle.tired = true;
    (void)search(ten_of_four(), kSector, oracle);
    EXPECT_LE(oracle.asked, 1u);
}

TEST(SectorChoices, KeepsEachContentOnceAndItsHypotheses) {
    const auto all = by_hypothesis({"aaa1", "aaa2", "aaa1"});
    EXPECT_EQ(all.contents.size(), 2u);
    EXPECT_EQ(all.by_set, (std::vector<uint16_t>{0, 1, 0}));
    SectorChoices none;
    none.add(nullptr, kSector);
    EXPECT_EQ(none.by_set, std::vector<uint16_t>{SectorChoices::kNoContent});
    EXPECT_TRUE(none.contents.empty());
}

}  // namespace
}  // namespace raid56::stripe
