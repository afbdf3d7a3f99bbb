// SPDX-License-Identifier: GPL-2.0-or-later
// A whole file system: opened, scrubbed and planned for to the end; the plan is brought to the devices and all is
// scrubbed again.
//
// Input: the file system (1), flags (bit 0: a second scrub with other batches; bit 1: JSON; bit 2: --files; bits 3-4:
// --no-checksum; bit 5: devid 1 is distrusted), then what happens to it, one after the other, by a byte of kind:
//   0  bytes at any place of a device: device (1), page (1), offset (2), length (1), bytes
//   1  bytes in a tree block: block (1), how (1), offset (2), length (1), bytes
//   2  bytes in a superblock: device (1), how (1), offset (2), length (1), bytes
//   3  a number in the data of an item: block (1), how (1), item (1), offset (1), width (1), number
//   4  the key or bounds of an item: block (1), how (1), item (1), field (1), number
//   5  a device: device (1), what (1: missing, shorter, a page lost), page (1)
//   6  a field of a tree block's header: block (1), how (1), field (1), number
//   7  an item goes, or is there twice: block (1), how (1), item (1), which (1)
// `how`: bit 0: its checksum is left alone; bit 1: its parity is.
//
// Where only 0 and 5 happened, what is right is known: the oracle holds verdict and writes against it.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "format/tree_block.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "fuzz/support/small_volume.h"
#include "fuzz/support/volume_run.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

using format::Profile;

constexpr VolumeShape kShapes[] = {
    {Profile::raid6, 4, CsumKind::crc32c, 4096, false, false},
    {Profile::raid5, 3, CsumKind::crc32c, 4096, false, true},
    {Profile::raid5, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::raid6, 3, CsumKind::xxhash64, 4096, true, false},
    {Profile::raid1, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::raid6, 4, CsumKind::sha256, 16384, false, true},
    {Profile::raid1c3, 3, CsumKind::crc32c, 4096, true, false},
    {Profile::raid10, 4, CsumKind::crc32c, 4096, false, false},
    {Profile::raid0, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::single, 1, CsumKind::crc32c, 4096, true, true},
    {Profile::dup, 2, CsumKind::crc32c, 4096, false, false},
    {Profile::raid5, 4, CsumKind::xxhash64, 8192, true, true},
    {Profile::raid6, 5, CsumKind::crc32c, 4096, true, true},
};
constexpr size_t kReadsPerDevice = 20000;

// ISA-L's, with memory that is used again: each piece has its own size to the byte, so that what reads or writes past
// its end is still seen.
class ReusingEngine final : public parity::Engine {
  public:
    explicit ReusingEngine(size_t batch_bytes) : batch_bytes_(batch_bytes) {}
    std::string_view name() const override { return parity::isal_engine().name(); }
    size_t batch_bytes() const override { return batch_bytes_; }
    std::unique_ptr<parity::Buffer> allocate(size_t size) override { return std::make_unique<Lent>(*this, size); }
    void submit(parity::Batch batch) override { parity::isal_engine().submit(batch); }
    void wait(parity::Batch batch) override { parity::isal_engine().wait(batch); }

  private:
    class Lent final : public parity::Buffer {
      public:
        Lent(ReusingEngine& of, size_t size) : of_(of) {
            const std::lock_guard lock(of_.mutex_);
            auto& kept = of_.kept_[size];
            if (kept.empty()) {
                buffer_ = parity::isal_engine().allocate(size);
                return;
            }
            buffer_ = std::move(kept.back());
            kept.pop_back();
            std::memset(buffer_->bytes().data(), 0, size);
        }
        ~Lent() override {
            const std::lock_guard lock(of_.mutex_);
            of_.kept_[buffer_->bytes().size()].push_back(std::move(buffer_));
        }
        std::span<uint8_t> bytes() override { return buffer_->bytes(); }

      private:
        ReusingEngine& of_;
        std::unique_ptr<parity::Buffer> buffer_;
    };

    size_t batch_bytes_;
    std::mutex mutex_;
    std::map<size_t, std::vector<std::unique_ptr<parity::Buffer>>> kept_;
};

// What the stories begin with is clean.
void check_sound(SmallVolume& volume) {
    std::vector<OverlayDevice*> devices;
    for (auto& device : volume.devices()) devices.push_back(device.get());
    std::atomic<bool> stop{false};
    const auto run = run_volume(devices, {}, parity::isal_engine(), stop);
    if (run.verdict != report::Verdict::clean) std::fprintf(stderr, "%s%s\n", run.error.c_str(), run.report.c_str());
    FUZZ_EXPECT(run.opened && run.verdict == report::Verdict::clean);
}

