// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums against known answers (FACTS 3), against a definition of their own where it is short, and
// against themselves: in blocks, unaligned, from several threads.
#include "checksum/checksum.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace raid56::checksum {
namespace {

constexpr CsumKind kKinds[] = {CsumKind::crc32c, CsumKind::xxhash64, CsumKind::sha256, CsumKind::blake2b};

std::string hex(ByteView bytes) {
    std::string text;
    for (uint8_t byte : bytes) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

std::string stored(CsumKind kind, ByteView bytes) {
    Digest d = digest(kind, bytes);
    for (size_t i = csum_size(kind); i < d.size(); i++) EXPECT_EQ(d[i], 0) << "byte past the end of a digest";
    return hex(ByteView(d).first(csum_size(kind)));
}

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::vector<uint8_t> noise(size_t size, uint32_t seed) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) {
        seed = seed * 1664525 + 1013904223;
        byte = static_cast<uint8_t>(seed >> 24);
    }
    return bytes;
}

// By the definition: reflected polynomial 0x82f63b78, bit by bit.
uint32_t slow_crc32c(uint32_t crc, ByteView bytes) {
    for (uint8_t byte : bytes) {
        crc ^= byte;
        for (int i = 0; i < 8; i++) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0);
    }
    return crc;
}

class ChecksumTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        Result<void> result = self_test();
        ASSERT_TRUE(result.ok()) << result.error().message;
    }
};

TEST_F(ChecksumTest, SelfTestMayRunAgain) { EXPECT_TRUE(self_test().ok()); }

TEST_F(ChecksumTest, KnownAnswers) {
    struct Row {
        CsumKind kind;
        std::string_view text, expected;
    };
    const Row rows[] = {
        {CsumKind::crc32c, "", "00000000"},
        {CsumKind::crc32c, "123456789", "839206e3"},
        {CsumKind::xxhash64, "", "99e9d85137db46ef"},
        {CsumKind::xxhash64, "123456789", "83aee640db41b88c"},
        {CsumKind::sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {CsumKind::sha256, "123456789", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
        {CsumKind::blake2b, "", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
        {CsumKind::blake2b, "123456789", "16e0bf1f85594a11e75030981c0b670370b3ad83a43f49ae58a2fd6f6513cde9"},
    };
    for (const Row& row : rows) EXPECT_EQ(stored(row.kind, bytes_of(row.text)), row.expected) << csum_name(row.kind);
}

TEST_F(ChecksumTest, ZeroSector) {
    const std::vector<uint8_t> zeros(4096);
    EXPECT_EQ(stored(CsumKind::crc32c, zeros), "8941f998");
    EXPECT_EQ(stored(CsumKind::xxhash64, zeros), "dbbbd8326f9b86ac");
    EXPECT_EQ(stored(CsumKind::sha256, zeros), "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7");
    EXPECT_EQ(stored(CsumKind::blake2b, zeros), "686ede9288c391e7e05026e56f2f91bfd879987a040ea98445dabc76f55b8e5f");
}

TEST_F(ChecksumTest, Crc32cFollowsItsDefinition) {
    const std::vector<uint8_t> bytes = noise(9000, 1);
    for (size_t offset : {0, 1, 3, 8}) {
        for (size_t length : {0, 1, 2, 7, 8, 9, 63, 64, 65, 255, 512, 1000, 4064, 4095, 4096, 4097, 8192}) {
            ByteView part = ByteView(bytes).subspan(offset, length);
            uint32_t crc = ~slow_crc32c(~0u, part);
            Digest d = digest(CsumKind::crc32c, part);
            EXPECT_EQ(*read_at<Le32>(d, 0), crc) << offset << " " << length;
            for (uint32_t seed : {0u, ~0u, 0x12345678u}) EXPECT_EQ(raw_crc32c(seed, part), slow_crc32c(seed, part));
        }
    }
}

TEST_F(ChecksumTest, RawCrc32cChains) {
    const std::vector<uint8_t> bytes = noise(1000, 2);
    ByteView view(bytes);
    for (size_t cut : {0, 1, 8, 500, 999, 1000}) {
        EXPECT_EQ(raw_crc32c(raw_crc32c(~0u, view.first(cut)), view.subspan(cut)), raw_crc32c(~0u, view));
    }
}

TEST_F(ChecksumTest, BlocksAreDigestedInOrder) {
    for (CsumKind kind : kKinds) {
        for (size_t block_size : {512, 4096, 16352, 65536}) {
            for (size_t count : {0, 1, 2, 3, 16, 17}) {
                const std::vector<uint8_t> bytes = noise(block_size * (count + 1), 3);
                std::vector<const uint8_t*> blocks;
                for (size_t i = 0; i < count; i++) blocks.push_back(bytes.data() + (count - i) * block_size);
                size_t size = csum_size(kind);
                std::vector<uint8_t> out(count * size + 1, 0xa5);
                digest_blocks(kind, blocks, block_size, ByteSpan(out).first(count * size));
                for (size_t i = 0; i < count; i++) {
                    ASSERT_EQ(hex(ByteView(out).subspan(i * size, size)), stored(kind, {blocks[i], block_size}))
                        << csum_name(kind) << " block " << i << " of " << count;
                }
                EXPECT_EQ(out.back(), 0xa5) << "written past the end";
            }
        }
    }
}

TEST_F(ChecksumTest, EveryBitCounts) {
    std::vector<uint8_t> bytes = noise(512, 4);
    for (CsumKind kind : kKinds) {
        std::string before = stored(kind, bytes);
        for (size_t i = 0; i < bytes.size(); i += 37) {
            bytes[i] ^= 1;
            EXPECT_NE(stored(kind, bytes), before) << csum_name(kind) << " byte " << i;
            bytes[i] ^= 1;
        }
        EXPECT_EQ(stored(kind, bytes), before);
    }
}

TEST_F(ChecksumTest, SeveralThreadsAtOnce) {
    const std::vector<uint8_t> bytes = noise(64 * 4096, 5);
    std::vector<const uint8_t*> blocks;
    for (size_t i = 0; i < 64; i++) blocks.push_back(bytes.data() + i * 4096);
    for (CsumKind kind : kKinds) {
        std::vector<uint8_t> alone(64 * csum_size(kind));
        digest_blocks(kind, blocks, 4096, alone);
        std::vector<std::vector<uint8_t>> out(4, std::vector<uint8_t>(alone.size()));
        std::vector<std::thread> threads;
        for (auto& mine : out) {
            threads.emplace_back([&] {
                for (int i = 0; i < 4; i++) digest_blocks(kind, blocks, 4096, mine);
            });
        }
        for (std::thread& thread : threads) thread.join();
        for (const auto& theirs : out) EXPECT_EQ(theirs, alone) << csum_name(kind);
    }
}

}  // namespace
}  // namespace raid56::checksum
