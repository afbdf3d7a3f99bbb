// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/record.h"

#include <algorithm>

#include "checksum/checksum.h"

namespace raid56::repair {
namespace {

constexpr uint32_t kMagic = 0x36355242;  // "BR56"
constexpr size_t kHeadSumAt = 44;
constexpr size_t kDeviceSize = 56;

class Encoder {
  public:
    template <class T>
    Encoder& put(T value) {
        for (size_t i = 0; i < sizeof(T); i++) out_.push_back(static_cast<uint8_t>(uint64_t{value} >> (8 * i)));
        return *this;
    }
    Encoder& put(ByteView bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    std::vector<uint8_t> take() { return std::move(out_); }

  private:
    std::vector<uint8_t> out_;
};

// Reads on past the end as zeros; whoever decodes has looked at the length.
class Decoder {
  public:
    explicit Decoder(ByteView bytes) : bytes_(bytes) {}
    template <class T>
    T get() {
        const auto value = read_at<Le<T>>(bytes_, at_);
        at_ += sizeof(T);
        return value ? static_cast<T>(*value) : T{};
    }
    template <size_t N>
    std::array<uint8_t, N> bytes() {
        const auto value = read_at<std::array<uint8_t, N>>(bytes_, at_);
        at_ += N;
        return value.value_or(std::array<uint8_t, N>{});
    }

