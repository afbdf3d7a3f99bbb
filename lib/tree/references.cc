// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. Every tree with file extents is walked once, blocks shared between snapshots only the first time.
// 2. An extent item that reaches into a wanted range leaves a mark there: written without checksums,
//    preallocated, or should have checksums.
// 3. Marks are sorted and swept; the strongest word of each piece is its answer.
#include "tree/references.h"

#include <algorithm>
#include <optional>

#include "tree/seen_blocks.h"
#include "tree/walk.h"

namespace raid56::tree {
namespace {

// Bits, so that the marks of several references of one place can be joined.
enum Mark : uint8_t { kWritten = 1, kPreallocated = 2, kShouldHave = 4 };

struct Marked {
    Range range;
    uint8_t marks = 0;
};

// Cuts overlapping marked ranges into disjoint ones with the union of their marks.
std::vector<Marked> sweep(std::vector<Marked> in) {
    struct Edge {
        uint64_t at;
        unsigned bit;
        int step;
    };
    std::vector<Edge> edges;
    edges.reserve(in.size() * 2);
    for (const auto& m : in)
        for (unsigned bit = 0; bit < 3; bit++)
            if ((m.marks >> bit & 1) != 0) {
                edges.push_back({m.range.start, bit, 1});
                edges.push_back({m.range.end, bit, -1});
            }
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });

    std::vector<Marked> out;
    int depth[3] = {0, 0, 0};
    for (size_t i = 0; i < edges.size();) {
        const uint64_t at = edges[i].at;
        for (; i < edges.size() && edges[i].at == at; i++) depth[edges[i].bit] += edges[i].step;
        uint8_t marks = 0;
        for (unsigned bit = 0; bit < 3; bit++) marks = static_cast<uint8_t>(marks | (depth[bit] > 0 ? 1u << bit : 0u));
        if (marks == 0 || i == edges.size()) continue;
        const Range range{at, edges[i].at};
        if (!out.empty() && out.back().range.end == range.start && out.back().marks == marks)
            out.back().range.end = range.end;
        else
            out.push_back({range, marks});
    }
    return out;
}

class Finder {
  public:
    Finder(BlockReader& reader, const RangeSet& wanted)
        : reader_(reader), wanted_(wanted), seen_(reader.volume().sectorsize()) {}

    void read_tree(uint64_t id, const TreeRoot& root) {
        id_ = id;
        root_ = root;
        inode_.reset();
        WalkCallbacks callbacks;
        callbacks.enter = [&](Logical start, uint8_t) { return seen_.insert(start); };
        callbacks.lost = [&](const BlockExpect&) { incomplete_ = true; };
        callbacks.visit = [&](const Visit& visit) {
            if (visit.header.level > 0) return;
            for (uint32_t i = 0; i < visit.header.nritems; i++) take(format::leaf_item(*visit.block, i));
        };
        walk(reader_, root, callbacks);
    }

    void set_incomplete() { incomplete_ = true; }

    std::vector<SilentRange> answer() {
        const auto marked = sweep(std::move(marks_));
        std::vector<SilentRange> out;
        for (const auto& wanted : wanted_.ranges()) {
            uint64_t at = wanted.start;
            auto next = std::upper_bound(marked.begin(), marked.end(), at,
                                         [](uint64_t start, const Marked& m) { return start < m.range.end; });
            for (; at < wanted.end; ++next) {
                const bool more = next != marked.end() && next->range.start < wanted.end;
                const uint64_t gap_end = more ? std::max(at, next->range.start) : wanted.end;
                if (at < gap_end) out.push_back({{at, gap_end}, silence_of(0)});
                at = gap_end;
                if (!more) break;
                const uint64_t end = std::min(next->range.end, wanted.end);
                out.push_back({{at, end}, silence_of(next->marks)});
                at = end;
            }
        }
        return out;
    }

  private:
    struct KnownInode {
        uint64_t number = 0;
        bool no_checksums = false;
    };

    Silence silence_of(uint8_t marks) const {
        if ((marks & kShouldHave) != 0) return Silence::should_have;
        if ((marks & kWritten) != 0) return Silence::written;
        if ((marks & kPreallocated) != 0) return Silence::never_written;
        return incomplete_ ? Silence::should_have : Silence::never_written;
    }

    void take(const format::Item& item) {
        if (item.key.type == format::type::kInodeItem) {
            const auto inode = format::decode_inode(item);
            inode_.reset();
            if (inode) inode_ = KnownInode{item.key.objectid, inode->no_checksums()};
            return;
        }
        if (item.key.type != format::type::kExtentData) return;
        const auto file = format::decode_file_extent(item, reader_.volume().sectorsize());
        if (!file) {
            incomplete_ = true;
            return;
        }
        if (!file->on_disk()) return;
        Range range{file->disk_start.v, file->disk_start.v + file->disk_length};
        if (file->compression == 0) range = {range.start + file->offset, range.start + file->offset + file->length};
        wanted_.overlaps(range, [&](Range part) { add({part, mark_of(*file)}); });
    }

    uint8_t mark_of(const format::FileExtent& file) {
        if (file.type == format::ExtentType::preallocated) return kPreallocated;
        // The tree of roots owns the v1 space cache; data under relocation is a copy of data that is judged itself.
        if (id_ == format::objectid::kRootTree || id_ == format::objectid::kDataRelocTree) return kWritten;
        return no_checksums(file.inode) ? kWritten : kShouldHave;
    }

    // The inode's item may lie in a leaf before, skipped because another tree shares it.
    bool no_checksums(uint64_t number) {
        if (inode_ && inode_->number == number) return inode_->no_checksums;
        inode_ = KnownInode{number, false};
        Cursor cursor(reader_, root_);
        const format::Key key{number, format::type::kInodeItem, 0};
        cursor.seek(key);
        const Step step = cursor.next();
        if (step.item && step.item->key == key)
            if (const auto inode = format::decode_inode(*step.item)) inode_->no_checksums = inode->no_checksums();
        return inode_->no_checksums;
    }

    void add(Marked marked) {
        if (!marks_.empty() && marks_.back().marks == marked.marks && marks_.back().range.end == marked.range.start) {
            marks_.back().range.end = marked.range.end;
            return;
        }
        marks_.push_back(marked);
        // Many references of one place (reflinks, snapshots) must not make the list grow without end.
        if (marks_.size() >= compact_at_) {
            marks_ = sweep(std::move(marks_));
            compact_at_ = std::max(kFirstCompaction, marks_.size() * 2);
        }
    }

    static constexpr size_t kFirstCompaction = size_t{1} << 16;

    BlockReader& reader_;
    const RangeSet& wanted_;
    SeenBlocks seen_;
    uint64_t id_ = 0;
    TreeRoot root_;
    std::optional<KnownInode> inode_;
    std::vector<Marked> marks_;
    size_t compact_at_ = kFirstCompaction;
    bool incomplete_ = false;
};

}  // namespace

std::vector<SilentRange> explain_silence(BlockReader& reader, const Roots& roots, const LogTrees& log,
                                         const RangeSet& wanted) {
    if (wanted.empty()) return {};
    Finder finder(reader, wanted);
    if (roots.incomplete() || log.incomplete) finder.set_incomplete();
    for (const auto& [id, root] : roots.with_files()) finder.read_tree(id, root);
    for (const auto& root : log.trees) finder.read_tree(format::objectid::kTreeLog, root);
    return finder.answer();
}

}  // namespace raid56::tree
