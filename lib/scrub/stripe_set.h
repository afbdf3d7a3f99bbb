// SPDX-License-Identifier: GPL-2.0-or-later
// A set of full stripes: a bit for each, in pieces that exist once something there was added. At most 4 MB for 8 TB of
// data, and no more than what was added takes, however long a chunk claims to be.
#pragma once

#include <bitset>
#include <map>

#include "volume/volume.h"

namespace raid56::scrub {

class StripeSet {
  public:
    void add(const volume::MappedChunk& chunk, StripeNo n) { chunks_[chunk.chunk.start][n.v / kBits].set(n.v % kBits); }
    bool contains(const volume::MappedChunk& chunk, StripeNo n) const {
        const auto found = chunks_.find(chunk.chunk.start);
        if (found == chunks_.end()) return false;
        const auto piece = found->second.find(n.v / kBits);
        return piece != found->second.end() && piece->second[n.v % kBits];
    }
    bool empty() const { return chunks_.empty(); }

  private:
    static constexpr size_t kBits = 4096;
    std::map<Logical, std::map<uint64_t, std::bitset<kBits>>> chunks_;
};

}  // namespace raid56::scrub
