// SPDX-License-Identifier: GPL-2.0-or-later
// Chunks that are to be shown alone, all their parts one below the other: as many as there is room for, those of which
// something is lost before others. Pure.
#pragma once

#include <map>
#include <optional>

#include "report/marks.h"
#include "report/model.h"

namespace raid56::report {

class DamagedChunks {
  public:
    static constexpr size_t kParts = 512;  // of all chunks together

    struct Entry {
        const ChunkPlace* place = nullptr;
        std::vector<Marks> parts;  // by stripe
        State worst = State::repairable;
        uint64_t findings = 0;
    };

    /// `place`: the chunk that it is in; to outlive this. Chunks come one after the other, as the report has them.
    void add(const ChunkPlace& place, const scrub::Damage& damage);

    /// By logical address.
    const std::map<uint64_t, Entry>& shown() const { return shown_; }
    bool shows(uint64_t chunk) const { return shown_.contains(chunk); }
    /// Damaged ones for which there was no room.
    uint64_t left_out() const { return left_out_; }

  private:
    void make_room(uint64_t current);

    std::map<uint64_t, Entry> shown_;
    size_t parts_ = 0;
    uint64_t left_out_ = 0;
    const ChunkPlace* too_wide_ = nullptr;  // the last one that was
};

/// The stripe of a chunk that holds that place, or nothing.
std::optional<size_t> stripe_at(const ChunkPlace& place, uint64_t devid, uint64_t physical);

}  // namespace raid56::report
