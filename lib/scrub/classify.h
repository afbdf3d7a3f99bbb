// SPDX-License-Identifier: GPL-2.0-or-later
// The truth table of a row's parity (DESIGN 3.4, 3.5): what P and Q are worth once everything that
// can be proven has been put right. Pure; no bytes here, only what was found about them.
#pragma once

#include <cstdint>

#include "parity/syndrome.h"

namespace raid56::scrub {

/// What the user said of written data that nothing proves and its parity, where they contradict each
/// other (DESIGN 3.4).
enum class NoChecksum : uint8_t {
    report,        // nothing is written
    trust_parity,  // raid6: a silent column that the syndromes single out is put back from P and Q
    trust_data,    // parity is made anew from the data as it stands
};

/// What the row looks like after its provable sectors were put right. A row in which a sector that
/// should be proven stays bad does not come here: its parity is not judged.
struct RowFacts {
    bool written = false;                           // something allocated here was ever written
    bool all_proven = false;                        // and all of it is proven
    bool has_p = false, has_q = false;              // usable: there, readable, on a trusted device
    bool p_differs = false, q_differs = false;      // usable ones, against the row as put right
    bool p_is_witness = true, q_is_witness = true;  // on a device that is known to be up to date
    unsigned rebuilt = 0;                           // erased sectors without a proof of their own that parity gave back
    parity::Suspect suspect = parity::Suspect::none;  // where both are usable and nothing was rebuilt
    bool in_doubt = false;                            // written data that nothing proves lies on an unsure device
    bool suspect_is_silent = false;               // Suspect::data: that column holds written data that nothing proves
    NoChecksum no_checksum = NoChecksum::report;  // report, too, where the unproven data should have a checksum
};

enum class ParityState : uint8_t {
    unjudged,  // never computed, or nothing to judge it by
    right,
    stale,      // to be written anew
    ambiguous,  // the row cannot be decided
};

struct RowVerdict {
    ParityState p = ParityState::unjudged;
    ParityState q = ParityState::unjudged;
    bool ambiguous = false;         // with neither p nor q ambiguous: no parity is left to say it on
    bool by_syndrome = false;       // stale because the syndromes single it out: proof `parity`
    bool suspect_column = false;    // ambiguous, and the syndromes single out a silent column
    bool put_back_suspect = false;  // that column is to be made from P and Q, because the user said so
    bool by_trust = false;          // stale because the user said so: nothing proves it
    bool parity_confirms = false;   // some parity that was not used agrees with the row
};

RowVerdict classify(const RowFacts& facts);

}  // namespace raid56::scrub
