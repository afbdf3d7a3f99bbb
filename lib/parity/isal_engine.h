// SPDX-License-Identifier: GPL-2.0-or-later
// The two ways in which the ISA-L engine may verify P and Q; which is faster depends on the processor
// (NOTES.md). Callers use isal_engine(), which chooses; tests make both.
// Thread rule: an engine holds constants only. Nothing is allocated for a job.
#pragma once

#include <memory>

#include "parity/engine.h"

namespace raid56::parity {

enum class IsalVerify : uint8_t {
    together,  // generate P and Q into scratch, compare: fastest with AVX-512
    apart,     // xor check for P; generate Q into scratch, compare
};

/// The faster way on this processor.
IsalVerify preferred_isal_verify();

/// Takes jobs of at least two data columns, every column aligned to 64 bytes, lengths that are
/// multiples of 64 from 64 bytes to 1 GiB. Refuses every other one, and digests.
std::unique_ptr<Engine> make_isal_engine(IsalVerify how);

}  // namespace raid56::parity
