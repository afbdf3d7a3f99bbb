// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/yardsticks.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <thread>

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

// Reads in a ring: the oldest is finished when its place is needed.
void read_plainly(device::ReadDevice& device, uint64_t most, const std::atomic<bool>& stop,
                  std::atomic<uint64_t>& bytes, std::atomic<uint64_t>& errors) {
    // What comes only when it is waited for is read into the same, warm memory every time.
    const size_t under_way = device.reads_in_finish() ? 1 : kUnderWay;
    const auto memory = allocate(under_way * kRead);
    std::vector<device::ReadOp> ring(under_way);
    const uint64_t end = std::min(most, device.size());
    const auto finish = [&](device::ReadOp& op) {
        if (op.out.empty()) return;
        device.finish(op);
        (op.error == 0 ? bytes : errors) += op.error == 0 ? op.out.size() : 1;
        op.out = {};
    };
    size_t at = 0;
    for (uint64_t offset = 0; offset < end && !stop; offset += kRead, at = (at + 1) % under_way) {
        finish(ring[at]);
        ring[at] = {offset, ByteSpan(memory.get() + at * kRead, std::min<uint64_t>(kRead, end - offset)), 0, nullptr};
        device.start(ring[at]);
    }
    for (auto& op : ring) finish(op);
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
    std::atomic<uint64_t> bytes{0}, errors{0};
    const double start = clock();
    {
        std::vector<std::jthread> readers;
        for (auto* device : devices)
            readers.emplace_back([&, device] { read_plainly(*device, most, stop, bytes, errors); });
    }
    const double elapsed = clock() - start;
    return {elapsed > 0 ? static_cast<double>(bytes) / elapsed : 0, errors};
}

}  // namespace raid56::bench
