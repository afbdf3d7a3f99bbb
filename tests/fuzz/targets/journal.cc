// SPDX-License-Identifier: GPL-2.0-or-later
// Journals and saved plans of records whose sums hold: scanned, read forwards and backwards, held against two devices,
// gone on with and, where the input says so, applied and undone.
//
// Input: flags (bit 0: a plan; bit 1: all of it as it lies there; bit 2: apply; bit 3: undo; bit 4: what was written is
// scanned again; bit 5: the system gives threads), then records: kind (low four bits the type; bit 4: the fixed part as
// it lies there, length and bytes; bit 5: a number that does not follow; bit 6: a sum that does not hold; bit 7: a
// length before it that is wrong), and what the type needs.
#include <map>
#include <optional>

#include "checksum/checksum.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "fuzz/support/memory_file.h"
#include "fuzz/support/no_threads.h"
#include "repair/apply.h"
#include "repair/approved.h"
#include "support/encode.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint64_t kDeviceSize = 0x40000;

struct Silent final : repair::Listener {
    void action(const repair::Write&, bool) override {}
    void complain(const std::string& sentence) override { FUZZ_EXPECT(!sentence.empty()); }
};

// A record under way.
struct Parts {
    std::vector<uint8_t> fixed, bytes;
};

Parts read_header(Input& input, bool plan) {
    repair::Header header;
    header.kind = plan ? repair::FileKind::plan : repair::FileKind::journal;
    header.fsid = test::uuid_of(0xf5);
    header.generation = Generation(7);
    header.sectorsize = 4096u << (input.u8() & 7);
    for (unsigned count = input.u8() % 4; count > 0; count--) {
        repair::HeaderDevice device;
        device.devid = DevId(input.u8() % 4);
        device.length = input.number();
        device.total_bytes = input.number();
        device.seed = (input.u8() & 1) != 0;
        header.devices.push_back(device);
    }
    return {repair::encode_fixed(header), repair::encode_devices(header)};
}

Parts read_write(Input& input) {
    repair::Write write;
    auto& what = write.what;
    const uint8_t kinds = input.u8(), flags = input.u8();
    write.phase = static_cast<repair::Phase>(kinds & 3);
    what.role = static_cast<scrub::Role>(kinds >> 2 & 7);
    what.cause = static_cast<scrub::Cause>(input.u8() & 15);
    what.proof = static_cast<scrub::Proof>(kinds >> 5 & 3);
    what.devid = DevId(input.u8() % 4);
    what.physical = Physical(input.number());
    what.length = (input.u8() % 17) * uint64_t{4096};
    write.unreadable = input.u8();
    write.beyond_end = (flags & 1) != 0;
    if ((flags & 8) != 0) write.old_sum = Digest{};
    const std::vector<uint8_t> old_bytes((flags & 2) != 0 ? what.length : 0, input.u8());
    const std::vector<uint8_t> new_bytes((flags & 4) != 0 ? what.length : 0, input.u8());
    Parts parts{repair::encode_fixed(write, {old_bytes, new_bytes}), old_bytes};
    parts.bytes.insert(parts.bytes.end(), new_bytes.begin(), new_bytes.end());
    return parts;
}

Parts read_planned(Input& input) {
    repair::Planned planned;
    planned.writes = input.number();
    const uint8_t flags = input.u8();
    if ((flags & 1) != 0) planned.max_writes = input.number();
    for (unsigned count = flags >> 6; count > 0; count--) planned.lengthened.push_back(DevId(input.u8() % 4));
    return {repair::encode_fixed(planned), repair::encode_lengthened(planned)};
}

Parts read_record(Input& input, repair::RecordType type, bool plan) {
    switch (type) {
        case repair::RecordType::header: return read_header(input, plan);
        case repair::RecordType::write: return read_write(input);
        case repair::RecordType::planned: return read_planned(input);
        case repair::RecordType::committed:
            return {repair::encode_fixed(repair::Committed{static_cast<repair::Phase>(input.u8() & 3), input.u16()}),
                    {}};
        case repair::RecordType::failed: {
            const uint64_t number = input.u8();
            const uint8_t how = input.u8();
            return {repair::encode_fixed(repair::Failed{number, how >> 1, (how & 1) != 0}), {}};
        }
        case repair::RecordType::finished:
        case repair::RecordType::undoing:
        case repair::RecordType::undone: break;
    }
    return {};
}

