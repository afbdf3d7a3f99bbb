// SPDX-License-Identifier: GPL-2.0-or-later
// An engine's digests against those of the checksum library: parity::check_engine() knows no checksums.
#pragma once

#include "parity/engine.h"

namespace raid56::session {

/// Digest jobs of every kind and of several block sizes and counts, in one batch; says what was wrong.
/// A refused job is no error, a failed one is, as with parity::check_engine(). After
/// checksum::self_test().
Result<void> check_digests(parity::Engine& engine);

}  // namespace raid56::session
