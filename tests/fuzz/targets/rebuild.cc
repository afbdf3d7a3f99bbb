// SPDX-License-Identifier: GPL-2.0-or-later
// A lost device of a small file system made anew onto an image file; cut off and gone on with, where asked for.
//
// Input: the file system (1), flags (bit 0: it is cut off; bit 1: JSON; bit 2: --files; bit 3: devid 1 is distrusted;
// bit 4: a second device is made anew), the device that is lost (1), how many reads a device takes before the first run
// is cut off (1, times 4), then what happens to the file system (support/story.h).
//
// Whether it was cut off or not, the same bytes are written. Where nothing was forged and nothing else is lost, they
// are those that were lost.
#include <map>
#include <sstream>

#include "fuzz/support/expect.h"
#include "fuzz/support/memory_file.h"
#include "fuzz/support/no_threads.h"
#include "fuzz/support/story.h"
#include "session/rebuild_command.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint64_t kReadsPerDevice = 20000;
constexpr uint64_t kMostBytes = 4 << 20;  // of a target

// Every look is later than kBetweenPositions: the state file gets a position behind every batch.
double hasty_clock() {
    static double now = 0;
    return now += 10;
}

class NoHold final : public device::Hold {
  public:
    Result<void> still_free() override { return {}; }
};

// Files by name.
class Folder {
  public:
    session::Writing writing() {
        session::Writing writing;
        const auto open = [this](const std::string& path) -> Result<std::unique_ptr<device::WriteDevice>> {
            const auto found = files_.find(path);
            if (found == files_.end()) return Error{path + ": is not there"};
            return file(path);
        };
        const auto create = [this](const std::string& path) -> Result<std::unique_ptr<device::WriteDevice>> {
            files_[path].clear();
            return file(path);
        };
        writing.open = writing.read = open;
        writing.create = create;
        writing.exists = [this](const std::string& path) { return files_.contains(path); };
        writing.remove = [this](const std::string& path) { files_.erase(path); };
        writing.target = [this](const std::string& path,
                                uint64_t size) -> Result<std::unique_ptr<device::WriteDevice>> {
            if (size > kMostBytes) return Error{path + ": no space is left"};
            return file(path);
        };
        writing.signatures = [](const std::string&) -> Result<std::vector<device::Signature>> {
            return std::vector<device::Signature>();
        };
        writing.hold = [](const std::string&) -> Result<std::unique_ptr<device::Hold>> {
            return std::unique_ptr<device::Hold>(std::make_unique<NoHold>());
        };
        writing.refuse_used = [](const std::string&) -> Result<void> { return {}; };
        writing.share_storage = [](const std::string&, const std::string&) { return false; };
        return writing;
    }
    const std::vector<uint8_t>* find(const std::string& path) const {
        const auto found = files_.find(path);
        return found == files_.end() ? nullptr : &found->second;
    }

  private:
    std::unique_ptr<device::WriteDevice> file(const std::string& path) {
        const uint64_t number = 100 + path.back();
        return std::make_unique<MemoryFile>(files_[path], kMostBytes, path, device::Identity{false, 2, number});
    }

    std::map<std::string, std::vector<uint8_t>> files_;  // their bytes stay where they are
};

struct Run {
    int status = 0;
    bool stopped = false;
    std::string out, err;
};

Run rebuild(const std::vector<OverlayDevice*>& devices, Folder& folder, session::Options options, uint64_t reads) {
    std::atomic<bool> stop{false};
    for (auto* device : devices) {
        device->limit(device->reads() + reads, stop);
        options.devices.push_back(device->path());
    }
    std::ostringstream out, err;
    parity::Engine* const engines[] = {&parity::scalar_engine()};
    session::World world{out, err, false, opener_of(devices), hasty_clock, stop};
    world.engines = engines;
    world.writing = folder.writing();
    const int status = session::rebuild_command(options, world);
    return {status, stop, out.str(), err.str()};
}

