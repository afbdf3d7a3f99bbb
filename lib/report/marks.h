// SPDX-License-Identifier: GPL-2.0-or-later
// Damage along a stretch of a device, summed up in equal pieces: as much memory for one finding as for all that there
// can be. Pure.
#pragma once

#include <array>
#include <vector>

#include "base/range.h"
#include "scrub/findings.h"

namespace raid56::report {

/// What can be done about damage, the worst first.
enum class State : uint8_t { lost, undecided, repairable };
inline constexpr std::array kStates = {State::lost, State::undecided, State::repairable};
State state_of(scrub::Repairable repairable);
std::string state_words(State state);

/// A number for each state.
class PerState {
  public:
    uint64_t& operator[](State state) { return numbers_[static_cast<size_t>(state)]; }
    uint64_t operator[](State state) const { return numbers_[static_cast<size_t>(state)]; }
    bool operator==(const PerState&) const = default;

  private:
    std::array<uint64_t, kStates.size()> numbers_{};
};

/// Of one state, without gaps as far as pieces tell.
struct Mark {
    Range place;  // bytes of the device, whole pieces
    State state = State::lost;
    uint64_t bytes = 0;              // that are damaged
    std::vector<scrub::Role> roles;  // each once, in the order of the enum
    bool operator==(const Mark&) const = default;

    /// Data, trees or superblocks; else what is only there to put these right.
    bool is_content() const;
};

class Marks {
  public:
    static constexpr uint64_t kPieces = 480;  // at most

    explicit Marks(Range place) : place_(place) {}

    /// What lies outside counts at the nearer end.
    void add(const scrub::Damage& damage);

    Range place() const { return place_; }
    /// Bytes that are damaged.
    const PerState& bytes() const { return bytes_; }
    /// Those of a state, ascending; neighbouring pieces of which both or neither have content are one.
    std::vector<Mark> of(State state) const;

  private:
    struct Piece {
        PerState bytes;
        std::array<uint8_t, kStates.size()> roles{};  // a bit for each
    };

    uint64_t piece_length() const { return place_.empty() ? 1 : (place_.length() - 1) / kPieces + 1; }
    Range piece(size_t number) const;
    size_t piece_at(uint64_t at) const;

    Range place_;
    std::vector<Piece> pieces_;  // none before the first damage
    PerState bytes_;
};

}  // namespace raid56::report
