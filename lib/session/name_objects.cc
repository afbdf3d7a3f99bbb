// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/name_objects.h"

#include <algorithm>

namespace raid56::session {
namespace {

using format::objectid::kFirstFree;
using format::objectid::kRootTree;

// Whether files may be hurt by it of which nothing more is known.
bool tells_of_files(const tree::LostPart& part) {
    return part.logged || part.tree == kRootTree || format::is_subvolume(part.tree);
}

report::Loss loss_of(tree::Loss loss) {
    switch (loss) {
        case tree::Loss::all: return report::Loss::all;
        case tree::Loss::entries: return report::Loss::entries;
        case tree::Loss::data: return report::Loss::data;
        case tree::Loss::attributes: return report::Loss::attributes;
        case tree::Loss::name: return report::Loss::name;
        case tree::Loss::listing: return report::Loss::listing;
    }
    return report::Loss::all;
}

}  // namespace

ObjectNamer::ObjectNamer(const OpenVolume& open, tree::Names& names, const RangeSet& wanted)
    : names_(names),
      nodesize_(open.volume->nodesize()),
      found_(tree::find_lost_parts(*open.reader, open.roots, open.log, wanted)),
      objects_(tree::find_lost_objects(*open.reader, open.roots, found_.parts)) {
    for (size_t i = 0; i < found_.parts.size(); i++) by_block_.emplace(found_.parts[i].block, i);
    for (const auto& object : objects_.objects)
        if (!object.name.empty() && object.tree == object.in_tree)
            names_.learn(object.tree, object.inode, object.in_directory, object.name);
    incomplete_ = found_.incomplete || objects_.incomplete ||
                  std::any_of(found_.parts.begin(), found_.parts.end(), tells_of_files);
}

report::HurtFiles ObjectNamer::of(Range range, const std::function<bool(Logical block)>& is_meant) {
    report::HurtFiles hurt;
    hurt.incomplete = incomplete_;
    const uint64_t from = range.start < nodesize_ ? 0 : range.start - nodesize_ + 1;
    const auto end = by_block_.lower_bound(Logical(range.end));
    for (auto at = by_block_.lower_bound(Logical(from)); at != end; ++at) {
        if (!is_meant(at->first)) continue;
        hurt.trees.push_back(tree_of(found_.parts[at->second]));
        const auto& all = objects_.objects;
        const auto first = std::lower_bound(all.begin(), all.end(), at->second,
                                            [](const auto& object, size_t part) { return object.part < part; });
        for (auto object = first; object != all.end() && object->part == at->second; ++object)
            hurt.objects.push_back(object_of(*object));
    }
    return hurt;
}

report::HurtTree ObjectNamer::tree_of(const tree::LostPart& part) {
    report::HurtTree hurt;
    hurt.kind = part.logged ? report::TreeKind::log_tree : report::tree_kind(part.tree);
    hurt.tree = part.tree;
    hurt.level = part.level;
    if (!format::is_subvolume(part.tree)) return hurt;
    hurt.path = names_.path_of_subvolume(part.tree).value_or("");
    hurt.first_inode = std::max(part.first.objectid, kFirstFree);
    // An inode begins with its INODE_ITEM: before that key there is nothing of it.
    const bool begins = part.end.type > format::type::kInodeItem;
    if (part.end != format::kLastKey) hurt.last_inode = part.end.objectid - (begins ? 0 : 1);
    return hurt;
}

report::HurtObject ObjectNamer::object_of(const tree::LostObject& object) {
    report::HurtObject hurt;
    hurt.loses = loss_of(object.loss);
    hurt.subvolume = object.tree;
    hurt.inode = object.inode;
    hurt.directory = object.directory;
    const auto path = object.name.empty() ? names_.path_of_subvolume(object.tree)
                                          : names_.path_in(object.in_tree, object.in_directory, object.name);
    hurt.path = path.value_or("");
    if (object.loss != tree::Loss::data) return hurt;
    hurt.offset = object.offset;
    hurt.length = object.length;
    return hurt;
}

}  // namespace raid56::session
