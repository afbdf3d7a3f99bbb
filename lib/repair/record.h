// SPDX-License-Identifier: GPL-2.0-or-later
// Records of journals and plans, as bytes and as values: btrfs-raid56-journal(5). Pure.
//
// A file is one record after another, without gaps; the first is a header. All numbers little-endian.
//
//   offset  size  of every record
//   0       4     magic "BR56"
//   4       2     type
//   6       2     0
//   8       4     F: length of the fixed part
//   12      4     B: length of the bytes
//   16      8     id of the file: the same in all its records
//   24      8     number of the record: 0, 1, 2 ...
//   32      8     length of the record before it, 0 for the first
//   40      4     crc32c of the bytes
//   44      4     crc32c of what lies before, from 0, and of the fixed part
//   48      F     fixed part, by type
//   48 + F  B     bytes
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "repair/write.h"
#include "scrub/classify.h"

namespace raid56::repair {

enum class RecordType : uint16_t {
    header = 1,
    write = 2,
    planned = 3,    // no more writes follow; what is needed to undo them is in the file
    committed = 4,  // writes are on the devices, read back and compared
    failed = 5,     // a write was refused or did not arrive
    finished = 6,   // nothing is left to be done
    undoing = 7,    // an undo has begun
    undone = 8,     // the devices are as they were
};

inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kHeadSize = 48;
inline constexpr uint32_t kMaxFixed = 256;
inline constexpr uint32_t kMaxBytes = 1 << 20;

struct RecordHead {
    RecordType type = RecordType::header;
    uint32_t fixed = 0, bytes = 0;  // lengths
    uint64_t id = 0, number = 0, previous = 0;
    uint32_t bytes_sum = 0;

    uint64_t length() const { return kHeadSize + fixed + bytes; }
};

/// What binds a file to a file system.
struct HeaderDevice {
    DevId devid;
    Uuid uuid{};
    uint64_t length = 0;       // of the image or device when the plan was made
    uint64_t total_bytes = 0;  // that the file system gives it
    Generation generation;     // of its newest superblock copy; 0: none
    bool seed = false;         // belongs to the file system and is never written
    bool operator==(const HeaderDevice&) const = default;
};
enum class FileKind : uint32_t { journal = 1, plan = 2 };
struct Header {
    FileKind kind = FileKind::journal;
    Uuid fsid{};
    Generation generation;
    uint32_t sectorsize = 0;
    std::vector<HeaderDevice> devices;
};

/// What the scrub behind a plan said, for whoever applies it later.
struct Planned {
    uint64_t writes = 0, sectors = 0;
    uint64_t unproven = 0;                                      // sectors among them that nothing proves
    bool lost = false;                                          // something is lost
    bool undecided = false;                                     // something could not be decided
    bool limited = false;                                       // --only or --max-writes left something out
    bool missing = false;                                       // a device is missing
    scrub::NoChecksum no_checksum = scrub::NoChecksum::report;  // by which it was made
    std::optional<uint64_t> max_writes;                         // that may be applied, in the order of the phases
    // Short images that get their full length, because all that belongs behind their end is known. Writes
    // behind the end of others are left out: what nobody knows there must not come to look like zeros.
    std::vector<DevId> lengthened;
};

struct Committed {
    Phase phase = Phase::data;
    uint64_t before = 0;  // writes of this phase whose records begin before this offset
};

struct Failed {
    uint64_t number = 0;     // of the write's record
    int error = 0;           // errno; 0: the bytes there were not those of the plan
    bool attempted = false;  // something may have reached the device

    /// The last word on a write that had failed: a second attempt arrived.
    bool arrived() const { return error == 0 && attempted; }
};

/// Head and fixed part together; `a` and `b` are the bytes that follow. `head.bytes_sum` and lengths are filled in.
std::vector<uint8_t> encode_head(RecordHead head, ByteView fixed, ByteView a, ByteView b);
/// The head at the start of `bytes` (at least kHeadSize of them), with lengths within bounds; its sum is not checked.
std::optional<RecordHead> decode_head(ByteView bytes);
/// Whether the sum over head and fixed part holds.
bool head_holds(ByteView head_and_fixed);
/// Whether the sum over the bytes holds.
bool bytes_hold(const RecordHead& head, ByteView bytes);

std::vector<uint8_t> encode_fixed(const Header& header);
std::vector<uint8_t> encode_devices(const Header& header);
std::vector<uint8_t> encode_fixed(const Write& write, const WriteBytes& bytes);
std::vector<uint8_t> encode_fixed(const Planned& planned);
std::vector<uint8_t> encode_lengthened(const Planned& planned);
std::vector<uint8_t> encode_fixed(const Committed& committed);
std::vector<uint8_t> encode_fixed(const Failed& failed);

/// Nothing where the parts are not what such a record holds; the version is looked at by the caller.
std::optional<uint32_t> peek_version(ByteView fixed);
std::optional<Header> decode_header(ByteView fixed, ByteView bytes);
struct DecodedWrite {
    Write write;
    bool has_old = false, has_new = false;
};
std::optional<DecodedWrite> decode_write(ByteView fixed, uint32_t bytes);
std::optional<Planned> decode_planned(ByteView fixed, ByteView bytes);
std::optional<Committed> decode_committed(ByteView fixed);
std::optional<Failed> decode_failed(ByteView fixed);

}  // namespace raid56::repair