SmallVolume& volume_of(uint8_t n) {
    static std::unique_ptr<SmallVolume> made[std::size(kShapes)];
    auto& volume = made[n % std::size(kShapes)];
    if (!volume) {
        volume = std::make_unique<SmallVolume>(kShapes[n % std::size(kShapes)]);
        check_sound(*volume);
    }
    volume->reset();
    return *volume;
}

void put(std::vector<uint8_t>& bytes, size_t offset, uint64_t number, size_t width) {
    for (size_t i = 0; i < width && offset + i < bytes.size(); i++)
        bytes[offset + i] = static_cast<uint8_t>(number >> (8 * i));
}

// Addresses that mean something here: of tree blocks and data; else the input's own.
uint64_t number_of(Input& input, const SmallVolume& volume) {
    const uint64_t number = input.number();
    if (number >= 0x80) return number;
    if (number >= 0x60) return volume.chunks()[number % 3].logical + (number / 3 % 8) * uint64_t{4096};
    if (number >= 0x50) return volume.blocks()[number % volume.blocks().size()];
    return number;
}

// What the input does to a file system.
class Story {
  public:
    Story(SmallVolume& volume, Input& input) : volume_(volume), input_(input), missing_(volume.devices().size()) {}

    void tell() {
        for (unsigned i = 0; i < 24 && !input_.empty(); i++) {
            const uint8_t kind = input_.u8() % 8;
            if (kind == 0) patch_device();
            if (kind == 2) patch_super();
            if (kind == 5) change_device();
            if (kind == 1 || kind == 3 || kind == 4 || kind == 6 || kind == 7) change_block(kind);
        }
    }
    /// Whether nothing was given a checksum that it should not have.
    bool honest() const { return honest_; }
    bool any_missing() const { return std::find(missing_.begin(), missing_.end(), true) != missing_.end(); }
    bool is_missing(size_t device) const { return missing_[device]; }
    /// Whether a block was forged, and what its parity gives was not.
    bool any_double() const { return double_; }
    bool any_shorter() const { return shorter_; }
    std::vector<OverlayDevice*> devices() const {
        std::vector<OverlayDevice*> there;
        for (size_t i = 0; i < missing_.size(); i++)
            if (!missing_[i]) there.push_back(volume_.devices()[i].get());
        return there;
    }

  private:
    size_t device() { return input_.u8() % volume_.devices().size(); }

    void patch_device() {
        auto& to = *volume_.devices()[device()];
        // The superblock, and then what holds something at all.
        const uint64_t pages = (to.base_size() - 0x1f000) / 4096;
        const uint64_t page = input_.u8() % pages;
        const uint64_t at = (page == 0 ? 0x10000 : 0x1f000 + page * 4096) + input_.u16() % 4096;
        const ByteView bytes = input_.take(input_.u8());
        if (!bytes.empty() && at + bytes.size() <= to.base_size()) to.write(at, bytes);
    }

    void patch_super() {
        const size_t index = device();
        const uint8_t how = input_.u8();
        std::vector<uint8_t> block(4096);
        volume_.devices()[index]->peek(0x10000, block);
        const size_t at = input_.u16() % 4096;
        const ByteView bytes = input_.take(std::min<size_t>(input_.u8(), 4096 - at));
        if (!bytes.empty()) std::memcpy(block.data() + at, bytes.data(), bytes.size());
        volume_.write_super(static_cast<unsigned>(index), std::move(block), (how & 1) == 0);
        honest_ = false;
    }

    void change_device() {
        const size_t index = device();
        auto& to = *volume_.devices()[index];
        const uint8_t what = input_.u8() % 4, page = input_.u8();
        if (what == 0) {
            const auto gone = static_cast<size_t>(std::count(missing_.begin(), missing_.end(), true));
            if (gone + 1 < missing_.size()) missing_[index] = true;
        }
        if (what == 1) {
            to.resize(to.base_size() - std::min<uint64_t>(page * uint64_t{4096}, to.base_size() - 0x11000));
            shorter_ = page > 0;
        }
        if (what >= 2) to.lose(0x20 + page % ((to.base_size() - 0x20000) / 4096));
    }

