// SPDX-License-Identifier: GPL-2.0-or-later
//
// A batch of writes:
// 1. What lies there is read again: it must be what the journal keeps as old (after a crash: old or new).
// 2. What is not there yet is written; the devices flush.
// 3. It is read back past the cache and compared.
// 4. The journal gets a record for what failed, and one that commits the rest.
// 2 of a batch goes on while 3 of the one before it does; 4 follows in order.
// An undo puts the old bytes back in the same way, from the journal's end to its start.
#include "repair/apply.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/printable.h"
#include "repair/reached.h"

namespace raid56::repair {
namespace {

constexpr size_t kBatchWrites = 8192;
constexpr uint64_t kLongestRead = 1 << 20;
// What a disk writes whole or not at all.
constexpr size_t kAtom = 512;

bool same(ByteView a, ByteView b) { return std::memcmp(a.data(), b.data(), a.size()) == 0; }

bool atoms_are_old_or_new(ByteView now, ByteView old_bytes, ByteView new_bytes) {
    for (size_t at = 0; at < now.size(); at += kAtom) {
        const ByteView atom = now.subspan(at, kAtom);
        if (!same(atom, old_bytes.subspan(at, kAtom)) && !same(atom, new_bytes.subspan(at, kAtom))) return false;
    }
    return true;
}

std::string error_words(int error) { return error == 0 ? "other bytes lie there" : std::strerror(error); }

}  // namespace

device::WriteDevice* Applier::device_of(DevId devid) const {
    for (const auto& target : targets_)
        if (target.devid == devid) return target.device;
    return nullptr;
}

uint64_t Applier::old_length(DevId devid) const {
    for (const auto& device : state_.header.devices)
        if (device.devid == devid) return device.length;
    return UINT64_MAX;
}

std::string Applier::place_of(const Item& item) const {
    const auto& what = item.write.what;
    const std::string path = item.device != nullptr ? printable(item.device->path()) : "(not given)";
    return path + ": devid " + std::to_string(what.devid.v) + " at " + std::to_string(what.physical.v) + ", " +
           std::to_string(what.length) + " bytes";
}

void Applier::log_failed(int error, const char* what) {
    if (error == 0) return;
    listener_.complain(printable(file_.path()) + ": cannot write " + what + ": " + std::strerror(error));
    applied_.stopped = true;
}

bool Applier::load(const Place& place, const DecodedWrite& decoded, Item& item) {
    item.offset = place.offset;
    item.number = place.head.number;
    item.write = decoded.write;
    item.device = device_of(item.write.what.devid);
    const int error = reader_.read_bytes(place, item.bytes);
    if (error == 0 && decoded.has_old && decoded.has_new && item.device != nullptr) return true;
    listener_.complain(printable(file_.path()) + ": cannot use the record at " + std::to_string(place.offset) + ": " +
                       (error != 0 ? std::strerror(error) : "its device or its bytes are missing"));
    applied_.stopped = true;
    return false;
}

Applier::Sector Applier::sector_of(const Item& item, uint64_t at) const {
    const uint64_t sector = unit(item.write);
    if (item.write.beyond_end && item.write.what.physical.v + at + sector > old_length(item.write.what.devid))
        return Sector::behind;
    return (item.write.unreadable >> (at / sector) & 1) != 0 ? Sector::unknown : Sector::known;
}

// 0, or an errno. Behind the end of a short image lie zeros.
int Applier::read_sector(const Item& item, uint64_t offset, ByteSpan out) {
    const uint64_t at = item.write.what.physical.v + offset;
    const uint64_t size = item.device->size();
    if (!item.write.beyond_end || at + out.size() <= size) return item.device->read(at, out);
    std::fill(out.begin(), out.end(), uint8_t{0});
    return at < size ? item.device->read(at, out.first(size - at)) : 0;
}

// `lenient`: the write may have been begun before, and torn.
Applier::Look Applier::look(const Item& item, bool lenient) {
    const uint64_t sector = unit(item.write);
    std::vector<uint8_t> whole(item.write.what.length);
    // All at once first; sector by sector only where that fails.
    const bool at_once = !item.write.beyond_end && item.write.unreadable == 0 &&
                         item.device->read(item.write.what.physical.v, whole) == 0;
    if (at_once && same(whole, item.old_bytes())) return {Found::old_bytes, false, 0};
    Look seen;
    bool any_old = false, any_new = false;
    for (uint64_t at = 0; at < whole.size(); at += sector) {
        const ByteSpan now = ByteSpan(whole).subspan(at, sector);
        const ByteView old_bytes = item.old_bytes().subspan(at, sector),
                       new_bytes = item.new_bytes().subspan(at, sector);
        const bool knows_old = sector_of(item, at) != Sector::unknown;
        const int failed = at_once ? 0 : read_sector(item, at, now);
        if (failed != 0 && knows_old && !lenient) return {Found::other, true, failed};
        // An unreadable sector that can be read now is something that the plan has not seen.
        if (failed != 0)
            seen.unreadable = true;
        else if (same(now, new_bytes))
            any_new = true;
        else if (knows_old && same(now, old_bytes))
            any_old = true;
        else if (lenient && (!knows_old || atoms_are_old_or_new(now, old_bytes, new_bytes)))
            any_old = any_new = true;
        else
            return {Found::other, seen.unreadable, 0};
    }
    if (any_old && any_new)
        seen.found = Found::mixed;
    else if (any_old)
        seen.found = Found::old_bytes;
    else if (any_new)
        seen.found = Found::new_bytes;
    return seen;
}

Result<uint64_t> Applier::check_writes(std::optional<DevId> only) {
    uint64_t known = 0;
    for (const Phase phase : kPhases) {
        std::optional<Error> wrong;
        const int error =
            reader_.each_write(state_, phase, false, [&](const Place& place, const DecodedWrite& decoded) {
                if (only && decoded.write.what.devid != *only) return true;
                // Not written; or written in vain, and then whatever a failing device left there.
                if (is_left_out(state_, decoded.write) || state_.failed.contains(place.head.number)) return true;
                Item item;
                if (!load(place, decoded, item)) {
                    wrong = Error{printable(file_.path()) + ": cannot be used"};
                    return false;
                }
                known++;
                // A last superblock may have been passed over, while those behind it were committed.
                const bool certain =
                    phase != Phase::last_super && state_.is_committed(phase, item.offset) && !state_.undoing;
                const Look seen = look(item, true);
                const bool changes = !same(item.old_bytes(), item.new_bytes());
                const bool undone = changes && (seen.found == Found::old_bytes || seen.found == Found::mixed);
                if (seen.found == Found::other || (certain && undone))
                    wrong = Error{place_of(item) + ": holds neither what this journal replaced nor what it wrote (" +
                                  error_words(seen.error) + "); nothing is done"};
                return !wrong;
            });
        if (wrong) return *wrong;
        if (error != 0) return Error{printable(file_.path()) + ": cannot be read: " + std::strerror(error)};
    }
    return known;
}

bool Applier::are_free() {
    for (const auto& target : targets_) {
        if (auto free = target.device->still_free(); !free) {
            listener_.complain(free.error().message);
            applied_.stopped = true;
        }
    }
    return !applied_.stopped;
}

void Applier::lengthen() {
    if (!are_free()) return;
    for (const auto& device : state_.header.devices) {
        auto* target = device_of(device.devid);
        if (target == nullptr || !is_lengthened(state_, device.devid)) continue;
        int error = target->size() < device.total_bytes ? target->resize(device.total_bytes) : 0;
        // A crash must not leave a length in between, that a write behind the old end gave it: no undo would know it.
        if (error == 0) error = target->sync();
        if (error == 0) continue;
        // Nor may a write behind the old end give it one.
        listener_.complain(printable(target->path()) + ": cannot be made " + std::to_string(device.total_bytes) +
                           " bytes long: " + std::strerror(error));
        applied_.stopped = true;
    }
}

void Applier::apply(Phase phase, const ApplyOptions& options) {
    Batch batch;
    const int error = reader_.each_write(state_, phase, false, [&](const Place& place, const DecodedWrite& decoded) {
        if (stop_ || applied_.stopped) return false;
        if (options.max_writes && taken_ >= *options.max_writes) return false;
        taken_++;
        const auto& what = decoded.write.what;
        const auto failed = state_.failed.find(place.head.number);
        const bool hopeless = failed != state_.failed.end() && !failed->second.attempted;
        const bool left_out = is_left_out(state_, decoded.write);
        if (hopeless || left_out || (phase == Phase::last_super && incomplete_.contains(what.devid))) {
            incomplete_.insert(what.devid);
            (left_out ? applied_.left_out : applied_.failed)++;
            listener_.action(decoded.write, false);
            return true;
        }
        // A last superblock may have been passed over, while those behind it were committed.
        const bool looked_at = phase == Phase::last_super;
        if (!looked_at && state_.is_committed(phase, place.offset) && failed == state_.failed.end()) {
            applied_.sectors += what.length / unit(decoded.write);
            listener_.action(decoded.write, true);
            return true;
        }
        Item item;
        if (!load(place, decoded, item)) return false;
        batch.bytes += item.write.what.length;
        batch.items.push_back(std::move(item));
        if (batch.bytes < batch_bytes_ && batch.items.size() < kBatchWrites) return true;
        send(std::move(batch), options.resume);
        batch = {};
        return !applied_.stopped;
    });
    log_failed(error, "what was done, because it cannot be read");
    if (!batch.items.empty() && !applied_.stopped && !stop_) send(std::move(batch), options.resume);
    settle();
    applied_.stopped = applied_.stopped || stop_;
}

// Writes a batch and has it flushed; the one before it is settled first.
void Applier::send(Batch batch, bool lenient) {
    if (!are_free()) return settle();
    for (auto& item : batch.items) {
        const bool again = state_.failed.contains(item.number);
        const Look seen = look(item, lenient || again);
        item.error = seen.error;
        switch (seen.found) {
            case Found::nothing:
            case Found::old_bytes:
            case Found::mixed: item.write_it = true; break;
            case Found::new_bytes:
                item.attempted = true;  // by an earlier run
                item.write_it = seen.unreadable;
                break;
            case Found::other: item.write_it = again; break;
        }
        if (item.write_it) item.error = 0;
    }
    for (auto& item : batch.items) {
        if (!item.write_it) continue;
        item.attempted = true;
        item.error = item.device->write(item.write.what.physical.v, item.new_bytes());
    }
    settle();
    sent_ = std::make_shared<Batch>(std::move(batch));
    const auto arrive = [sent = sent_] {
        flush(*sent);
        read_back(*sent);
    };
    // Where the system gives no thread, once it is waited for. A temporary would be empty by then (libstdc++ 12).
    arriving_ = std::async(std::launch::async | std::launch::deferred, arrive);
}

void Applier::settle() {
    if (!sent_) return;
    arriving_.get();
    tell(*sent_);
    sent_.reset();
}

void Applier::tell(const Batch& batch) {
    bool any_failed = false;
    for (const auto& complaint : batch.complaints) listener_.complain(complaint);
    applied_.stopped = applied_.stopped || !batch.complaints.empty();
    for (const auto& item : batch.items) {
        if (item.arrived) {
            if (state_.failed.erase(item.number) > 0) log_failed(log_.failed({item.number, 0, true}), "what was done");
            applied_.sectors += item.write.what.length / unit(item.write);
        } else {
            any_failed = true;
            const Failed failed{item.number, item.attempted && item.error == 0 ? EIO : item.error, item.attempted};
            log_failed(log_.failed(failed), "what failed");
            state_.failed[item.number] = failed;
            incomplete_.insert(item.write.what.devid);
            applied_.failed++;
            listener_.complain(place_of(item) + ": " +
                               (item.attempted ? "could not be written: " : "is not what the plan saw, not written: ") +
                               error_words(failed.error));
        }
        listener_.action(item.write, item.arrived);
    }
    // What failed must not be forgotten while later records last.
    if (any_failed) log_failed(log_.sync(), "what failed");
    const auto& last = batch.items.back();
    log_failed(log_.committed({last.write.phase, last.offset + 1}), "what was done");
    state_.committed[last.write.phase] = last.offset + 1;
}

// A second try tells a flush that was refused for what came before from a disk that refuses all. What
// did not arrive is found out by reading it back.
void Applier::flush(Batch& batch) {
    std::set<device::WriteDevice*> written;
    for (const auto& item : batch.items)
        if (item.attempted) written.insert(item.device);
    for (auto* device : written) {
        if (device->sync() == 0) continue;
        const int error = device->sync();
        if (error == 0) continue;
        batch.complaints.push_back(printable(device->path()) + ": cannot be flushed: " + std::strerror(error));
        for (auto& item : batch.items)
            if (item.device == device && item.error == 0) item.error = error;
    }
}

// Neighbours are read at once: what one write brought is seldom a long run.
void Applier::read_back(Batch& batch) {
    struct Run {
        std::vector<Item*> items;
        std::vector<uint8_t> bytes;
        device::ReadOp op;
    };
    std::vector<Item*> order;
    for (auto& item : batch.items)
        if (item.attempted && item.error == 0) order.push_back(&item);
    std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
        return std::tuple(a->write.what.devid, a->write.what.physical) <
               std::tuple(b->write.what.devid, b->write.what.physical);
    });
    std::vector<Run> runs;
    for (auto* item : order) {
        const bool joins = !runs.empty() && runs.back().items.back()->device == item->device &&
                           runs.back().op.offset + runs.back().bytes.size() == item->write.what.physical.v &&
                           runs.back().bytes.size() + item->write.what.length <= kLongestRead;
        if (!joins) {
            runs.emplace_back();
            runs.back().op.offset = item->write.what.physical.v;
        }
        runs.back().items.push_back(item);
        runs.back().bytes.resize(runs.back().bytes.size() + item->write.what.length);
    }
    for (auto& run : runs) {
        run.op.out = run.bytes;
        run.items.front()->device->medium().start(run.op);
    }
    for (auto& run : runs) run.items.front()->device->medium().finish(run.op);
    for (auto& run : runs) {
        size_t at = 0;
        for (auto* item : run.items) {
            const ByteSpan now = ByteSpan(run.bytes).subspan(at, item->write.what.length);
            at += now.size();
            if (run.op.error != 0) item->error = item->device->medium().read(item->write.what.physical.v, now);
            item->arrived = item->error == 0 && same(now, item->new_bytes());
        }
    }
}

