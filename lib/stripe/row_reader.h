// SPDX-License-Identifier: GPL-2.0-or-later
// Rows read straight from the devices, for readers that want a few of them: the tree walker and
// inspect. The scrub loop reads whole batches instead.
#pragma once

#include <vector>

#include "parity/engine.h"
#include "stripe/row.h"
#include "volume/volume.h"

namespace raid56::stripe {

/// Rows [first, first + count) of one full stripe: every column of each.
class Rows {
  public:
    /// Reads them; what cannot be read is erased, as are columns of missing devices.
    Rows(const volume::Volume& volume, const volume::MappedChunk& chunk, StripeNo n, unsigned first, unsigned count);

    /// Row `i` counted from `first`; valid while this object lives.
    Row row(unsigned i) const;

  private:
    unsigned nd_, np_;
    size_t sector_;
    std::vector<uint8_t> memory_;
    std::vector<std::vector<uint8_t*>> columns_;  // by row
    std::vector<ColumnSet> erased_;               // by row
};

}  // namespace raid56::stripe
