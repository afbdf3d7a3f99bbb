// SPDX-License-Identifier: GPL-2.0-or-later
#include "repair/log.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/printable.h"
#include "format/superblock.h"

namespace raid56::repair {

// ---- writing

int LogWriter::append(RecordType type, ByteView fixed, ByteView a, ByteView b) {
    RecordHead head;
    head.type = type;
    head.id = id_;
    head.number = number_;
    head.previous = previous_;
    // A short one reaches the file in one piece; a long one is not copied for that.
    constexpr size_t kShort = 16 << 10;
    auto record = encode_head(head, fixed, a, b);
    std::vector<ByteView> parts = {record, a, b};
    if (record.size() + a.size() + b.size() <= kShort) {
        record.insert(record.end(), a.begin(), a.end());
        record.insert(record.end(), b.begin(), b.end());
        parts = {record};
    }
    uint64_t at = end_;
    for (const ByteView part : parts) {
        if (part.empty()) continue;
        if (const int error = file_.write(at, part); error != 0) return error;
        at += part.size();
    }
    previous_ = at - end_;
    end_ = at;
    number_++;
    return 0;
}

int LogWriter::header(const Header& header) {
    return append(RecordType::header, encode_fixed(header), encode_devices(header));
}
int LogWriter::write(const Write& write, const WriteBytes& bytes) {
    return append(RecordType::write, encode_fixed(write, bytes), bytes.old_bytes, bytes.new_bytes);
}
int LogWriter::planned(const Planned& planned) {
    return append(RecordType::planned, encode_fixed(planned), encode_lengthened(planned));
}
int LogWriter::committed(const Committed& committed) { return append(RecordType::committed, encode_fixed(committed)); }
int LogWriter::failed(const Failed& failed) { return append(RecordType::failed, encode_fixed(failed)); }
int LogWriter::mark(RecordType type) { return append(type, {}); }

// ---- reading

// ENOENT where no whole head lies there.
int LogReader::place_at(uint64_t offset, Place& place) {
    const uint64_t size = file_.size();
    if (offset > size || size - offset < kHeadSize) return ENOENT;
    std::vector<uint8_t> bytes(std::min<uint64_t>(size - offset, kHeadSize + kMaxFixed));
    if (const int error = file_.read(offset, bytes); error != 0) return error;
    const auto head = decode_head(bytes);
    if (!head || kHeadSize + head->fixed > bytes.size()) return ENOENT;
    bytes.resize(kHeadSize + head->fixed);
    if (!head_holds(bytes)) return ENOENT;
    place.offset = offset;
    place.head = *head;
    place.fixed.assign(bytes.begin() + kHeadSize, bytes.end());
    return 0;
}

int LogReader::read_bytes(const Place& place, std::vector<uint8_t>& out) {
    out.resize(place.head.bytes);
    if (place.bytes_at() > file_.size() || file_.size() - place.bytes_at() < out.size()) return EBADMSG;
    if (const int error = file_.read(place.bytes_at(), out); error != 0) return error;
    return bytes_hold(place.head, out) ? 0 : EBADMSG;
}

// Bytes of a device that a repair may write to. A chunk may lie behind the end that a device's item tells, where that
// item is wrong. What lies behind the end of a device is in the plan, but not always written (is_left_out()).
static uint64_t size_of(const HeaderDevice& device, bool beyond_end) {
    return beyond_end ? UINT64_MAX : std::max(device.total_bytes, device.length);
}

// Whether a write may be one of a repair of that file system: whole sectors of a device that it has, superblock
// copies at their places and nothing else there.
static bool makes_sense(const Write& write, const Header& header) {
    const auto& what = write.what;
    const auto device = std::find_if(header.devices.begin(), header.devices.end(),
                                     [&](const HeaderDevice& d) { return d.devid == what.devid; });
    if (device == header.devices.end() || device->seed) return false;
    const uint64_t size = size_of(*device, write.beyond_end);
    if (what.length > size || what.physical.v > size - what.length) return false;
    const auto touches = [&](uint64_t offset) {
        return what.physical.v < offset + format::kSuperSize && offset < what.physical.v + what.length;
    };
    const auto& places = format::kSuperOffsets;
    if (what.role == scrub::Role::super)
        return what.length == format::kSuperSize && phase_of(what.role) <= write.phase &&
               std::find(places.begin(), places.end(), what.physical.v) != places.end();
    return what.length % header.sectorsize == 0 && what.physical.v % 512 == 0 && write.phase == phase_of(what.role) &&
           std::none_of(places.begin(), places.end(), touches);
}

// What a record says; false where it does not hold what its type does.
bool LogReader::take(const Place& place, ByteView bytes, LogState& state) const {
    switch (place.head.type) {
        case RecordType::header: return place.offset == 0;
        case RecordType::write: {
            const auto decoded = decode_write(place.fixed, place.head.bytes);
            return decoded && makes_sense(decoded->write, state.header);
        }
        case RecordType::planned: state.planned = decode_planned(place.fixed, bytes); return state.planned.has_value();
        case RecordType::committed: {
            const auto committed = decode_committed(place.fixed);
            if (!committed) return false;
            auto& before = state.committed[committed->phase];
            before = std::max(before, committed->before);
            return true;
        }
        case RecordType::failed: {
            const auto failed = decode_failed(place.fixed);
            if (!failed) return false;
            if (failed->arrived())
                state.failed.erase(failed->number);
            else
                state.failed[failed->number] = *failed;
            return true;
        }
        case RecordType::finished: state.finished = true; return bytes.empty();
        case RecordType::undoing: state.undoing = true; return bytes.empty();
        case RecordType::undone: state.undone = true; return bytes.empty();
    }
    return false;
}

// `planned` is written only once everything before it lasts: with one behind it, a broken record was not torn
// by a crash. What is lost after that record is only which writes were done, and that can be seen on the devices.
bool LogReader::plan_ends_behind(uint64_t offset, uint64_t id) {
    constexpr size_t kWindow = 1 << 20;
    const uint64_t size = file_.size();
    std::vector<uint8_t> window;
    for (uint64_t at = offset; at < size; at += kWindow) {
        window.resize(std::min<uint64_t>(size - at, kWindow + kHeadSize));
        if (file_.read(at, window) != 0) return true;  // nobody knows
        for (size_t i = 0; i + kHeadSize <= window.size(); i++) {
            const auto head = decode_head(ByteView(window).subspan(i));
            Place place;
            if (head && head->id == id && head->type == RecordType::planned && place_at(at + i, place) == 0)
                return true;
        }
    }
    return false;
}

// The header is on stable storage before anything follows: what a crash leaves without one is short.
bool LogReader::is_blank() {
    constexpr uint64_t kLongestHeader = 32 << 10;
    if (file_.size() == 0) return true;
    if (file_.size() > kLongestHeader) return false;
    std::vector<uint8_t> whole(file_.size());
    if (file_.read(0, whole) != 0) return false;
    if (std::all_of(whole.begin(), whole.end(), [](uint8_t byte) { return byte == 0; })) return true;
    const auto head = decode_head(whole);
    if (!head || head->type != RecordType::header) return false;
    Place place;
    std::vector<uint8_t> bytes;
    const bool is_whole = place_at(0, place) == 0 && read_bytes(place, bytes) == 0;
    return !is_whole && whole.size() <= head->length();
}

Result<LogState> LogReader::scan() {
    const std::string name = printable(file_.path());
    const auto refuse = [&](const std::string& why) { return Error{name + ": " + why}; };
    LogState state;
    std::vector<uint8_t> bytes;
    for (uint64_t number = 0;; number++) {
        Place place;
        int error = place_at(state.end, place);
        if (error == 0) error = read_bytes(place, bytes);
        if (error != 0 && error != ENOENT && error != EBADMSG)
            return refuse("cannot be read at " + std::to_string(state.end) + ": " + std::strerror(error));
        const bool follows = error == 0 && place.head.number == number && place.head.previous == state.previous &&
                             (number == 0 || place.head.id == state.id);
        if (!follows) {
            if (number == 0) return refuse("is neither a journal nor a plan of btrfs-raid56");
            state.torn = state.end < file_.size();
            if (state.torn && plan_ends_behind(state.end, state.id))
                return refuse("is damaged at " + std::to_string(state.end) +
                              ", in a part that no crash can have torn; nothing is done with it");
            return state;
        }
        if (number == 0) {
            const auto version = peek_version(place.fixed);
            if (place.head.type == RecordType::header && version && *version != kVersion)
                return refuse("is of version " + std::to_string(*version) + ", expect " + std::to_string(kVersion));
            const auto header = decode_header(place.fixed, bytes);
            if (place.head.type != RecordType::header || !header)
                return refuse("is neither a journal nor a plan of btrfs-raid56");
            state.header = *header;
            state.id = place.head.id;
        }
        if (!take(place, bytes, state))
            return refuse("holds a record at " + std::to_string(state.end) + " that makes no sense");
        state.end = place.end();
        state.previous = place.head.length();
        state.next_number = number + 1;
    }
}

}  // namespace raid56::repair
