// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/names.h"

namespace raid56::tree {

// Names that one inode has, as its tree tells them.
std::vector<Names::Name> Names::names_of(const TreeRoot& root, uint64_t inode, bool& incomplete) {
    std::vector<Name> names;
    Cursor cursor(reader_, root);
    cursor.seek({inode, format::type::kInodeRef, 0});
    while (const Step step = cursor.next()) {
        if (step.lost) {
            incomplete = true;
            if (step.lost->end.objectid > inode) break;
            continue;
        }
        const auto& key = step.item->key;
        if (key.objectid < inode || (key.objectid == inode && key.type < format::type::kInodeRef)) continue;
        if (key.objectid > inode || key.type > format::type::kInodeExtref) break;
        const auto refs = format::decode_inode_refs(*step.item);
        if (!refs) {
            incomplete = true;
            continue;
        }
        for (const auto& ref : *refs) names.push_back({ref.directory, std::string(ref.name)});
    }
    return names;
}

Paths Names::of(uint64_t tree, uint64_t inode) {
    Paths found;
    std::vector<Name> names;
    if (const auto root = roots_.find(tree))
        names = names_of(*root, inode, found.incomplete);
    else
        found.incomplete = true;
    // A file that was made since the last commit is named by the log alone.
    for (size_t i = 0; i < log_.trees.size() && names.empty(); i++)
        if (log_.subvolumes[i] == tree) names = names_of(log_.trees[i], inode, found.incomplete);
    for (const auto& name : names) {
        const Folder& above = folder(tree, name.directory);
        if (above.known && above.path.size() + name.name.size() <= kLongestPath)
            found.paths.push_back(above.path + name.name);
        else
            found.incomplete = true;
    }
    return found;
}

// Directories have one name each. What is being looked for counts as unknown meanwhile: a loop of directories,
// which only a hostile tree has, ends there.
const Names::Folder& Names::folder(uint64_t tree, uint64_t inode) {
    const std::pair key(tree, inode);
    const auto known = folders_.find(key);
    if (known != folders_.end()) return known->second;
    folders_[key] = {};
    if (depth_ == kDeepest) return folders_[key];
    depth_++;
    Folder found = inode == format::objectid::kFirstFree ? find_subvolume(tree) : find_folder(tree, inode);
    depth_--;
    return folders_[key] = std::move(found);
}

Names::Folder Names::find_folder(uint64_t tree, uint64_t inode) {
    const auto root = roots_.find(tree);
    if (!root) return {};
    bool incomplete = false;
    auto names = names_of(*root, inode, incomplete);
    for (size_t i = 0; i < log_.trees.size() && names.empty(); i++)
        if (log_.subvolumes[i] == tree) names = names_of(log_.trees[i], inode, incomplete);
    if (names.empty()) return {};
    return below(folder(tree, names.front().directory), names.front().name);
}

Names::Folder Names::below(const Folder& above, const std::string& name) {
    if (!above.known || above.path.size() + name.size() >= kLongestPath) return {};
    return {above.path + name + '/', true};
}

// The root directory of a subvolume: where the tree of roots says that it is.
Names::Folder Names::find_subvolume(uint64_t tree) {
    if (tree == format::objectid::kFsTree) return {"/", true};
    Cursor cursor(reader_, root_root(reader_.volume().super()));
    cursor.seek({tree, format::type::kRootBackref, 0});
    while (const Step step = cursor.next()) {
        if (step.lost) return {};
        const auto& key = step.item->key;
        if (key.objectid < tree || (key.objectid == tree && key.type < format::type::kRootBackref)) continue;
        if (key.objectid != tree || key.type != format::type::kRootBackref) return {};
        const auto ref = format::decode_root_backref(*step.item);
        if (!ref) return {};
        const std::string name(ref->name);
        return below(folder(key.offset, ref->directory), name);
    }
    return {};
}

}  // namespace raid56::tree
