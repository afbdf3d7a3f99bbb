// SPDX-License-Identifier: GPL-2.0-or-later
// An AioDevice that runs out of memory at any point of start(): the read is not started, nothing of it
// stays behind, and the device works on. Replaces the operators new and delete of this program.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#include "device/aio_device.h"
#include "temp_folder.h"

namespace {

// Allocations of this thread until one fails, once; -1: none does.
thread_local int g_until_failure = -1;

void* allocate(size_t size) {
    if (g_until_failure >= 0 && g_until_failure-- == 0) return nullptr;
    return std::malloc(std::max<size_t>(size, 1));
}

}  // namespace

// Not inlined: the compiler would take free() for the wrong partner of new.
[[gnu::noinline]] void* operator new(size_t size) {
    if (void* memory = allocate(size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](size_t size) { return operator new(size); }
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
[[gnu::noinline]] void* operator new[](size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace raid56::device {
namespace {

constexpr uint32_t kBlock = 4096;
constexpr size_t kReads = 300;  // the line of those that wait grows several times

/// Starts a read after every failure that there can be; how many there were.
int start_after_failures(AioDevice& device, ReadOp& op) {
    for (int failing = 0;; failing++) {
        g_until_failure = failing;
        try {
            device.start(op);
            g_until_failure = -1;
            return failing;
        } catch (const std::bad_alloc&) {
            g_until_failure = -1;
            EXPECT_EQ(op.cookie, nullptr) << "a read that was not started could be finished";
        }
    }
}

TEST(AioMemory, AReadWithoutMemoryIsNotStartedAndLeavesNothingBehind) {
    TempFolder folder;
    const auto path = folder.file("image", kReads * kBlock);
    Fd direct(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC)), buffered(::open(path.c_str(), O_RDONLY));
    if (!direct) GTEST_SKIP() << "no O_DIRECT in the folder for temporary files";
    // A queue of one: all other reads wait in line.
    auto device = AioDevice::make(direct, buffered, path, kReads * kBlock, kBlock, 1);
    ASSERT_NE(device, nullptr);
    auto* memory = static_cast<uint8_t*>(std::aligned_alloc(kBlock, kReads * kBlock));
    std::vector<ReadOp> ops;
    for (size_t i = 0; i < kReads; i++) ops.push_back({i * kBlock, ByteSpan(memory + i * kBlock, kBlock), 0, nullptr});
    int failures = 0;
    for (auto& op : ops) failures = std::max(failures, start_after_failures(*device, op));
    EXPECT_GE(failures, 3) << "the request, the set of requests, the line";
    for (size_t i = 0; i < kReads / 2; i++) {
        device->finish(ops[i]);
        EXPECT_EQ(ops[i].error, 0);
    }
    const auto expected = pattern(0, kReads / 2 * kBlock);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), memory));
    device.reset();  // the other half is under way
    std::free(memory);
}

}  // namespace
}  // namespace raid56::device
