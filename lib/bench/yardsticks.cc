// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/yardsticks.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "bench/together.h"

namespace raid56::bench {
namespace {

constexpr size_t kRead = 1 << 20;
constexpr size_t kUnderWay = 8;

struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
};

std::unique_ptr<uint8_t, Free> allocate(size_t size) {
    auto* memory = static_cast<uint8_t*>(std::aligned_alloc(4096, size));
    if (memory == nullptr) throw std::bad_alloc();
    std::memset(memory, 1, size);
    return std::unique_ptr<uint8_t, Free>(memory);
}

// Reads in a ring: the oldest is finished when its place is needed, the last ones when the ring goes,
// so that none outlives its memory.
class Ring {
  public:
    Ring(device::ReadDevice& device, std::atomic<uint64_t>& bytes, ReadErrors& errors)
        : device_(device),
          bytes_(bytes),
          errors_(errors),
          // What comes only when it is waited for is read into the same, warm memory every time.
          places_(device.reads_in_finish() ? 1 : kUnderWay),
          memory_(allocate(places_.size() * kRead)) {}
    ~Ring() {
        for (size_t i = 0; i < places_.size(); i++) finish(places_[(at_ + i) % places_.size()]);
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    void read(uint64_t offset, size_t length) {
        auto& place = places_[at_];
        finish(place);
        place.op = {offset, ByteSpan(memory_.get() + at_ * kRead, length), 0, nullptr};
        device_.start(place.op);
        place.under_way = true;
        at_ = (at_ + 1) % places_.size();
    }

  private:
    struct Place {
        device::ReadOp op;
        bool under_way = false;
    };

    void finish(Place& place) {
        if (!place.under_way) return;
        place.under_way = false;
        device_.finish(place.op);
        const auto& op = place.op;
        if (op.error == 0)
            bytes_ += op.out.size();
        else if (errors_.count++ == 0)
            errors_ = {1, op.offset, op.out.size(), op.error};
    }

    device::ReadDevice& device_;
    std::atomic<uint64_t>& bytes_;
    ReadErrors& errors_;
    std::vector<Place> places_;
    std::unique_ptr<uint8_t, Free> memory_;
    size_t at_ = 0;  // the oldest
};

void read_plainly(device::ReadDevice& device, uint64_t most, const std::atomic<bool>& stop,
                  std::atomic<uint64_t>& bytes, ReadErrors& errors) {
    Ring ring(device, bytes, errors);
    const uint64_t end = std::min(most, device.size());
    for (uint64_t offset = 0; offset < end && !stop; offset += kRead)
        ring.read(offset, std::min<uint64_t>(kRead, end - offset));
}

}  // namespace

double measure_copy(size_t bytes, Clock clock) {
    const auto from = allocate(bytes), to = allocate(bytes);
    return measure(clock, bytes, [&] {
        std::memcpy(to.get(), from.get(), bytes);
        std::atomic_signal_fence(std::memory_order_seq_cst);  // the copy is wanted, whoever reads it
    });
}

ReadFigure measure_reading(std::span<device::ReadDevice* const> devices, uint64_t most, const std::atomic<bool>& stop,
                           Clock clock) {
    std::atomic<uint64_t> bytes{0};
    std::vector<ReadErrors> errors(devices.size());
    const double start = clock();
    run_together(static_cast<unsigned>(devices.size()),
                 [&](unsigned i) { read_plainly(*devices[i], most, stop, bytes, errors[i]); });
    const double elapsed = clock() - start;
    return {elapsed > 0 ? static_cast<double>(bytes) / elapsed : 0, std::move(errors)};
}

}  // namespace raid56::bench
