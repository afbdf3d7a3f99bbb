// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/classify.h"

namespace raid56::scrub {
namespace {

RowVerdict ambiguous(bool has_p, bool suspect_column) {
    RowVerdict v;
    v.ambiguous = true;
    v.suspect_column = suspect_column;
    (has_p ? v.p : v.q) = ParityState::ambiguous;
    return v;
}

ParityState judged(bool usable, bool differs) {
    if (!usable) return ParityState::unjudged;
    return differs ? ParityState::stale : ParityState::right;
}

// Written data that nothing proves, both parities at hand: the syndromes speak.
RowVerdict by_syndromes(const RowFacts& facts) {
    RowVerdict v;
    v.by_syndrome = true;
    v.p = v.q = ParityState::right;
    switch (facts.suspect) {
        case parity::Suspect::none: v.parity_confirms = true; return v;
        case parity::Suspect::p: v.p = ParityState::stale; v.parity_confirms = true; return v;
        case parity::Suspect::q: v.q = ParityState::stale; v.parity_confirms = true; return v;
        case parity::Suspect::data:
            if (facts.suspect_is_silent) return ambiguous(true, true);
            v.p = v.q = ParityState::stale;
            return v;
        case parity::Suspect::several: return ambiguous(true, false);
    }
    return v;
}

}  // namespace

RowVerdict classify(const RowFacts& facts) {
    const bool differs = (facts.has_p && facts.p_differs) || (facts.has_q && facts.q_differs);
    const unsigned usable = static_cast<unsigned>(facts.has_p) + static_cast<unsigned>(facts.has_q);
    if (!facts.written) return {};
    if (facts.rebuilt > 0) {
        // A parity that was used agrees by construction; one that was not is a witness.
        if (differs) return ambiguous(facts.has_p, false);
        RowVerdict v;
        v.p = judged(facts.has_p, false);
        v.q = judged(facts.has_q, false);
        v.parity_confirms = usable > facts.rebuilt;
        return v;
    }
    if (facts.all_proven) {
        RowVerdict v;
        v.p = judged(facts.has_p, facts.p_differs);
        v.q = judged(facts.has_q, facts.q_differs);
        return v;
    }
    if (usable == 2) return by_syndromes(facts);
    if (differs) return ambiguous(facts.has_p, false);
    RowVerdict v;
    v.p = judged(facts.has_p, false);
    v.q = judged(facts.has_q, false);
    v.parity_confirms = usable == 1;
    return v;
}

}  // namespace raid56::scrub
