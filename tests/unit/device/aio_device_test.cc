// SPDX-License-Identifier: GPL-2.0-or-later
// Over a loop device where there is one, and over a file that takes O_DIRECT, which needs no root.
#include "device/aio_device.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <thread>

#include "loop_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

constexpr uint32_t kBlock = 512;
constexpr uint64_t kSize = 4 << 20;

enum class Over { file, loop };

void PrintTo(Over over, std::ostream* out) { *out << (over == Over::file ? "a file" : "a loop device"); }

/// Memory that O_DIRECT takes as it is.
struct AlignedMemory {
    explicit AlignedMemory(size_t size) : data(static_cast<uint8_t*>(std::aligned_alloc(4096, size))), size(size) {}
    ~AlignedMemory() { std::free(data); }
    AlignedMemory(const AlignedMemory&) = delete;
    AlignedMemory& operator=(const AlignedMemory&) = delete;
    ByteSpan part(size_t offset, size_t length) { return ByteSpan(data, size).subspan(offset, length); }
    uint8_t* data;
    size_t size;
};

bool holds(ByteView bytes, uint64_t offset) {
    const auto expected = pattern(offset, bytes.size());
    return std::equal(bytes.begin(), bytes.end(), expected.begin());
}

class AioDeviceTest : public testing::TestWithParam<Over> {
  protected:
    void SetUp() override {
        file_ = folder_.file("image", kSize);
        std::string path = file_;
        if (GetParam() == Over::loop) {
            loop_ = std::make_unique<LoopDevice>(file_);
            if (!*loop_) GTEST_SKIP() << loop_->why_not();
            path = loop_->path();
        }
        open(path, kSize, AioDevice::kDepth);
    }