std::vector<uint8_t> build(Input& input, bool plan) {
    std::vector<uint8_t> file;
    uint64_t previous = 0;
    for (uint64_t number = 0; !input.empty() && number < 32; number++) {
        const uint8_t kind = input.u8();
        repair::RecordHead head;
        head.type = static_cast<repair::RecordType>(number == 0 && (kind & 15) == 0 ? 1 : kind & 15);
        head.id = 0x1d;
        head.number = number + (kind >> 5 & 1);
        head.previous = previous + (kind >> 7);
        Parts parts;
        if ((kind & 16) != 0) {
            const ByteView fixed = input.take(input.u8());
            const ByteView bytes = input.take(input.u8());
            parts = {{fixed.begin(), fixed.end()}, {bytes.begin(), bytes.end()}};
        } else {
            parts = read_record(input, head.type, plan);
        }
        auto record = repair::encode_head(head, parts.fixed, parts.bytes, {});
        if ((kind & 64) != 0) record[44] ^= 1;
        record.insert(record.end(), parts.bytes.begin(), parts.bytes.end());
        previous = record.size();
        file.insert(file.end(), record.begin(), record.end());
        if (file.size() > 1 << 20) break;
    }
    return file;
}

// The same writes in both directions; their bytes can be had, or are said to be broken.
void read_writes(repair::LogReader& reader, const repair::LogState& state) {
    std::vector<uint8_t> bytes;
    for (const repair::Phase phase : repair::kPhases) {
        std::vector<uint64_t> forwards, backwards;
        const auto take = [&](std::vector<uint64_t>& list) {
            return [&](const repair::Place& place, const repair::DecodedWrite& decoded) {
                list.push_back(place.offset);
                FUZZ_EXPECT(decoded.write.phase == phase && decoded.write.what.length <= kStripLen);
                FUZZ_EXPECT(reader.read_bytes(place, bytes) == 0);
                return true;
            };
        };
        FUZZ_EXPECT(reader.each_write(state, phase, false, take(forwards)) == 0);
        FUZZ_EXPECT(reader.each_write(state, phase, true, take(backwards)) == 0);
        std::reverse(backwards.begin(), backwards.end());
        FUZZ_EXPECT(forwards == backwards);
    }
}

void bring_to_devices(MemoryFile& file, repair::LogState& state, uint8_t flags) {
    std::optional<NoThreads> no_threads;
    if ((flags & 32) == 0) no_threads.emplace();
    std::vector<uint8_t> bytes[3];
    std::vector<std::unique_ptr<MemoryFile>> files;
    std::vector<repair::Target> targets;
    for (unsigned i = 0; i < 3; i++) {
        bytes[i].assign(kDeviceSize, 0);
        files.push_back(std::make_unique<MemoryFile>(bytes[i], kDeviceSize * 2));
        targets.push_back({DevId(i), files.back().get()});
    }
    const std::atomic<bool> stop{false};
    Silent silent;
    repair::LogWriter log(file, state);
    repair::Applier applier(file, state, log, targets, silent, stop, 1 << 16);
    if (!applier.check()) return;
    const auto before = bytes[1];
    if ((flags & 4) != 0 && !state.undone) {
        applier.lengthen();
        for (const repair::Phase phase : repair::kPhases)
            if (!applier.applied().stopped) applier.apply(phase, {true, state.planned->max_writes});
    }
    if ((flags & 8) != 0 && !applier.applied().stopped) applier.undo();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const bool ready = checksum::self_test().ok();
    FUZZ_EXPECT(ready);
    Input input(data, size);
    const uint8_t flags = input.u8();
    std::vector<uint8_t> content;
    if ((flags & 2) != 0) {
        const ByteView all = input.rest();
        content.assign(all.begin(), all.end());
    } else {
        content = build(input, (flags & 1) != 0);
    }
    MemoryFile file(content);
    repair::LogReader reader(file);
    const bool blank = reader.is_blank();
    const auto scanned = reader.scan();
    if (!scanned) {
        FUZZ_EXPECT(!scanned.error().message.empty());
        return 0;
    }
    FUZZ_EXPECT(!blank);
    FUZZ_EXPECT(scanned->end <= content.size() && scanned->torn == (scanned->end < content.size()));
    read_writes(reader, *scanned);
    if (scanned->header.kind == repair::FileKind::plan) {
        auto approved = repair::Approved::read(file, *scanned);
        if (approved) (void)approved->first_left(file, *scanned);
    } else if (scanned->planned) {
        auto state = *scanned;
        FUZZ_EXPECT(file.resize(state.end) == 0);
        bring_to_devices(file, state, flags);
        // Whatever was added, it can be read again.
        FUZZ_EXPECT(repair::LogReader(file).scan());
    }
    return 0;
}