// ---- undo

void Applier::undo() {
    for (auto phase = std::rbegin(kPhases); phase != std::rend(kPhases) && !applied_.stopped; ++phase)
        undo_phase(*phase);
    if (!applied_.stopped) cut_images();
}

void Applier::undo_phase(Phase phase) {
    Batch batch;
    const int error = reader_.each_write(state_, phase, true, [&](const Place& place, const DecodedWrite& decoded) {
        if (stop_ || applied_.stopped) return false;
        if (!may_be_written(state_, place.head.number, decoded.write)) return true;
        Item item;
        if (!load(place, decoded, item)) return false;
        batch.bytes += item.write.what.length;
        batch.items.push_back(std::move(item));
        if (batch.bytes < batch_bytes_ && batch.items.size() < kBatchWrites) return true;
        undo_batch(batch);
        batch = {};
        return !applied_.stopped;
    });
    log_failed(error, "what was undone, because it cannot be read");
    if (!batch.items.empty() && !applied_.stopped && !stop_) undo_batch(batch);
    applied_.stopped = applied_.stopped || stop_;
}

// What had been unreadable has no old bytes: it stays as it was written. What lies behind the old end of an
// image goes with the cut.
void Applier::put_back(Item& item) {
    const uint64_t sector = unit(item.write), end = old_length(item.write.what.devid);
    item.is_cut = item.write.beyond_end && is_lengthened(state_, item.write.what.devid) && item.device->size() > end;
    const bool again = state_.failed.contains(item.number);
    if (const Look seen = look(item, true); seen.found == Found::other && !again) {
        item.error = seen.error != 0 ? seen.error : ESTALE;
        return;
    }
    std::vector<uint8_t> now(sector);
    for (uint64_t at = 0; at < item.write.what.length && item.error == 0; at += sector) {
        const uint64_t physical = item.write.what.physical.v + at;
        const bool is_read = read_sector(item, at, now) == 0;
        if (sector_of(item, at) == Sector::unknown) {
            applied_.kept += is_read && same(now, item.new_bytes().subspan(at, sector)) ? 1 : 0;
            continue;
        }
        if (physical >= end) continue;
        const ByteView old_bytes = item.old_bytes().subspan(at, std::min(sector, end - physical));
        if (is_read && same(ByteView(now).first(old_bytes.size()), old_bytes)) continue;
        item.attempted = true;
        if (!item.places.empty() && item.places.back().end == at)
            item.places.back().end = at + old_bytes.size();
        else
            item.places.push_back({at, at + old_bytes.size()});
    }
    for (const Range& place : item.places) {
        if (item.error != 0) break;
        item.error = item.device->write(item.write.what.physical.v + place.start,
                                        item.old_bytes().subspan(place.start, place.length()));
    }
}

