// SPDX-License-Identifier: GPL-2.0-or-later
// The truth table of a row's parity, whole: every combination of facts that can occur, against the
// rules as they were written down, in the order in which they were written down.
#include "scrub/classify.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace raid56::scrub {
namespace {

using parity::Suspect;

const char* name(Suspect suspect) {
    switch (suspect) {
        case Suspect::none: return "none";
        case Suspect::p: return "P";
        case Suspect::q: return "Q";
        case Suspect::data: return "data";
        case Suspect::several: return "several";
    }
    return "?";
}

std::string words(const RowFacts& f) {
    std::string text = f.written ? "written" : "never written";
    if (f.all_proven) text += ", all proven";
    if (f.in_doubt) text += ", in doubt";
    text += f.has_p ? f.p_differs ? ", P differs" : ", P fits" : ", no P";
    text += f.has_q ? f.q_differs ? ", Q differs" : ", Q fits" : ", no Q";
    if (!f.p_is_witness) text += ", P unsure";
    if (!f.q_is_witness) text += ", Q unsure";
    if (f.rebuilt > 0) text += ", rebuilt " + std::to_string(f.rebuilt);
    if (f.suspect != Suspect::none) text += std::string(", suspect ") + name(f.suspect);
    if (f.suspect_is_silent) text += " silent";
    return text;
}

/// Whether the judge can ever ask this.
bool can_occur(const RowFacts& f) {
    if (f.p_differs && !f.has_p) return false;
    if (f.q_differs && !f.has_q) return false;
    // Asked of parity that is there; both may be on unsure devices.
    if (!f.p_is_witness && !f.has_p) return false;
    if (!f.q_is_witness && !f.has_q) return false;
    if (f.rebuilt > unsigned{f.has_p} + unsigned{f.has_q}) return false;
    // A parity that was used agrees by construction; P is used before Q.
    if (f.rebuilt > 0 && f.has_p && f.p_differs) return false;
    if (f.rebuilt == 2 && f.q_differs) return false;
    if (f.rebuilt == 1 && !f.has_p && f.q_differs) return false;
    // Silent data on an unsure device is silent data.
    if (f.in_doubt && (f.all_proven || !f.written)) return false;
    if (f.suspect_is_silent && f.suspect != Suspect::data) return false;
    // Syndromes are asked only where both parities are there and something unproven was written.
    const bool asked = f.has_p && f.has_q && f.rebuilt == 0 && !f.all_proven && (f.p_differs || f.q_differs);
    switch (f.suspect) {
        case Suspect::none: return !asked;
        case Suspect::p: return asked && !f.q_differs;
        case Suspect::q: return asked && !f.p_differs;
        case Suspect::data:
        case Suspect::several: return asked && f.p_differs && f.q_differs;
    }
    return false;
}

std::vector<RowFacts> all_facts() {
    std::vector<RowFacts> all;
    for (unsigned bits = 0; bits < 1024; bits++)
        for (unsigned rebuilt = 0; rebuilt <= 2; rebuilt++)
            for (const auto suspect : {Suspect::none, Suspect::p, Suspect::q, Suspect::data, Suspect::several}) {
                RowFacts f;
                f.written = (bits & 1) != 0;
                f.all_proven = (bits & 2) != 0;
                f.has_p = (bits & 4) != 0;
                f.has_q = (bits & 8) != 0;
                f.p_differs = (bits & 16) != 0;
                f.q_differs = (bits & 32) != 0;
                f.in_doubt = (bits & 64) != 0;
                f.suspect_is_silent = (bits & 128) != 0;
                f.p_is_witness = (bits & 256) == 0;
                f.q_is_witness = (bits & 512) == 0;
                f.rebuilt = rebuilt;
                f.suspect = suspect;
                if (can_occur(f)) all.push_back(f);
            }
    return all;
}

/// What the rules say of a row: one word for the whole of it.
enum class Word {
    nothing,          // nothing here was ever written: parity was never computed
    each_by_itself,   // all proven: P and Q are right or stale, each
    both_stale,       // the syndromes single out a column that is known to be right, or holds nothing
    one_stale,        // the syndromes single out P or Q
    undecided,        // ambiguous
    undecided_named,  // ambiguous, and a silent column is suspect
    agree,            // what parity there is fits
};

/// Parity on an unsure device may have missed the same write as the data: it says nothing for them.
bool has_witness(const RowFacts& f) {
    return (f.has_p && !f.p_differs && f.p_is_witness) || (f.has_q && !f.q_differs && f.q_is_witness);
}

Word rule(const RowFacts& f) {
    // 3.4 "A row in which nothing allocated was ever written has parity that was never computed: not judged."
    if (!f.written) return Word::nothing;

    // 3.5 "Erased silent or free sectors are put back from parity ... unless surviving parities disagree."
    if (f.rebuilt > 0) {
        if (f.p_differs || f.q_differs) return Word::undecided;
        const bool spare = unsigned{f.has_p} + unsigned{f.has_q} > f.rebuilt;
        return f.in_doubt && !(spare && has_witness(f)) ? Word::undecided : Word::agree;
    }
    // 3.4 "All allocated sectors proven, parity differs: stale parity, repairable."
    if (f.all_proven) return Word::each_by_itself;

    // 3.4 "With written silent sectors: on raid6 the syndromes may single out P, Q, a proven or a free
    // column: stale parity, repairable; a silent column, or no single one: ambiguous ..."
    if (f.has_p && f.has_q && (f.p_differs || f.q_differs)) {
        if (f.suspect == Suspect::p || f.suspect == Suspect::q)
            return f.in_doubt && !has_witness(f) ? Word::undecided : Word::one_stale;
        if (f.suspect == Suspect::several) return Word::undecided;
        if (f.suspect_is_silent) return Word::undecided_named;
        // P and Q were both used to find the column: nothing is left to speak for an unsure device.
        return f.in_doubt ? Word::undecided : Word::both_stale;
    }
    // "... raid5 cannot tell." Nor can what is left of raid6.
    if (f.p_differs || f.q_differs) return Word::undecided;
    // 3.2 "On an unsure one silent data is in doubt: ambiguous", unless a parity that was not used agrees.
    if (f.in_doubt && !has_witness(f)) return Word::undecided;
    return Word::agree;
}

ParityState right_or_none(bool has) { return has ? ParityState::right : ParityState::unjudged; }

RowVerdict verdict_of(const RowFacts& f) {
    RowVerdict v;
    switch (rule(f)) {
        case Word::nothing: return v;
        case Word::each_by_itself:
        case Word::one_stale:
            v.p = f.p_differs ? ParityState::stale : right_or_none(f.has_p);
            v.q = f.q_differs ? ParityState::stale : right_or_none(f.has_q);
            return v;
        case Word::both_stale: v.p = v.q = ParityState::stale; return v;
        case Word::undecided_named: v.suspect_column = true; [[fallthrough]];
        case Word::undecided:
            // "An ambiguous row is one event, on P (on Q where P is unreadable)."
            v.ambiguous = true;
            if (f.has_p)
                v.p = ParityState::ambiguous;
            else if (f.has_q)
                v.q = ParityState::ambiguous;
            return v;
        case Word::agree:
            v.p = right_or_none(f.has_p);
            v.q = right_or_none(f.has_q);
            return v;
    }
    return v;
}

TEST(Classify, EveryCombinationThatCanOccurIsAsTheRulesSay) {
    const auto all = all_facts();
    EXPECT_GT(all.size(), 70u);
    for (const auto& facts : all) {
        const auto have = classify(facts), expect = verdict_of(facts);
        EXPECT_EQ(have.ambiguous, expect.ambiguous) << words(facts);
        EXPECT_EQ(have.p, expect.p) << words(facts);
        EXPECT_EQ(have.q, expect.q) << words(facts);
        EXPECT_EQ(have.suspect_column, expect.suspect_column) << words(facts);
    }
}

TEST(Classify, AParityThatIsNotThereIsNeverJudged) {
    for (const auto& facts : all_facts()) {
        const auto verdict = classify(facts);
        if (!facts.has_p) EXPECT_EQ(verdict.p, ParityState::unjudged) << words(facts);
        if (!facts.has_q) EXPECT_EQ(verdict.q, ParityState::unjudged) << words(facts);
    }
}

TEST(Classify, NothingThatFitsIsStaleAndNothingThatDiffersIsRight) {
    for (const auto& facts : all_facts()) {
        const auto verdict = classify(facts);
        if (verdict.p == ParityState::stale) EXPECT_TRUE(facts.p_differs) << words(facts);
        if (verdict.q == ParityState::stale) EXPECT_TRUE(facts.q_differs) << words(facts);
        if (verdict.p == ParityState::right) EXPECT_FALSE(facts.p_differs) << words(facts);
        if (verdict.q == ParityState::right) EXPECT_FALSE(facts.q_differs) << words(facts);
    }
}

// `proof: parity` is claimed for these two flags alone: each must have a witness that was not used.
TEST(Classify, ProofByParityNeedsAParityThatFits) {
    for (const auto& facts : all_facts()) {
        const auto verdict = classify(facts);
        const unsigned fitting = unsigned{facts.has_p && !facts.p_differs} + unsigned{facts.has_q && !facts.q_differs};
        if (verdict.parity_confirms) EXPECT_GT(fitting, facts.rebuilt) << words(facts);
        if (verdict.by_syndrome) EXPECT_TRUE(facts.has_p && facts.has_q && facts.rebuilt == 0) << words(facts);
    }
}

TEST(Classify, OnRaid5SilentDataNeverCondemnsItsParity) {
    for (const auto& facts : all_facts()) {
        if (facts.has_q || facts.all_proven) continue;
        EXPECT_NE(classify(facts).p, ParityState::stale) << words(facts);
    }
}

// What the user trusts is asked only where the default is ambiguous, and only of silent data and parity that
// are known to be up to date.
TEST(Classify, TrustChangesNothingButAmbiguousRows) {
    for (auto facts : all_facts()) {
        const auto by_default = classify(facts);
        for (const auto trust : {NoChecksum::trust_parity, NoChecksum::trust_data}) {
            facts.no_checksum = trust;
            const auto trusted = classify(facts);
            if (by_default.ambiguous) {
                if (trusted.ambiguous) continue;
                EXPECT_FALSE(facts.in_doubt) << words(facts);
                EXPECT_EQ(facts.rebuilt, 0u) << words(facts);
                EXPECT_NE(trusted.put_back_suspect, trusted.by_trust) << words(facts);
                EXPECT_FALSE(trusted.by_syndrome || trusted.parity_confirms) << words(facts);
            } else {
                EXPECT_EQ(trusted.p, by_default.p) << words(facts);
                EXPECT_EQ(trusted.q, by_default.q) << words(facts);
                EXPECT_FALSE(trusted.put_back_suspect || trusted.by_trust) << words(facts);
            }
        }
    }
}

TEST(Classify, TrustedParityPutsBackOneSilentColumnAndNothingElse) {
    unsigned put_back = 0;
    for (auto facts : all_facts()) {
        facts.no_checksum = NoChecksum::trust_parity;
        const auto verdict = classify(facts);
        EXPECT_FALSE(verdict.by_trust) << words(facts);
        if (!verdict.put_back_suspect) continue;
        put_back++;
        EXPECT_TRUE(facts.suspect == Suspect::data && facts.suspect_is_silent) << words(facts);
        EXPECT_TRUE(facts.p_is_witness && facts.q_is_witness) << words(facts);
        EXPECT_EQ(verdict.p, ParityState::right) << words(facts);
        EXPECT_EQ(verdict.q, ParityState::right) << words(facts);
    }
    EXPECT_GT(put_back, 0u);
}

TEST(Classify, TrustedDataMakeParityThatDiffersAnew) {
    unsigned anew = 0;
    for (auto facts : all_facts()) {
        facts.no_checksum = NoChecksum::trust_data;
        const auto verdict = classify(facts);
        EXPECT_FALSE(verdict.put_back_suspect) << words(facts);
        if (!verdict.by_trust) continue;
        anew++;
        EXPECT_TRUE(facts.written && !facts.all_proven) << words(facts);
        EXPECT_EQ(verdict.p == ParityState::stale, facts.p_differs) << words(facts);
        EXPECT_EQ(verdict.q == ParityState::stale, facts.q_differs) << words(facts);
    }
    EXPECT_GT(anew, 0u);
}

}  // namespace
}  // namespace raid56::scrub