    void open(std::string path, uint64_t size, int depth) {
        device_.reset();
        Fd direct(::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
        Fd buffered(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!direct) GTEST_SKIP() << "no O_DIRECT in the folder for temporary files";
        device_ = AioDevice::make(direct, buffered, std::move(path), size, kBlock, depth);
        ASSERT_NE(device_, nullptr);
    }

    TempFolder folder_;
    std::string file_;
    std::unique_ptr<LoopDevice> loop_;
    std::unique_ptr<AioDevice> device_;
};

INSTANTIATE_TEST_SUITE_P(Over, AioDeviceTest, testing::Values(Over::file, Over::loop),
                         [](const auto& info) { return info.param == Over::file ? "File" : "Loop"; });

TEST_P(AioDeviceTest, SaysWhatItIs) {
    EXPECT_EQ(device_->size(), kSize);
    EXPECT_EQ(device_->alignment(), kBlock);
}

TEST_P(AioDeviceTest, ReadsAlignedRanges) {
    AlignedMemory memory(1 << 20);
    for (const size_t length : {size_t{kBlock}, size_t{4096}, size_t{65536}, size_t{1} << 20}) {
        for (const uint64_t offset : {uint64_t{0}, uint64_t{kBlock}, uint64_t{65536}, kSize - length}) {
            const auto out = memory.part(0, length);
            ASSERT_EQ(device_->read(offset, out), 0);
            EXPECT_TRUE(holds(out, offset)) << offset << " + " << length;
        }
    }
}

TEST_P(AioDeviceTest, ReadsAnyRangeIntoAnyMemory) {
    std::mt19937_64 random(1);
    AlignedMemory memory(1 << 20);
    for (int i = 0; i < 300; i++) {
        const size_t length = 1 + random() % 200000;
        const uint64_t offset = i % 7 == 0 ? kSize - length : random() % (kSize - length);
        const auto out = memory.part(random() % 600, length);
        ASSERT_EQ(device_->read(offset, out), 0);
        EXPECT_TRUE(holds(out, offset)) << offset << " + " << length;
    }
}

TEST_P(AioDeviceTest, TouchesNothingAroundTheCallersMemory) {
    AlignedMemory memory(8192);
    std::fill_n(memory.data, memory.size, uint8_t{0xaa});
    ASSERT_EQ(device_->read(1001, memory.part(1001, 100)), 0);
    for (size_t i = 0; i < memory.size; i++)
        if (i < 1001 || i >= 1101) ASSERT_EQ(memory.data[i], 0xaa) << i;
}

TEST_P(AioDeviceTest, PastTheEndIsAnError) {
    std::vector<uint8_t> out(4096);
    EXPECT_EQ(device_->read(kSize - 4095, out), EIO);
    EXPECT_EQ(device_->read(kSize, out), EIO);
    EXPECT_EQ(device_->read(UINT64_MAX - 100, out), EIO);
    EXPECT_EQ(device_->read(kSize, {}), 0);
}

TEST_P(AioDeviceTest, MoreAtOnceThanTheQueueHolds) {
    open(device_->path(), kSize, 4);
    if (IsSkipped()) return;
    constexpr size_t kLength = 4096, kCount = kSize / kLength;
    AlignedMemory memory(kSize);
    std::vector<ReadOp> ops;
    for (size_t i = 0; i < kCount; i++) ops.push_back({i * kLength, memory.part(i * kLength, kLength), 0, nullptr});
    for (auto& op : ops) device_->start(op);
    for (auto op = ops.rbegin(); op != ops.rend(); ++op) device_->finish(*op);  // the last one first
    for (const auto& op : ops) EXPECT_EQ(op.error, 0);
    EXPECT_TRUE(holds(memory.part(0, kSize), 0));
}

TEST_P(AioDeviceTest, ManyThreadsWaitingForEachOthersReads) {
    open(device_->path(), kSize, 8);
    constexpr size_t kLength = 8192, kCount = kSize / kLength;
    AlignedMemory memory(kSize);
    std::vector<ReadOp> ops;
    for (size_t i = 0; i < kCount; i++) ops.push_back({i * kLength, memory.part(i * kLength, kLength), 0, nullptr});
    std::vector<std::atomic<bool>> started(kCount);
    std::atomic<size_t> next = 0;
    std::thread starter([&] {
        for (size_t i = 0; i < kCount; i++) {
            device_->start(ops[i]);
            started[i] = true;
            started[i].notify_all();
        }
    });
    std::vector<std::thread> finishers;
    for (int t = 0; t < 4; t++)
        finishers.emplace_back([&] {
            for (size_t i; (i = next++) < kCount;) {
                started[i].wait(false);
                device_->finish(ops[i]);
            }
        });
    starter.join();
    for (auto& thread : finishers) thread.join();
    for (const auto& op : ops) EXPECT_EQ(op.error, 0);
    EXPECT_TRUE(holds(memory.part(0, kSize), 0));
}

TEST_P(AioDeviceTest, WhatIsNeverFinishedIsWaitedForWhenItGoes) {
    AlignedMemory memory(1 << 20);
    std::vector<uint8_t> crooked(100001);
    ReadOp a{0, memory.part(0, 1 << 20), 0, nullptr}, b{77, crooked, 0, nullptr};
    device_->start(a);
    device_->start(b);
    device_.reset();
    EXPECT_TRUE(holds(memory.part(0, 1 << 20), 0));
}

TEST_P(AioDeviceTest, ALastBlockThatIsNotWhole) {
    if (GetParam() == Over::loop) return;  // it has whole blocks only
    const uint64_t size = kSize - 200;
    ASSERT_EQ(::truncate(file_.c_str(), static_cast<off_t>(size)), 0);
    open(file_, size, AioDevice::kDepth);
    std::vector<uint8_t> out(70000);
    EXPECT_EQ(device_->read(size - out.size(), out), 0);
    EXPECT_TRUE(holds(out, size - out.size()));
    EXPECT_EQ(device_->read(size - out.size() + 1, out), EIO);
}

TEST_P(AioDeviceTest, WhatIsGoneUnderneathIsAnErrorOfItsSectorsOnly) {
    constexpr uint64_t kKept = 1 << 20;
    ASSERT_EQ(::truncate(file_.c_str(), kKept), 0);
    AlignedMemory memory(1 << 20);
    const auto out = memory.part(0, 1 << 20);
    EXPECT_EQ(device_->read(0, out), 0);
    EXPECT_TRUE(holds(out, 0));
    EXPECT_EQ(device_->read(kKept, out), EIO);

    std::vector<uint64_t> bad;
    const uint64_t start = kKept - 40960;
    read_in_pieces(*device_, start, memory.part(0, 81920), 4096, [&](uint64_t offset, int error) {
        EXPECT_EQ(error, EIO);
        bad.push_back(offset);
    });
    std::vector<uint64_t> expected;
    for (uint64_t at = kKept; at < kKept + 40960; at += 4096) expected.push_back(at);
    EXPECT_EQ(bad, expected);
    EXPECT_TRUE(holds(memory.part(0, 40960), start));
    for (size_t i = 40960; i < 81920; i++) ASSERT_EQ(memory.data[i], 0);
}

TEST(AioDevice, WithoutAQueueThereIsNoneAndNothingIsTaken) {
    TempFolder folder;
    const auto path = folder.file("image", 4096);
    Fd direct(::open(path.c_str(), O_RDONLY)), buffered(::open(path.c_str(), O_RDONLY));
    EXPECT_EQ(AioDevice::make(direct, buffered, path, 4096, kBlock, 0), nullptr);
    EXPECT_TRUE(direct);
    EXPECT_TRUE(buffered);
}

}  // namespace
}  // namespace raid56::device