bool Applier::holds_old(const Item& item) {
    return std::all_of(item.places.begin(), item.places.end(), [&](const Range& place) {
        std::vector<uint8_t> now(place.length());
        return item.device->medium().read(item.write.what.physical.v + place.start, now) == 0 &&
               same(now, item.old_bytes().subspan(place.start, place.length()));
    });
}

void Applier::undo_batch(Batch& batch) {
    for (auto& item : batch.items) put_back(item);
    flush(batch);
    for (const auto& complaint : batch.complaints) listener_.complain(complaint);
    applied_.stopped = applied_.stopped || !batch.complaints.empty();
    for (auto& item : batch.items) {
        if (item.error == 0 && !item.attempted && !item.is_cut) continue;  // it is as it was
        const bool done = item.error == 0 && holds_old(item);
        if (done) {
            applied_.sectors += item.write.what.length / unit(item.write);
        } else {
            applied_.failed++;
            listener_.complain(place_of(item) +
                               ": could not be put back: " + error_words(item.error == 0 ? EIO : item.error));
        }
        listener_.action(item.write, done);
    }
}

void Applier::cut_images() {
    for (const auto& device : state_.header.devices) {
        auto* target = device_of(device.devid);
        // Only what this repair made longer, and nobody changed since.
        if (target == nullptr || !is_lengthened(state_, device.devid) || target->size() != device.total_bytes ||
            target->size() <= device.length)
            continue;
        int error = target->resize(device.length);
        if (error == 0) error = target->sync();
        if (error == 0) continue;
        listener_.complain(printable(target->path()) + ": cannot be cut to " + std::to_string(device.length) +
                           " bytes again: " + std::strerror(error));
        applied_.failed++;
    }
}

}  // namespace raid56::repair
