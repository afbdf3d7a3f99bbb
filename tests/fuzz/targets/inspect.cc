// SPDX-License-Identifier: GPL-2.0-or-later
// What inspect shows of a small file system: all of it, a row, a file.
//
// Input: the file system (1), flags (bits 0-1: the map, a row, a file, a row; bit 2: JSON; bit 3: devid 1 is
// distrusted), the address (a number) or path (length (1), bytes), then what happens to it (support/story.h).
//
// It ends, says why where it could not, and finds nothing wrong with a row of a file system that nothing happened to.
#include <sstream>

#include "fuzz/support/expect.h"
#include "fuzz/support/no_threads.h"
#include "fuzz/support/story.h"
#include "session/inspect_command.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

constexpr uint64_t kReadsPerDevice = 20000;
const char* const kPaths[] = {"/file", "/nodatasum", "/prealloc", "/logged", "/snap", "/snap/file", "/"};

double no_clock() { return 1; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    SmallVolume& volume = volume_of(input.u8());
    const uint8_t flags = input.u8();
    session::Options options;
    options.format = (flags & 4) != 0 ? session::Format::json : session::Format::text;
    if ((flags & 8) != 0) options.distrust.insert(DevId(1));
    if ((flags & 1) != 0) options.logical = number_of(input, volume);
    if ((flags & 3) == 2) {
        const uint8_t length = input.u8();
        const ByteView path = input.take(length < 0x80 ? length : 0);
        options.file = length < 0x80 ? std::string(path.begin(), path.end()) : kPaths[length % std::size(kPaths)];
    }
    Story story(volume, input);
    const bool untouched = input.empty() && options.distrust.empty();
    story.tell();
    const auto devices = story.devices();
    std::atomic<bool> stop{false};
    for (auto* device : devices) {
        device->limit(kReadsPerDevice, stop);
        options.devices.push_back(device->path());
    }
    std::ostringstream out, err;
    parity::Engine* const engines[] = {&parity::scalar_engine()};
    session::World world{out, err, false, opener_of(devices), no_clock, stop};
    world.engines = engines;
    const NoThreads no_threads;
    const int status = session::inspect_command(options, world);

    FUZZ_EXPECT(status == 0 || status == 8 || (status == 32 && stop));
    FUZZ_EXPECT(status != 8 || err.str().find("btrfs-raid56: ") != std::string::npos);
    FUZZ_EXPECT(!out.str().empty());
    if (!untouched || status != 0) return 0;
    FUZZ_EXPECT(err.str().empty());
    for (const char* bad : {"refuted", "\"unreadable\"", "does not fit", "\"type\":\"damage\"", "LOST"})
        FUZZ_EXPECT(out.str().find(bad) == std::string::npos);
    return 0;
}
