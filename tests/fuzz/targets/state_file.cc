// SPDX-License-Identifier: GPL-2.0-or-later
// State files of a rebuild: lines of JSON whose sums hold, gone on with, told again, added to, read again.
//
// Input: flags (bit 0: the file as it lies there; bit 1: the last line lacks its newline), then lines of text: each
// gets its sum, but those that begin with '!'.
#include <cstdio>

#include "checksum/checksum.h"
#include "fuzz/support/expect.h"
#include "fuzz/support/input.h"
#include "fuzz/support/memory_file.h"
#include "session/progress_file.h"

using namespace raid56;
using namespace raid56::fuzz;

namespace {

struct Told final : scrub::Sink {
    unsigned damages = 0, unknowns = 0;
    void damage(const scrub::Damage& damage) override {
        damages++;
        // What was told goes into the next file, and must be read from there as it was.
        const auto again = session::decode_damage(session::encode(damage));
        FUZZ_EXPECT(again && again->devid == damage.devid && again->role == damage.role && again->row == damage.row);
    }
    void unknown(const scrub::Unknown& unknown) override {
        unknowns++;
        const auto again = session::decode_unknown(session::encode(unknown));
        FUZZ_EXPECT(again && again->cause == unknown.cause);
    }
    void progress(uint64_t, uint64_t) override {}
};

std::vector<uint8_t> build(Input& input, uint8_t flags) {
    const ByteView rest = input.rest();
    if ((flags & 1) != 0) return {rest.begin(), rest.end()};
    std::string file;
    std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        std::string line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with('!')) {
            file += line.substr(1) + '\n';
            continue;
        }
        const uint32_t sum =
            ~checksum::raw_crc32c(~0u, ByteView(reinterpret_cast<const uint8_t*>(line.data()), line.size()));
        char tail[16];
        std::snprintf(tail, sizeof tail, "\t%08x\n", sum);
        file += line + tail;
    }
    if ((flags & 2) != 0 && !file.empty()) file.pop_back();
    return {file.begin(), file.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Input input(data, size);
    const uint8_t flags = input.u8();
    auto content = build(input, flags);
    {
        MemoryFile file(content);
        (void)session::ProgressFile::is_hardly_begun(file);
    }
    auto found = session::ProgressFile::go_on(std::make_unique<MemoryFile>(content));
    if (!found) {
        FUZZ_EXPECT(!found.error().message.empty());
        return 0;
    }
    FUZZ_EXPECT(found->end() <= content.size());
    FUZZ_EXPECT(found->header().is_object());
    Told told;
    FUZZ_EXPECT(found->tell_again(told));
    const scrub::Position here{Logical(4096), StripeNo(7)};
    FUZZ_EXPECT(found->reached(here, {}, found->last_more()) == 0);
    FUZZ_EXPECT(found->pass("checked") == 0);
    FUZZ_EXPECT(found->end() == content.size());

    auto again = session::ProgressFile::go_on(std::make_unique<MemoryFile>(content));
    FUZZ_EXPECT(again && again->last() && again->last()->position == here && again->has_passed("checked"));
    FUZZ_EXPECT(again->end() == content.size() && again->header() == found->header());
    Told told_again;
    FUZZ_EXPECT(again->tell_again(told_again));
    FUZZ_EXPECT(told_again.damages == told.damages && told_again.unknowns == told.unknowns);
    return 0;
}
