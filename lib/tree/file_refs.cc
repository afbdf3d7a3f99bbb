// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/file_refs.h"

#include <algorithm>

#include "tree/shared_walk.h"

namespace raid56::tree {
namespace {

class Finder {
  public:
    Finder(BlockReader& reader, const RangeSet& wanted) : reader_(reader), wanted_(wanted), walk_(reader) {}

    void warm(const TreeRoot& root) {
        walk_.warm(root, [&](const Visit& leaf) {
            bool any = false;
            each_part(leaf, [&](const format::FileExtent&, Range) { any = true; });
            return any;
        });
    }

    void collect(uint64_t tree, const TreeRoot& root, bool logged) {
        walk_.collect(root, [&](const Visit& leaf) {
            each_part(leaf, [&](const format::FileExtent& file, Range part) { add(tree, file, part, logged); });
        });
    }

    void set_incomplete() { found_.incomplete = true; }

    FileRefs take() {
        found_.incomplete = found_.incomplete || walk_.incomplete();
        std::stable_sort(found_.refs.begin(), found_.refs.end(),
                         [](const FileRef& a, const FileRef& b) { return a.logical.start < b.logical.start; });
        return std::move(found_);
    }

  private:
    // The parts of wanted ranges that the items of a leaf refer to; of compressed extents all of it counts.
    template <class Use>
    void each_part(const Visit& visit, Use&& use) {
        for (uint32_t i = 0; i < visit.header.nritems; i++) {
            const auto item = format::leaf_item(*visit.block, i);
            if (item.key.type != format::type::kExtentData) continue;
            const auto file = format::decode_file_extent(item, reader_.volume().sectorsize());
            if (!file) {
                found_.incomplete = true;
                continue;
            }
            // What was preallocated and never written reads as zeros, whatever lies there.
            if (!file->on_disk() || file->type == format::ExtentType::preallocated) continue;
            const uint64_t start = file->disk_start.v;
            const Range range = file->compression != 0
                                    ? Range{start, start + file->disk_length}
                                    : Range{start + file->offset, start + file->offset + file->length};
            wanted_.overlaps(range, [&](Range part) { use(*file, part); });
        }
    }

    void add(uint64_t tree, const format::FileExtent& file, Range part, bool logged) {
        FileRef ref{tree, file.inode, part, file.file_offset, file.length, file.compression != 0, logged};
        if (!ref.compressed) {
            ref.offset = file.file_offset + (part.start - file.disk_start.v - file.offset);
            ref.length = part.length();
        }
        found_.refs.push_back(ref);
    }

    BlockReader& reader_;
    const RangeSet& wanted_;
    SharedWalk walk_;
    FileRefs found_;
};

}  // namespace

FileRefs find_file_refs(BlockReader& reader, const Roots& roots, const LogTrees& log, const RangeSet& wanted) {
    if (wanted.empty()) return {};
    Finder finder(reader, wanted);
    if (roots.incomplete() || log.incomplete) finder.set_incomplete();
    const auto trees = roots.with_files();
    for (const auto& [id, root] : trees) finder.warm(root);
    for (const auto& root : log.trees) finder.warm(root);
    for (const auto& [id, root] : trees) finder.collect(id, root, false);
    for (size_t i = 0; i < log.trees.size(); i++) finder.collect(log.subvolumes[i], log.trees[i], true);
    return finder.take();
}

}  // namespace raid56::tree