    void change_block(uint8_t kind) {
        const uint64_t at = volume_.blocks()[input_.u8() % volume_.blocks().size()];
        const uint8_t how = input_.u8();
        auto block = volume_.read_block(at);
        switch (kind) {
            case 1: {
                const size_t offset = input_.u16() % block.size();
                const ByteView bytes = input_.take(std::min<size_t>(input_.u8(), block.size() - offset));
                if (!bytes.empty()) std::memcpy(block.data() + offset, bytes.data(), bytes.size());
                break;
            }
            case 3: change_data(block); break;
            case 4: change_head(block); break;
            case 6: {
                static constexpr struct {
                    size_t at, width;
                } kFields[] = {{48, 8}, {56, 8}, {80, 8}, {88, 8}, {96, 4}, {100, 1}, {32, 8}, {64, 8}};
                const auto& field = kFields[input_.u8() % std::size(kFields)];
                put(block, field.at, number_of(input_, volume_), field.width);
                break;
            }
            case 7: move_items(block); break;
            default: break;
        }
        double_ = double_ || (how & 3) == 2;
        volume_.write_block(at, std::move(block), (how & 1) == 0, (how & 2) == 0);
        honest_ = false;
    }

    static uint32_t items_of(const std::vector<uint8_t>& block) {
        const auto header = format::decode_header(block);
        const size_t unit = header.level == 0 ? 25 : 33;
        return std::min<uint32_t>(header.nritems, static_cast<uint32_t>((block.size() - 101) / unit));
    }

    void change_data(std::vector<uint8_t>& block) {
        const uint8_t item = input_.u8(), offset = input_.u8(), width = input_.u8();
        const uint64_t number = number_of(input_, volume_);
        const uint32_t count = items_of(block);
        if (count == 0) return;
        if (block[100] != 0) return put(block, 101 + item % count * 33u + 17 + offset % 16, number, 8);
        const auto head = *read_at<format::raw::item>(block, 101 + item % count * 25u);
        if (head.size == 0) return;
        put(block, size_t{101} + head.offset + offset % head.size, number, size_t{1} << (width & 3));
    }

    void change_head(std::vector<uint8_t>& block) {
        const uint8_t item = input_.u8(), field = input_.u8();
        const uint64_t number = number_of(input_, volume_);
        const uint32_t count = items_of(block);
        if (count == 0) return;
        static constexpr struct { size_t at, width; } kFields[] = {{0, 8}, {8, 1}, {9, 8}, {17, 4}, {21, 4}};
        const auto& part = kFields[field % std::size(kFields)];
        put(block, 101 + item % count * (block[100] == 0 ? 25u : 33u) + part.at, number, part.width);
    }

    // The heads alone: the data of an item that is gone stays where it was.
    void move_items(std::vector<uint8_t>& block) {
        const uint8_t item = input_.u8(), twice = input_.u8();
        const uint32_t count = items_of(block);
        if (count == 0) return;
        const size_t unit = block[100] == 0 ? 25 : 33, at = 101 + item % count * unit;
        const size_t behind = 101 + count * unit - at - unit;
        if ((twice & 1) != 0 && at + 2 * unit + behind <= block.size()) {
            std::memmove(block.data() + at + unit, block.data() + at, unit + behind);
            put(block, 96, count + 1, 4);
        } else {
            std::memmove(block.data() + at, block.data() + at + unit, behind);
            put(block, 96, count - 1, 4);
        }
    }

    SmallVolume& volume_;
    Input& input_;
    std::vector<bool> missing_;
    bool honest_ = true, shorter_ = false, double_ = false;
};

// What is known of a file system that was only hurt, never forged.
class Truth {
  public:
    Truth(SmallVolume& volume, const Story& story) : volume_(volume), story_(story) {}

    struct Rows {
        bool must_tell = false;  // something that no scrub may call clean
        bool bearable = true;    // no row has lost more than its parities bear
        bool super_hurt = false;
    };

    Rows look() {
        Rows rows;
        for (size_t i = 0; i < volume_.devices().size(); i++) {
            if (story_.is_missing(i))
                rows.must_tell = true;
            else if (!same(i, 0x10000, true))
                rows.must_tell = rows.super_hurt = true;
        }
        for (const auto& chunk : volume_.chunks())
            for (uint64_t n = 0; n < chunk.length / chunk.layout.data_length(); n++)
                for (unsigned row = 0; row < 16; row++) look_at(chunk, n, row, rows);
        return rows;
    }

    /// Whether the bytes at that place of a device are what they were when all was sound; those of a tree block or
    /// superblock behind its checksum mean nothing.
    bool same(size_t device, uint64_t offset, bool block) {
        auto& of = *volume_.devices()[device];
        uint8_t now[4096];
        of.peek(offset, now);
        const uint8_t* was = of.base().data() + offset;
        const size_t csum = block ? csum_size(volume_.shape().csum) : 32;
        return std::memcmp(now, was, csum) == 0 && std::memcmp(now + 32, was + 32, 4096 - 32) == 0;
    }

