// SPDX-License-Identifier: GPL-2.0-or-later
// Digests of many blocks, which may go through several lanes at once, against one block at a time.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "checksum/blake2b_wide.h"
#include "checksum/checksum.h"

namespace raid56::checksum {
namespace {

constexpr size_t kSize = 32;  // of sha256 and of blake2b
using Bytes = std::vector<uint8_t>;

/// Bytes for `count` blocks, all different, and where each begins: `gap` bytes after the one before.
struct Blocks {
    Blocks(size_t count, size_t block_size, size_t skew = 0, size_t gap = 0)
        : bytes(skew + count * (block_size + gap)) {
        uint64_t state = count * 31 + block_size;
        for (auto& byte : bytes) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            byte = static_cast<uint8_t>(state >> 56);
        }
        for (size_t i = 0; i < count; i++) starts.push_back(bytes.data() + skew + i * (block_size + gap));
    }
    Bytes bytes;
    std::vector<const uint8_t*> starts;
};

class ManyBlocksTest : public ::testing::TestWithParam<CsumKind> {
  protected:
    static void SetUpTestSuite() { ASSERT_TRUE(self_test()); }

    Bytes one_by_one(std::span<const uint8_t* const> blocks, size_t block_size) const {
        Bytes all;
        for (const uint8_t* block : blocks) {
            const Digest one = digest(GetParam(), {block, block_size});
            all.insert(all.end(), one.begin(), one.begin() + kSize);
        }
        return all;
    }
    /// The digests, or nothing where a byte behind them was written.
    Bytes together(std::span<const uint8_t* const> blocks, size_t block_size) const {
        Bytes out(blocks.size() * kSize + 64, 0xa5);
        digest_blocks(GetParam(), blocks, block_size, ByteSpan(out).first(blocks.size() * kSize));
        for (size_t i = blocks.size() * kSize; i < out.size(); i++)
            if (out[i] != 0xa5) return {};
        out.resize(blocks.size() * kSize);
        return out;
    }
};

TEST_P(ManyBlocksTest, AnyCountOfBlocksOfAnySizeIsAsOneByOne) {
    for (const size_t block_size :
         {1, 55, 56, 63, 64, 65, 119, 120, 128, 256, 384, 512, 4095, 4096, 4097, 16352, 16384, 65536}) {
        const Blocks most(70, block_size);
        const Bytes expected = one_by_one(most.starts, block_size);
        for (size_t count = 0; count <= 70; count += block_size > 4097 ? 7 : 1) {
            const auto some = std::span(most.starts).first(count);
            ASSERT_EQ(together(some, block_size), Bytes(expected.begin(), expected.begin() + count * kSize))
                << count << " of " << block_size;
        }
    }
}

TEST_P(ManyBlocksTest, EmptyBlocksHaveTheDigestOfNothing) {
    const Blocks blocks(20, 1);
    EXPECT_EQ(together(blocks.starts, 0), one_by_one(blocks.starts, 0));
}

TEST_P(ManyBlocksTest, MoreBlocksThanAnyQueueHolds) {
    const Blocks blocks(1031, 512);
    EXPECT_EQ(together(blocks.starts, 512), one_by_one(blocks.starts, 512));
}

TEST_P(ManyBlocksTest, BlocksLieAtAnyAddress) {
    for (const size_t skew : {1, 2, 3, 5, 7, 8, 31, 63})
        for (const size_t gap : {0, 1, 13}) {
            const Blocks blocks(33, 4096, skew, gap);
            EXPECT_EQ(together(blocks.starts, 4096), one_by_one(blocks.starts, 4096)) << skew << " " << gap;
        }
}

TEST_P(ManyBlocksTest, BlocksMayBeTheSameAndInAnyOrder) {
    const Blocks blocks(10, 4096);
    std::vector<const uint8_t*> order;
    for (size_t i = 0; i < 50; i++) order.push_back(blocks.starts[i * i % 10]);
    EXPECT_EQ(together(order, 4096), one_by_one(order, 4096));
}

TEST_P(ManyBlocksTest, OneChangedByteChangesItsDigestAlone) {
    Blocks blocks(40, 4096);
    const Bytes before = together(blocks.starts, 4096);
    for (size_t k = 0; k < 40; k++) {
        uint8_t& byte = blocks.bytes[k * 4096 + k * 100];
        byte ^= 1;
        const Bytes after = together(blocks.starts, 4096);
        for (size_t i = 0; i < 40; i++)
            EXPECT_EQ(
                std::equal(after.begin() + i * kSize, after.begin() + (i + 1) * kSize, before.begin() + i * kSize),
                i != k)
                << i << " " << k;
        byte ^= 1;
    }
}

TEST_P(ManyBlocksTest, LongBlocks) {
    for (const size_t block_size : {65534, 65535, 1 << 20}) {
        const Blocks blocks(5, block_size);
        EXPECT_EQ(together(blocks.starts, block_size), one_by_one(blocks.starts, block_size)) << block_size;
    }
}

TEST_P(ManyBlocksTest, SeveralThreadsWithDifferentBlocksAtOnce) {
    std::vector<std::thread> threads;
    std::vector<unsigned> wrong(4);
    for (size_t t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            for (size_t round = 0; round < 20; round++) {
                const size_t block_size = 512 + 64 * t + round, count = 10 + 5 * t + round;
                const Blocks blocks(count, block_size, t);
                wrong[t] += together(blocks.starts, block_size) != one_by_one(blocks.starts, block_size) ? 1 : 0;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, std::vector<unsigned>(4));
}

TEST_P(ManyBlocksTest, ThreadsComeAndGo) {
    const Blocks blocks(20, 4096);
    const Bytes expected = one_by_one(blocks.starts, 4096);
    for (unsigned i = 0; i < 50; i++) {
        Bytes have;
        std::thread([&] { have = together(blocks.starts, 4096); }).join();
        EXPECT_EQ(have, expected);
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, ManyBlocksTest, ::testing::Values(CsumKind::sha256, CsumKind::blake2b),
                         [](const auto& info) { return std::string(csum_name(info.param)); });

// Also those that are not the widest, of which nothing else makes use here.
TEST(Blake2bWideTest, EachWayOfThisProcessorGivesWhatLibgcryptGives) {
    ASSERT_TRUE(self_test());
    for (const auto& wide : blake2b_wide())
        for (const size_t block_size : {128, 256, 4096, 16384}) {
            const Blocks blocks(wide.lanes, block_size, 3, 5);
            Bytes have(wide.lanes * kSize);
            wide.digest(blocks.starts.data(), block_size, have.data());
            for (size_t i = 0; i < wide.lanes; i++) {
                const Digest want = digest(CsumKind::blake2b, {blocks.starts[i], block_size});
                EXPECT_TRUE(std::equal(want.begin(), want.end(), have.begin() + i * kSize))
                    << wide.lanes << " lanes, block " << i << " of " << block_size;
            }
        }
    if (blake2b_wide().empty()) GTEST_SKIP() << "this processor has no such vectors";
}

}  // namespace
}  // namespace raid56::checksum
