// SPDX-License-Identifier: GPL-2.0-or-later
// A window with the bytes of its strips, and what checking them gave. Goes round between the thread
// that fills it and the one that checks it; owned by one of them at a time.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "parity/engine.h"
#include "scrub/window.h"

namespace raid56::scrub {

class Batch {
  public:
    explicit Batch(parity::Engine& engine) : engine_(engine) {}

    Window window;

    /// Makes room for the window's strips and starts reading those of its needed full stripes.
    void start_reads(const volume::Volume& volume);
    /// Waits for them; what fails is read again piece by piece, down to sectors, until `stop` is set.
    void finish_reads(const volume::Volume& volume, const std::atomic<bool>& stop);

    /// The strip of stripe `index` in full stripe `n`, counted from the window's first. Undefined
    /// where the device is missing or the sector is bad.
    uint8_t* strip(unsigned n, unsigned index) const { return strips_[index] + n * kStripLen; }
    bool is_bad(unsigned n, unsigned index, unsigned row) const {
        return !bad_[index].empty() && bad_[index][size_t{n} * window.rows() + row];
    }
    bool any_bad(unsigned n, unsigned index) const;

    // What the check gave.
    Counters counters;
    std::vector<Damage> damage;  // in the order of the report

  private:
    struct Read {
        unsigned index = 0;
        device::ReadOp op;
    };

    parity::Engine& engine_;
    std::unique_ptr<parity::Buffer> memory_;
    std::vector<uint8_t*> strips_;  // by stripe index
    std::vector<Read> reads_;
    std::vector<std::vector<bool>> bad_;  // by stripe index; empty where all is well
};

}  // namespace raid56::scrub
