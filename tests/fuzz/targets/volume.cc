// SPDX-License-Identifier: GPL-2.0-or-later
// A whole file system: opened, scrubbed and planned for to the end; the plan is brought to the devices and all is
// scrubbed again.
//
// Input: the file system (1), flags (bit 0: a second scrub with other batches; bit 1: JSON; bit 2: --files; bits 3-4:
// --no-checksum; bit 5: devid 1 is distrusted; bit 6: the second scrub has a thread that checks), then what happens to
// it (support/story.h).
//
// Where only kinds 0 and 5 happened, what is right is known: the oracle holds verdict and writes against it.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "fuzz/support/expect.h"
#include "fuzz/support/no_threads.h"
#include "fuzz/support/reusing_engine.h"
#include "fuzz/support/story.h"
#include "fuzz/support/volume_run.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr size_t kReadsPerDevice = 20000;

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
        bool written = false, silent = false;
        const auto& layout = chunk.layout;
        for (unsigned c = 0; c < layout.columns(); c++) {
            const Holds what = holds(chunk, n, c, row);
            const bool provable = what == Holds::tree || what == Holds::csummed;
            written = written || provable || what == Holds::silent;
            silent = silent || what == Holds::silent;
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
        // Where no parity is right, data without checksums may as well be what is wrong.
        const bool parity_tells = !silent || wrong_parities < layout.np;
        if (layout.np > 0 && wrong > 0 && wrong <= layout.np && wrong_unproven == 0 && written && parity_tells)
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

    // A thread takes longer to be made than most scrubs here take.
    auto no_threads = std::make_optional<NoThreads>();
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
        if ((flags & 64) != 0) no_threads.reset();
        const VolumeRun other = run_volume(devices, options, small_batches, stop);
        FUZZ_EXPECT(stop || other.report == run.report);
        if (!no_threads) no_threads.emplace();
    }
    if (run.writes.empty() || !carry_out(run, devices, volume)) return 0;
    if (known && rows.bearable && !rows.super_hurt && !story.any_shorter() && !run.planned.limited &&
        options.no_checksum == scrub::NoChecksum::report)
        truth.check_repaired();
    static const bool explain = std::getenv("RAID56_FUZZ_EXPLAIN") != nullptr;
    const VolumeRun after = run_volume(devices, options, engine, stop, explain ? Told::all : Told::nothing);
    if (explain)
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
