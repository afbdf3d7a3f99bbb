// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "checksum/checksum.h"
#include "checksum/kinds.h"

namespace raid56::checksum {
namespace {

struct KnownAnswer {
    CsumKind kind;
    std::string_view digits;  // stored bytes of "123456789", the check string of the catalogues of checksums
    std::string_view zeros;   // stored bytes of 4096 zero bytes (FACTS 3: read from real file systems)
};

constexpr std::array<KnownAnswer, 4> kKnownAnswers = {{
    {CsumKind::crc32c, "839206e3", "8941f998"},
    {CsumKind::xxhash64, "83aee640db41b88c", "dbbbd8326f9b86ac"},
    {CsumKind::sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
     "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7"},
    {CsumKind::blake2b, "16e0bf1f85594a11e75030981c0b670370b3ad83a43f49ae58a2fd6f6513cde9",
     "686ede9288c391e7e05026e56f2f91bfd879987a040ea98445dabc76f55b8e5f"},
}};

std::string hex(ByteView bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

Result<void> expect(CsumKind kind, const char* of, ByteView have, std::string_view want) {
    if (hex(have) == want) return {};
    return Error{std::string("checksum self-test: ") + csum_name(kind) + " of " + of + ", have " + hex(have) +
                 " expect " + std::string(want)};
}

Result<void> test_kind(const KnownAnswer& known) {
    constexpr size_t kBlock = 4096;
    constexpr size_t kBlocks = 19;  // a few lanes' worth
    constexpr std::array<uint8_t, 9> kCheckString = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
    const std::vector<uint8_t> zeros(kBlock);
    size_t size = csum_size(known.kind);

    Digest one = digest(known.kind, kCheckString);
    if (auto result = expect(known.kind, "\"123456789\"", ByteView(one).first(size), known.digits); !result) {
        return result;
    }
    std::array<const uint8_t*, kBlocks> blocks;
    blocks.fill(zeros.data());
    std::array<uint8_t, kBlocks * kMaxCsumSize> out{};
    digest_blocks(known.kind, blocks, kBlock, out);
    for (size_t i = 0; i < blocks.size(); i++) {
        auto result = expect(known.kind, "4096 zero bytes", ByteView(out).subspan(i * size, size), known.zeros);
        if (!result) return result;
    }
    return {};
}

}  // namespace

Result<void> self_test() {
    if (auto result = prepare_gcrypt(); !result) return result;
    check_sha256_blocks();
    check_blake2b_blocks();
    for (const KnownAnswer& known : kKnownAnswers) {
        if (auto result = test_kind(known); !result) return result;
    }
    return {};
}

}  // namespace raid56::checksum