  private:
    ByteView bytes_;
    size_t at_ = 0;
};

// crc32c over two runs of bytes, one behind the other.
uint32_t sum_of(ByteView a, ByteView b = {}) { return ~checksum::raw_crc32c(checksum::raw_crc32c(~0u, a), b); }

uint32_t head_sum(ByteView head_and_fixed) {
    return sum_of(head_and_fixed.first(kHeadSumAt), head_and_fixed.subspan(kHeadSize));
}

enum Flag : uint32_t {
    kHasLogical = 1,
    kHasChunk = 2,
    kHasStripe = 4,
    kHasRow = 8,
    kHasOldSum = 16,
    kBeyondEnd = 32,
    kHasOld = 64,
    kHasNew = 128,
};
constexpr size_t kHeaderFixed = 40, kWriteFixed = 96, kPlannedFixed = 36, kCommittedFixed = 9, kFailedFixed = 13;

template <class Enum>
bool in_range(uint8_t value, Enum last) {
    return value <= static_cast<uint8_t>(last);
}

}  // namespace

std::vector<uint8_t> encode_head(RecordHead head, ByteView fixed, ByteView a, ByteView b) {
    Encoder out;
    out.put(kMagic).put(static_cast<uint16_t>(head.type)).put(uint16_t{0});
    out.put(static_cast<uint32_t>(fixed.size())).put(static_cast<uint32_t>(a.size() + b.size()));
    out.put(head.id).put(head.number).put(head.previous).put(sum_of(a, b)).put(uint32_t{0}).put(fixed);
    auto record = out.take();
    const uint32_t sum = head_sum(record);
    for (size_t i = 0; i < 4; i++) record[kHeadSumAt + i] = static_cast<uint8_t>(sum >> (8 * i));
    return record;
}

std::optional<RecordHead> decode_head(ByteView bytes) {
    if (bytes.size() < kHeadSize) return std::nullopt;
    Decoder in(bytes);
    if (in.get<uint32_t>() != kMagic) return std::nullopt;
    const uint16_t type = in.get<uint16_t>();
    if (type < static_cast<uint16_t>(RecordType::header) || type > static_cast<uint16_t>(RecordType::undone))
        return std::nullopt;
    in.get<uint16_t>();
    RecordHead head;
    head.type = static_cast<RecordType>(type);
    head.fixed = in.get<uint32_t>();
    head.bytes = in.get<uint32_t>();
    head.id = in.get<uint64_t>();
    head.number = in.get<uint64_t>();
    head.previous = in.get<uint64_t>();
    head.bytes_sum = in.get<uint32_t>();
    if (head.fixed > kMaxFixed || head.bytes > kMaxBytes) return std::nullopt;
    return head;
}

bool head_holds(ByteView head_and_fixed) {
    const auto sum = read_at<Le32>(head_and_fixed, kHeadSumAt);
    return head_and_fixed.size() >= kHeadSize && sum && *sum == head_sum(head_and_fixed);
}

bool bytes_hold(const RecordHead& head, ByteView bytes) { return sum_of(bytes) == head.bytes_sum; }

std::vector<uint8_t> encode_fixed(const Header& header) {
    return Encoder()
        .put(kVersion)
        .put(static_cast<uint32_t>(header.kind))
        .put(ByteView(header.fsid))
        .put(header.generation.v)
        .put(header.sectorsize)
        .put(static_cast<uint32_t>(header.devices.size()))
        .take();
}

std::vector<uint8_t> encode_devices(const Header& header) {
    Encoder out;
    for (const auto& device : header.devices)
        out.put(device.devid.v)
            .put(ByteView(device.uuid))
            .put(device.length)
            .put(device.total_bytes)
            .put(device.generation.v)
            .put(uint64_t{device.seed ? 1u : 0u});
    return out.take();
}

std::optional<uint32_t> peek_version(ByteView fixed) {
    const auto version = read_at<Le32>(fixed, 0);
    return version ? std::optional<uint32_t>(*version) : std::nullopt;
}

std::optional<Header> decode_header(ByteView fixed, ByteView bytes) {
    if (fixed.size() != kHeaderFixed) return std::nullopt;
    Decoder in(fixed);
    if (in.get<uint32_t>() != kVersion) return std::nullopt;
    const uint32_t kind = in.get<uint32_t>();
    if (kind != static_cast<uint32_t>(FileKind::journal) && kind != static_cast<uint32_t>(FileKind::plan))
        return std::nullopt;
    Header header;
    header.kind = static_cast<FileKind>(kind);
    header.fsid = in.bytes<16>();
    header.generation = Generation(in.get<uint64_t>());
    header.sectorsize = in.get<uint32_t>();
    const uint32_t count = in.get<uint32_t>();
    if (bytes.size() != count * kDeviceSize || header.sectorsize < 4096 || header.sectorsize > kStripLen ||
        (header.sectorsize & (header.sectorsize - 1)) != 0)
        return std::nullopt;
    Decoder devices(bytes);
    for (uint32_t i = 0; i < count; i++) {
        HeaderDevice device;
        device.devid = DevId(devices.get<uint64_t>());
        device.uuid = devices.bytes<16>();
        device.length = devices.get<uint64_t>();
        device.total_bytes = devices.get<uint64_t>();
        device.generation = Generation(devices.get<uint64_t>());
        device.seed = (devices.get<uint64_t>() & 1) != 0;
        header.devices.push_back(device);
    }
    return header;
}

std::vector<uint8_t> encode_fixed(const Write& write, const WriteBytes& bytes) {
    const auto& what = write.what;
    const uint32_t flags = (what.logical ? kHasLogical : 0u) | (what.chunk ? kHasChunk : 0u) |
                           (what.full_stripe ? kHasStripe : 0u) | (what.row ? kHasRow : 0u) |
                           (write.old_sum ? kHasOldSum : 0u) | (write.beyond_end ? kBeyondEnd : 0u) |
                           (bytes.old_bytes.empty() ? 0u : kHasOld) | (bytes.new_bytes.empty() ? 0u : kHasNew);
    return Encoder()
        .put(what.devid.v)
        .put(what.physical.v)
        .put(static_cast<uint32_t>(what.length))
        .put(static_cast<uint8_t>(write.phase))
        .put(static_cast<uint8_t>(what.role))
        .put(static_cast<uint8_t>(what.cause))
        .put(static_cast<uint8_t>(what.proof))
        .put(what.logical.value_or(Logical()).v)
        .put(what.chunk.value_or(Logical()).v)
        .put(what.full_stripe.value_or(0))
        .put(static_cast<uint32_t>(what.row.value_or(0)))
        .put(flags)
        .put(write.unreadable)
        .put(ByteView(write.old_sum.value_or(Digest{})))
        .take();
}

std::optional<DecodedWrite> decode_write(ByteView fixed, uint32_t bytes) {
    if (fixed.size() != kWriteFixed) return std::nullopt;
    Decoder in(fixed);
    DecodedWrite decoded;
    Write& write = decoded.write;
    auto& what = write.what;
    what.repairable = scrub::Repairable::yes;
    what.devid = DevId(in.get<uint64_t>());
    what.physical = Physical(in.get<uint64_t>());
    what.length = in.get<uint32_t>();
    const uint8_t phase = in.get<uint8_t>(), role = in.get<uint8_t>(), cause = in.get<uint8_t>(),
                  proof = in.get<uint8_t>();
    if (!in_range(phase, Phase::last_super) || !in_range(role, scrub::Role::super) ||
        !in_range(cause, scrub::Cause::excluded) || !in_range(proof, scrub::Proof::parity))
        return std::nullopt;
    write.phase = static_cast<Phase>(phase);
    what.role = static_cast<scrub::Role>(role);
    what.cause = static_cast<scrub::Cause>(cause);
    what.proof = static_cast<scrub::Proof>(proof);
    const Logical logical(in.get<uint64_t>()), chunk(in.get<uint64_t>());
    const uint64_t full_stripe = in.get<uint64_t>();
    const uint32_t row = in.get<uint32_t>(), flags = in.get<uint32_t>();
    if ((flags & kHasLogical) != 0) what.logical = logical;
    if ((flags & kHasChunk) != 0) what.chunk = chunk;
    if ((flags & kHasStripe) != 0) what.full_stripe = full_stripe;
    if ((flags & kHasRow) != 0) what.row = row;
    write.unreadable = in.get<uint64_t>();
    const auto sum = in.bytes<32>();
    if ((flags & kHasOldSum) != 0) write.old_sum = sum;
    write.beyond_end = (flags & kBeyondEnd) != 0;
    decoded.has_old = (flags & kHasOld) != 0;
    decoded.has_new = (flags & kHasNew) != 0;
    const uint64_t parts = (decoded.has_old ? 1u : 0u) + (decoded.has_new ? 1u : 0u);
    if (what.length == 0 || what.length > kStripLen || what.length % 4096 != 0 || parts * what.length != bytes ||
        what.physical.v > UINT64_MAX - what.length)
        return std::nullopt;
    return decoded;
}

std::vector<uint8_t> encode_fixed(const Planned& planned) {
    return Encoder()
        .put(planned.writes)
        .put(planned.sectors)
        .put(planned.unproven)
        .put((planned.lost ? 1u : 0u) | (planned.undecided ? 2u : 0u) | (planned.limited ? 4u : 0u) |
             (planned.max_writes ? 8u : 0u) | (planned.missing ? 16u : 0u) |
             (planned.no_checksum == scrub::NoChecksum::trust_parity ? 32u : 0u) |
             (planned.no_checksum == scrub::NoChecksum::trust_data ? 64u : 0u))
        .put(planned.max_writes.value_or(0))
        .take();
}

std::vector<uint8_t> encode_lengthened(const Planned& planned) {
    Encoder out;
    for (const DevId devid : planned.lengthened) out.put(devid.v);
    return out.take();
}

std::optional<Planned> decode_planned(ByteView fixed, ByteView bytes) {
    if (fixed.size() != kPlannedFixed || bytes.size() % 8 != 0) return std::nullopt;
    Decoder in(fixed);
    Planned planned;
    planned.writes = in.get<uint64_t>();
    planned.sectors = in.get<uint64_t>();
    planned.unproven = in.get<uint64_t>();
    const uint32_t flags = in.get<uint32_t>();
    planned.lost = (flags & 1) != 0;
    planned.undecided = (flags & 2) != 0;
    planned.limited = (flags & 4) != 0;
    planned.missing = (flags & 16) != 0;
    if ((flags & 32) != 0) planned.no_checksum = scrub::NoChecksum::trust_parity;
    if ((flags & 64) != 0) planned.no_checksum = scrub::NoChecksum::trust_data;
    const uint64_t most = in.get<uint64_t>();
    if ((flags & 8) != 0) planned.max_writes = most;
    Decoder devids(bytes);
    for (size_t i = 0; i < bytes.size() / 8; i++) planned.lengthened.push_back(DevId(devids.get<uint64_t>()));
    return planned;
}

std::vector<uint8_t> encode_fixed(const Committed& committed) {
    return Encoder().put(static_cast<uint8_t>(committed.phase)).put(committed.before).take();
}

std::optional<Committed> decode_committed(ByteView fixed) {
    if (fixed.size() != kCommittedFixed) return std::nullopt;
    Decoder in(fixed);
    const uint8_t phase = in.get<uint8_t>();
    if (!in_range(phase, Phase::last_super)) return std::nullopt;
    return Committed{static_cast<Phase>(phase), in.get<uint64_t>()};
}

std::vector<uint8_t> encode_fixed(const Failed& failed) {
    return Encoder()
        .put(failed.number)
        .put(static_cast<uint32_t>(failed.error))
        .put(static_cast<uint8_t>(failed.attempted ? 1 : 0))
        .take();
}

std::optional<Failed> decode_failed(ByteView fixed) {
    if (fixed.size() != kFailedFixed) return std::nullopt;
    Decoder in(fixed);
    Failed failed;
    failed.number = in.get<uint64_t>();
    failed.error = static_cast<int>(in.get<uint32_t>());
    failed.attempted = in.get<uint8_t>() != 0;
    return failed;
}

}  // namespace raid56::repair
