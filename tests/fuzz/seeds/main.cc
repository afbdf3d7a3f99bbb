// SPDX-License-Identifier: GPL-2.0-or-later
// fuzz_seeds OUT NAME DEVICE...: what lies on real file systems, as inputs of the targets, in OUT/<target>/NAME-<n>.
// Without devices: the seeds that need none.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "checksum/checksum.h"
#include "parity/engine.h"
#include "session/open_volume.h"
#include "session/progress_lines.h"
#include "support/tree_image.h"
#include "tree/walk.h"

namespace fs = std::filesystem;
using namespace raid56;

namespace {

double no_clock() { return 1; }

class Seeds {
  public:
    Seeds(fs::path out, std::string name) : out_(std::move(out)), name_(std::move(name)) {}

    void add(const std::string& target, const test::Bytes& bytes) {
        if (bytes.size() > 8192) return;
        fs::create_directories(out_ / target);
        std::ofstream file(out_ / target / (name_ + "-" + std::to_string(number_++)), std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }

  private:
    fs::path out_;
    std::string name_;
    unsigned number_ = 0;
};

// As Input::number() takes it: nine bytes for any number.
void put_number(test::Encoder& out, uint64_t number) { out.u8(0xff).u64(number); }

// As read_items() takes them; long data is cut.
void put_items(test::Encoder& out, std::span<const format::Item> items) {
    for (const auto& item : items) {
        out.u8(item.key.type);
        put_number(out, item.key.objectid);
        put_number(out, item.key.offset);
        const size_t most = std::min<size_t>(item.data.size(), 4096);
        if (most < 0xf0) {
            out.u8(most).raw(item.data);
        } else {
            const size_t pieces = most / 256;
            out.u8(0xef + pieces).raw(item.data.first(pieces * 256));
        }
    }
}

struct Kind {
    const char* target;
    std::vector<uint8_t> types;
    test::Bytes head;  // before the items
};

const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all = {
        {"extent_items", {168, 169, 176, 178, 182, 184, 192}, {0, 1, 0, 0}},
        {"csum_items", {128}, {4, 1, 0, 2, 0, 200, 0, 200}},
        {"file_items", {1, 12, 108}, {0, 1, 0xc2, 2, 0, 31, 4, 31}},
        {"name_items", {1, 12, 13, 84, 144}, {0, 1, 0xc2, 1, '/'}},
        {"root_items", {132, 144, 156}, {0, 1, 0, 8}},
        {"root_items", {132, 108, 128}, {2, 1, 0, 0}},
    };
    return all;
}

void add_leaf(Seeds& seeds, const tree::Visit& visit) {
    std::vector<format::Item> items;
    for (uint32_t i = 0; i < visit.header.nritems; i++) items.push_back(format::leaf_item(*visit.block, i));
    for (const auto& kind : kinds()) {
        std::vector<format::Item> some;
        for (const auto& item : items)
            if (some.size() < 12 && std::find(kind.types.begin(), kind.types.end(), item.key.type) != kind.types.end())
                some.push_back(item);
        if (some.empty()) continue;
        test::Encoder out;
        out.raw(kind.head);
        put_items(out, some);
        seeds.add(kind.target, out.take());
    }
    std::vector<test::ItemSpec> fitting;
    size_t room = 4096 - 101;
    for (const auto& item : items) {
        if (item.data.size() + 25 > room) break;
        room -= item.data.size() + 25;
        fitting.push_back({item.key, {item.data.begin(), item.data.end()}});
    }
    const test::HeaderSpec header{test::uuid_of(0xf5), 0x102000, 7, visit.header.owner};
    seeds.add("tree_block", test::Encoder().u8(2).u8(0).u16(0).raw(test::encode_leaf(header, fitting, 4096)).take());
}

void add_chunks(Seeds& seeds, const session::OpenVolume& open) {
    test::Encoder out;
    out.u8(open.volume->sectorsize() == 16384 ? 2 : 0);
    tree::Cursor cursor(*open.reader, tree::chunk_root(open.volume->super()));
    while (const auto step = cursor.next()) {
        if (!step.item || step.item->key.type != format::type::kChunkItem || step.item->data.size() > 255) continue;
        put_number(out, step.item->key.offset);
        put_number(out, 0);
        out.u16(0).u8(0).u8(1).u8(step.item->data.size()).raw(step.item->data);
    }
    seeds.add("chunk", out.take());
}

int add_volume(Seeds& seeds, const std::vector<std::string>& paths) {
    session::Options options;
    options.devices = paths;
    const std::atomic<bool> stop{false};
    const session::World world{std::cout, std::cerr, false, device::open_for_reading, no_clock, stop};
    auto open = session::open_volume(options, world, parity::scalar_engine());
    if (!open) {
        std::cerr << open.error().message << '\n';
        return 0;  // damaged ones may be refused
    }
    seeds.add("superblock", test::Encoder().u8(1).raw(open->volume->super_block()).take());
    add_chunks(seeds, *open);
    std::set<Logical> seen;
    tree::WalkCallbacks callbacks;
    callbacks.enter = [&](Logical start, uint8_t) { return seen.insert(start).second; };
    callbacks.lost = [](const tree::BlockExpect&) {};
    callbacks.visit = [&](const tree::Visit& visit) {
        if (visit.header.level == 0) add_leaf(seeds, visit);
    };
    tree::walk(*open->reader, tree::chunk_root(open->volume->super()), callbacks);
    tree::walk(*open->reader, tree::root_root(open->volume->super()), callbacks);
    for (const uint64_t id : {2, 4, 5, 7, 256})
        if (const auto root = open->roots.find(id)) tree::walk(*open->reader, *root, callbacks);
    for (const auto& root : open->log.trees) tree::walk(*open->reader, root, callbacks);
    return 0;
}

std::string untagged(const std::string& line) { return line.substr(0, line.rfind('\t')) + '\n'; }

void add_lines(Seeds& seeds) {
    scrub::Damage damage;
    damage.devid = DevId(3);
    damage.physical = Physical(1 << 20);
    damage.length = 4096;
    damage.logical = damage.chunk = Logical(1 << 24);
    damage.full_stripe = 7;
    damage.row = 3;
    damage.suspect = DevId(2);
    damage.further_losses = 1;
    std::string file = "{\"type\":\"header\",\"fsid\":\"x\"}\n";
    file += untagged(session::encode_line(session::encode(damage)));
    file += untagged(session::encode_line(session::encode(scrub::Unknown{Logical(1), 2, "no-chunk", true})));
    auto reached = session::encode(scrub::Position{Logical(1), StripeNo(2)}, {});
    reached["more"] = {{"3", {{"physical", 1}, {"sum", 2}}}};
    file += untagged(session::encode_line(reached));
    file += "{\"type\":\"passed\",\"stage\":\"checked\"}\n";
    seeds.add("state_file", test::Encoder().u8(0).text(file).take());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    if (!checksum::self_test()) return 1;
    Seeds seeds(argv[1], argv[2]);
    if (argc > 3) return add_volume(seeds, {argv + 3, argv + argc});
    add_lines(seeds);
    for (unsigned base = 0; base < 13; base++) {
        for (const unsigned flags : {0x07, 0x02, 0x21}) seeds.add("volume", test::Encoder().u8(base).u8(flags).take());
        seeds.add("volume", test::Encoder().u8(base).u8(0).u8(5).u8(1).u8(0).u8(0).take());
        seeds.add("volume", test::Encoder().u8(base).u8(0).u8(0).u8(0).u8(1).u16(200).u8(2).u8(7).u8(7).take());
        for (unsigned block = 0; block < 8; block++)
            seeds.add("volume", test::Encoder().u8(base).u8(2).u8(3).u8(block).u8(0).u8(1).u8(8).u8(3).u8(0x51).take());
    }
    return 0;
}