    /// After the plan was carried out: rows whose damage was bearable and nowhere but where proof is to be had.
    void check_repaired() {
        for (const auto& [chunk, n, row] : provable_) {
            for (unsigned c = 0; c < chunk->layout.columns(); c++) {
                const size_t device = volume::stripe_index(chunk->layout, StripeNo(n), c, 0);
                if (story_.is_missing(device)) continue;
                FUZZ_EXPECT(
                    same(device, chunk->physical + n * kStripLen + row * uint64_t{4096}, is_block(*chunk, n, c, row)));
            }
        }
    }

  private:
    Holds holds(const SmallChunk& chunk, uint64_t n, unsigned column, unsigned row) const {
        if (column >= chunk.layout.nd) return Holds::nothing;
        return chunk.sectors[(n * chunk.layout.nd + column) * 16 + row];
    }
    bool is_block(const SmallChunk& chunk, uint64_t n, unsigned column, unsigned row) const {
        return holds(chunk, n, column, row) == Holds::tree;
    }

    void look_at(const SmallChunk& chunk, uint64_t n, unsigned row, Rows& rows) {
        unsigned wrong = 0, wrong_parities = 0, wrong_unproven = 0;
        bool written = false;
        const auto& layout = chunk.layout;
        for (unsigned c = 0; c < layout.columns(); c++) {
            const Holds what = holds(chunk, n, c, row);
            const bool provable = what == Holds::tree || what == Holds::csummed;
            written = written || provable || what == Holds::silent;
            unsigned bad_copies = 0;
            for (unsigned m = 0; m < layout.copies; m++) {
                const size_t device = volume::stripe_index(layout, StripeNo(n), c, m);
                const uint64_t at = chunk.physical + n * kStripLen + row * uint64_t{4096};
                auto& of = *volume_.devices()[device];
                const bool lost = story_.is_missing(device) || of.is_lost(at / 4096) || at + 4096 > of.size();
                if (lost || !same(device, at, what == Holds::tree)) bad_copies++;
            }
            if (bad_copies == 0) continue;
            if (provable) rows.must_tell = true;
            if (bad_copies < layout.copies) continue;
            wrong++;
            if (c >= layout.nd) wrong_parities++;
            if (c < layout.nd && !provable) wrong_unproven++;
        }
        if (layout.np > 0 && written && (wrong == 1 || (wrong > 0 && wrong == wrong_parities))) rows.must_tell = true;
        if (written && wrong > layout.np) rows.bearable = false;
        if (layout.np > 0 && wrong > 0 && wrong <= layout.np && wrong_unproven == 0 && written)
            provable_.push_back({&chunk, n, row});
    }

    struct Place {
        const SmallChunk* chunk;
        uint64_t n;
        unsigned row;
    };
    SmallVolume& volume_;
    const Story& story_;
    std::vector<Place> provable_;
};

// One verdict, one exit status, and counts that fit both.
void check_verdict(const VolumeRun& run) {
    using report::Verdict;
    switch (run.verdict) {
        case Verdict::clean:
            FUZZ_EXPECT(run.exit_status == 0);
            FUZZ_EXPECT(run.damages.empty() && run.unknowns.empty() && run.writes.empty());
            FUZZ_EXPECT(run.counters.repairable_sectors + run.counters.unrepairable_sectors +
                            run.counters.undecided_sectors + run.counters.super_errors + run.counters.ambiguous_rows ==
                        0);
            break;
        case Verdict::repairable:
            FUZZ_EXPECT(run.exit_status == 1 &&
                        run.counters.unrepairable_sectors + run.counters.undecided_sectors == 0);
            break;
        case Verdict::unrepairable:
        case Verdict::undecided: FUZZ_EXPECT(run.exit_status == 4); break;
        case Verdict::repaired:
        case Verdict::done:
        case Verdict::failed:
        case Verdict::interrupted: FUZZ_EXPECT(false);
    }
}

bool overlap(const scrub::Damage& a, const scrub::Damage& b) {
    return a.devid == b.devid && a.physical.v < b.physical.v + b.length && b.physical.v < a.physical.v + a.length;
}

OverlayDevice* device_of(const std::vector<OverlayDevice*>& devices, SmallVolume& volume, DevId devid) {
    for (size_t i = 0; i < volume.devices().size(); i++)
        if (devid.v == i + 1 && std::find(devices.begin(), devices.end(), volume.devices()[i].get()) != devices.end())
            return volume.devices()[i].get();
    return nullptr;
}

