// SPDX-License-Identifier: GPL-2.0-or-later
// A window with the bytes of its strips, and what checking them gave. Goes round between the thread
// that fills it and the one that checks it; owned by one of them at a time.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "parity/engine.h"
#include "scrub/fix.h"
#include "scrub/window.h"

namespace raid56::scrub {

class Batch {
  public:
    explicit Batch(parity::Engine& engine) : engine_(engine) {}
    /// Waits for reads under way; the devices must still be there.
    ~Batch() { abandon_reads(); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    Window window;

    /// Makes room for the window's strips and starts reading those of its needed full stripes.
    void start_reads(const volume::Volume& volume);
    /// Waits for them; what fails is read again piece by piece, down to sectors, until `stop` is set.
    void finish_reads(const std::atomic<bool>& stop);
    /// After finish_reads(): brings full stripes [first, end), a group or the rest of the window, from
    /// devices that read only now (ReadDevice::reads_in_finish). They share their memory with those of
    /// other groups; `first` is a multiple of group().
    void load(const volume::Volume& volume, const std::atomic<bool>& stop, unsigned first, unsigned end);

    /// Full stripes that are to be checked together: what keeps the engine busy and fits its memory.
    unsigned group() const { return group_; }

    /// The strip of stripe `index` in full stripe `n`, counted from the window's first. Undefined
    /// where the sector is bad or another group is loaded. Of a missing device it is what MissingStrips made
    /// of it, and stays when the next group is loaded: strips of a window lie one behind the other.
    uint8_t* strip(unsigned n, unsigned index) const {
        return strips_[index].start + n % strips_[index].count * kStripLen;
    }
    bool is_bad(unsigned n, unsigned index, unsigned row) const {
        return !bad_[index].empty() && bad_[index][size_t{n} * window.rows() + row];
    }
    bool any_bad(unsigned n, unsigned index) const;
    bool any_bad(unsigned n) const;  // in any strip

    // What the check gave.
    Counters counters;
    std::vector<Damage> damage;  // in the order of the report
    std::vector<FreeRows> free_rows;
    FixList fixes;  // where they are wanted

  private:
    struct Read {
        device::ReadDevice* device = nullptr;
        unsigned index = 0;
        unsigned n = 0;  // the first full stripe
        device::ReadOp op;
    };
    // Memory of one stripe of the chunk: a ring of `count` strips.
    struct Strips {
        uint8_t* start = nullptr;
        unsigned count = 0;
        bool late = false;  // read by load()
    };

    device::ReadDevice* device(const volume::Volume& volume, unsigned index) const {
        return volume.member_of(*window.chunk, index).device;
    }
    void make_room(const volume::Volume& volume);
    template <class Use>
    void each_run(unsigned first, unsigned end, uint64_t bridge, Use&& use) const;
    void finish(Read& read, const std::atomic<bool>& stop);
    void abandon_reads();
    void find_bad(device::ReadDevice& device, unsigned index, unsigned n, ByteSpan out, const std::atomic<bool>& stop);

    parity::Engine& engine_;
    std::unique_ptr<parity::Buffer> memory_;
    unsigned group_ = 1;
    std::vector<Strips> strips_;  // by stripe index
    std::vector<Read> reads_;
    size_t started_ = 0, finished_ = 0;   // of reads_: those between are under way
    std::vector<std::vector<bool>> bad_;  // by stripe index; empty where all is well
};

}  // namespace raid56::scrub
