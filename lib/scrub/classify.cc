// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/classify.h"

namespace raid56::scrub {
namespace {

RowVerdict ambiguous(const RowFacts& facts, bool suspect_column) {
    RowVerdict v;
    v.ambiguous = true;
    v.suspect_column = suspect_column;
    if (facts.has_p)
        v.p = ParityState::ambiguous;
    else if (facts.has_q)
        v.q = ParityState::ambiguous;
    return v;
}

ParityState judged(bool usable, bool differs) {
    if (!usable) return ParityState::unjudged;
    return differs ? ParityState::stale : ParityState::right;
}

// The data as they stand are taken for right, as the user said.
RowVerdict trust_data(const RowFacts& facts) {
    RowVerdict v;
    v.by_trust = true;
    v.p = judged(facts.has_p, facts.p_differs);
    v.q = judged(facts.has_q, facts.q_differs);
    return v;
}

// The syndromes single out one silent column.
RowVerdict silent_suspect(const RowFacts& facts) {
    switch (facts.no_checksum) {
        case NoChecksum::report: break;
        case NoChecksum::trust_data: return trust_data(facts);
        case NoChecksum::trust_parity: {
            // Parity that may have missed the last write would roll it back.
            if (!facts.p_is_witness || !facts.q_is_witness) break;
            RowVerdict v;
            v.p = v.q = ParityState::right;
            v.put_back_suspect = true;
            return v;
        }
    }
    return ambiguous(facts, true);
}

// Data and parity contradict each other, and nothing says where.
RowVerdict contradiction(const RowFacts& facts) {
    return facts.no_checksum == NoChecksum::trust_data && facts.rebuilt == 0 ? trust_data(facts)
                                                                             : ambiguous(facts, false);
}

// Written data that nothing proves, both parities at hand: the syndromes speak.
RowVerdict by_syndromes(const RowFacts& facts) {
    RowVerdict v;
    v.by_syndrome = true;
    v.p = v.q = ParityState::right;
    switch (facts.suspect) {
        case parity::Suspect::none: v.parity_confirms = true; return v;
        case parity::Suspect::p:
            v.p = ParityState::stale;
            v.parity_confirms = true;
            return v;
        case parity::Suspect::q:
            v.q = ParityState::stale;
            v.parity_confirms = true;
            return v;
        case parity::Suspect::data:
            if (facts.suspect_is_silent) return silent_suspect(facts);
            v.p = v.q = ParityState::stale;
            return v;
        case parity::Suspect::several: return contradiction(facts);
    }
    return v;
}

RowVerdict without_doubt(const RowFacts& facts) {
    const bool differs = (facts.has_p && facts.p_differs) || (facts.has_q && facts.q_differs);
    const unsigned usable = static_cast<unsigned>(facts.has_p) + static_cast<unsigned>(facts.has_q);
    RowVerdict v;
    if (facts.rebuilt == 0 && facts.all_proven) {
        v.p = judged(facts.has_p, facts.p_differs);
        v.q = judged(facts.has_q, facts.q_differs);
        return v;
    }
    if (facts.rebuilt == 0 && usable == 2) return by_syndromes(facts);
    if (differs) return contradiction(facts);
    // A parity that was used agrees by construction; one that was not is a witness.
    v.p = judged(facts.has_p, false);
    v.q = judged(facts.has_q, false);
    v.parity_confirms = usable > facts.rebuilt;
    return v;
}

}  // namespace

RowVerdict classify(const RowFacts& facts) {
    if (!facts.written) return {};
    const RowVerdict verdict = without_doubt(facts);
    if (!facts.in_doubt || verdict.ambiguous) return verdict;
    // Parity that may have missed the same write as the data says nothing for them.
    const bool witnessed = (verdict.p == ParityState::right && facts.p_is_witness) ||
                           (verdict.q == ParityState::right && facts.q_is_witness);
    return verdict.parity_confirms && witnessed ? verdict : ambiguous(facts, false);
}

}  // namespace raid56::scrub