// Carries the plan out. False where a device is told by another name than its own: the input forged its superblock.
bool carry_out(const VolumeRun& run, const std::vector<OverlayDevice*>& devices, SmallVolume& volume) {
    for (const auto& planned : run.writes) {
        auto* device = device_of(devices, volume, planned.write.what.devid);
        if (device == nullptr) return false;
        std::vector<uint8_t> now(planned.old_bytes.size());
        device->peek(planned.write.what.physical.v, now);
        const uint64_t sector = std::min<uint64_t>(4096, now.size());
        for (uint64_t at = 0; at < now.size() && !planned.write.beyond_end; at += sector)
            if ((planned.write.unreadable >> (at / sector) & 1) == 0)
                FUZZ_EXPECT(std::memcmp(now.data() + at, planned.old_bytes.data() + at, sector) == 0);
    }
    for (const DevId devid : run.planned.lengthened)
        if (auto* device = device_of(devices, volume, devid)) device->resize(device->base_size());
    for (const auto& planned : run.writes) {
        const bool lengthened = std::find(run.planned.lengthened.begin(), run.planned.lengthened.end(),
                                          planned.write.what.devid) != run.planned.lengthened.end();
        if (planned.write.beyond_end && !lengthened) continue;
        device_of(devices, volume, planned.write.what.devid)->write(planned.write.what.physical.v, planned.new_bytes);
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static ReusingEngine engine(parity::isal_engine().batch_bytes()), small_batches(1);
    Input input(data, size);
    SmallVolume& volume = volume_of(input.u8());
    const uint8_t flags = input.u8();
    session::Options options;
    options.format = (flags & 2) != 0 ? session::Format::json : session::Format::text;
    options.files = (flags & 4) != 0;
    options.no_checksum = static_cast<scrub::NoChecksum>((flags >> 3 & 3) % 3);
    if ((flags & 32) != 0) options.distrust.insert(DevId(1));
    Story story(volume, input);
    story.tell();
    std::atomic<bool> stop{false};
    for (auto& device : volume.devices()) device->limit(kReadsPerDevice, stop);
    const auto devices = story.devices();
    Truth truth(volume, story);
    const bool known = story.honest() && options.distrust.empty();
    const auto rows = known ? truth.look() : Truth::Rows{};

    const VolumeRun run = run_volume(devices, options, engine, stop);
    // Work is bounded by what is there, unless devices are shorter than the file system says.
    if (run.whole_devices) FUZZ_EXPECT(!run.interrupted);
    if (!run.opened || run.interrupted) return 0;
    check_verdict(run);
    if (rows.must_tell) FUZZ_EXPECT(run.verdict != report::Verdict::clean);
    if (known && rows.bearable && !rows.super_hurt && volume.chunks()[0].layout.np > 0) {
        FUZZ_EXPECT(run.unknowns.empty());
        for (const auto& damage : run.damages)
            if (damage.cause == scrub::Cause::checksum || damage.cause == scrub::Cause::header)
                FUZZ_EXPECT(damage.repairable != scrub::Repairable::no);
    }
    if ((flags & 1) != 0) {
        const VolumeRun other = run_volume(devices, options, small_batches, stop);
        FUZZ_EXPECT(stop || other.report == run.report);
    }
    if (run.writes.empty() || !carry_out(run, devices, volume)) return 0;
    if (known && rows.bearable && !rows.super_hurt && !story.any_shorter() && !run.planned.limited &&
        options.no_checksum == scrub::NoChecksum::report)
        truth.check_repaired();
    const VolumeRun after = run_volume(devices, options, engine, stop);
    if (std::getenv("RAID56_FUZZ_EXPLAIN") != nullptr)
        std::fprintf(stderr, "%s\nand then:\n%s%s\n", run.report.c_str(), after.report.c_str(), after.error.c_str());
    if (stop) return 0;
    // Of a forged block whose parity was left alone there are two that are proven: which is taken is left open.
    if (!known && (!after.opened || story.any_double())) return 0;
    FUZZ_EXPECT(after.opened);
    // Of what was unknown more may be known now, and it may be bad.
    FUZZ_EXPECT(!run.unknowns.empty() || after.counters.unrepairable_sectors <= run.counters.unrepairable_sectors);
    // A device that is not to be believed is damage whatever lies on it.
    const auto is_of_device = [](const scrub::Damage& damage) {
        return damage.cause == scrub::Cause::distrusted || damage.cause == scrub::Cause::stale;
    };
    for (const auto& planned : run.writes)
        for (const auto& damage : after.damages)
            FUZZ_EXPECT(planned.write.beyond_end || is_of_device(damage) || !overlap(planned.write.what, damage));
    return 0;
}
