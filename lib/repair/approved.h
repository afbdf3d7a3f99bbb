// SPDX-License-Identifier: GPL-2.0-or-later
// The writes of a plan that was saved: which of those that a new scrub finds are among them, bit for bit. So
// nothing is written that is not proven now, and nothing that the plan did not show.
//
// Thread rule: one thread. Memory: some 60 bytes a write.
#pragma once

#include <set>

#include "repair/log.h"

namespace raid56::repair {

class Approved {
  public:
    /// Errors: records that are no writes of a plan, I/O.
    static Result<Approved> read(device::WriteDevice& plan, const LogState& state);

    /// Whether the plan has this write, in every byte; each counts once.
    bool take(const Write& write, const WriteBytes& bytes) { return left_.erase(key_of(write, bytes.new_bytes)) > 0; }
    /// The first write of the plan, in its order, that take() was not asked for.
    std::optional<Write> first_left(device::WriteDevice& plan, const LogState& state) const;

  private:
    static Digest key_of(const Write& write, ByteView new_bytes);

    std::set<Digest> left_;
};

}  // namespace raid56::repair