// What proves itself is what it was; so is all of a row that is written and bears the loss.
void check_written(const SmallVolume& volume, const std::vector<uint8_t>& target, size_t device) {
    const auto base = volume.devices()[device]->base();
    for (const auto& chunk : volume.chunks())
        for (uint64_t n = 0; n < chunk.length / chunk.layout.data_length(); n++)
            for (unsigned c = 0; c < chunk.layout.columns(); c++)
                for (unsigned m = 0; m < chunk.layout.copies; m++) {
                    if (volume::stripe_index(chunk.layout, StripeNo(n), c, m) != device) continue;
                    const uint64_t at = chunk.physical + n * kStripLen;
                    FUZZ_EXPECT(target.size() >= at + kStripLen);
                    for (unsigned row = 0; row < 16; row++) {
                        bool written = false;
                        for (unsigned other = 0; other < chunk.layout.nd; other++)
                            written =
                                written || chunk.sectors[(n * chunk.layout.nd + other) * 16 + row] != Holds::nothing;
                        const uint64_t sector = at + row * uint64_t{4096};
                        const bool same = std::equal(base.begin() + static_cast<ptrdiff_t>(sector),
                                                     base.begin() + static_cast<ptrdiff_t>(sector + 4096),
                                                     target.begin() + static_cast<ptrdiff_t>(sector));
                        FUZZ_EXPECT(same || !written);
                    }
                }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    SmallVolume& volume = volume_of(input.u8());
    if (volume.devices().size() < 2) return 0;
    const uint8_t flags = input.u8();
    const size_t lost = input.u8() % volume.devices().size();
    const uint64_t reads = input.u8() * uint64_t{4} + 1;
    session::Options options;
    options.format = (flags & 2) != 0 ? session::Format::json : session::Format::text;
    options.files = (flags & 4) != 0;
    options.threads = 1;
    if ((flags & 8) != 0) options.distrust.insert(DevId(1));
    Story story(volume, input);
    const bool undamaged = input.empty() && options.distrust.empty();
    story.tell();
    story.lose(lost);
    options.onto = {{DevId(lost + 1), "onto-a"}};
    const size_t second = (lost + 1) % volume.devices().size();
    if ((flags & 16) != 0 && volume.devices().size() > 2) {
        story.lose(second);
        options.onto.push_back({DevId(second + 1), "onto-b"});
    }
    const auto devices = story.devices();
    if (devices.empty()) return 0;
    const NoThreads no_threads;  // a thread takes longer to be made than most rebuilds here take

    Folder folder;
    const Run run = rebuild(devices, folder, options, kReadsPerDevice);
    FUZZ_EXPECT(run.status != 32 || run.stopped);
    FUZZ_EXPECT(run.status != 8 || !run.err.empty());
    if (run.stopped) return 0;
    const auto& layout = volume.chunks()[0].layout;
    const bool bears = layout.np >= options.onto.size() || layout.copies > options.onto.size();
    if (run.status == 8) {
        FUZZ_EXPECT(!undamaged || !bears);
        return 0;
    }
    FUZZ_EXPECT(run.status == 0 || run.status == 1 || run.status == 4);
    FUZZ_EXPECT(folder.find("onto-a") != nullptr && folder.find("onto-a.rebuild") == nullptr);
    if (undamaged && bears) {
        FUZZ_EXPECT(run.status == 0);
        check_written(volume, *folder.find("onto-a"), lost);
        if (options.onto.size() > 1) check_written(volume, *folder.find("onto-b"), second);
    }
    if ((flags & 1) == 0) return 0;

    Folder other;
    const Run first = rebuild(devices, other, options, reads);
    if (first.status != 32) return 0;
    const Run next = rebuild(devices, other, options, kReadsPerDevice);
    FUZZ_EXPECT(next.stopped || next.status == run.status);
    if (next.stopped) return 0;
    for (const auto& [devid, path] : options.onto) FUZZ_EXPECT(*other.find(path) == *folder.find(path));
    return 0;
}
