// SPDX-License-Identifier: GPL-2.0-or-later
// A set of full stripes, a bit for each of a chunk that has any: 4 MB for 8 TB of data.
#pragma once

#include <map>
#include <vector>

#include "volume/volume.h"

namespace raid56::scrub {

class StripeSet {
  public:
    void add(const volume::MappedChunk& chunk, StripeNo n) {
        auto& bits = chunks_[chunk.chunk.start];
        if (bits.empty()) bits.resize(chunk.full_stripes());
        bits[n.v] = true;
    }
    bool contains(const volume::MappedChunk& chunk, StripeNo n) const {
        const auto found = chunks_.find(chunk.chunk.start);
        return found != chunks_.end() && found->second[n.v];
    }
    bool empty() const { return chunks_.empty(); }

  private:
    std::map<Logical, std::vector<bool>> chunks_;
};

}  // namespace raid56::scrub
