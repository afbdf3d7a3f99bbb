// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/names.h"

namespace raid56::tree {

// Names that one inode has, as its tree tells them.
std::vector<InodeName> Names::names_of(const TreeRoot& root, uint64_t inode, bool& incomplete) {
    std::vector<InodeName> names;
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
        for (const auto& ref : *refs)
            names.push_back({ref.directory, std::string(ref.name), ref.index, {key.type, key.offset}});
    }
    return names;
}

Names::Known Names::known_names(const TreeRoot* root, Place inode) {
    Known known;
    known.incomplete = root == nullptr || logged_.incomplete();
    if (root != nullptr) known.names = names_of(*root, inode.second, known.incomplete);
    const auto learned = learned_.find(inode);
    if (known.names.empty() && learned != learned_.end())
        for (const auto& [directory, name] : learned->second) known.names.push_back({directory, name});
    const bool had_names = !known.names.empty();
    known.names = logged_.replay(inode.first, inode.second, std::move(known.names));
    known.gone = had_names && known.names.empty() && !known.incomplete;
    return known;
}

void Names::learn(uint64_t tree, uint64_t inode, uint64_t directory, const std::string& name) {
    learned_[{tree, inode}].insert({directory, name});
}

std::optional<std::string> Names::path_in(uint64_t tree, uint64_t directory, const std::string& name) {
    const Place place(tree, directory);
    const size_t above = folder(place).length;
    if (above == 0 || above + name.size() > kLongestPath) return std::nullopt;
    return path_of(place) + name;
}

std::optional<std::string> Names::path_of_subvolume(uint64_t tree) {
    const Place place(tree, format::objectid::kFirstFree);
    if (folder(place).length == 0) return std::nullopt;
    auto path = path_of(place);
    if (path.size() > 1) path.pop_back();
    return path;
}

Paths Names::of(uint64_t tree, uint64_t inode) {
    Paths found;
    const auto root = roots_.find(tree);
    const Known known = known_names(root ? &*root : nullptr, {tree, inode});
    found.incomplete = known.incomplete;
    size_t all = 0;
    for (const auto& name : known.names) {
        const Place directory(tree, name.directory);
        const Folder& in = folder(directory);
        if (in.gone) continue;
        const size_t above = in.length, length = above + name.name.size();
        if (above > 0 && length <= kLongestPath && all + length <= kMostPaths) {
            found.paths.push_back(path_of(directory) + name.name);
            all += length;
        } else {
            found.incomplete = true;
        }
    }
    return found;
}

// Upwards to what is known or cannot be known, and down again with the names: no recursion, for a hostile tree may
// be as deep as it likes. What is being looked for counts as unknown meanwhile: a loop of directories, which only such
// a tree has, ends there. The way up is twice as long as any path, so that half of it is known to be too deep, for
// good.
const Names::Folder& Names::folder(Place asked) {
    if (folders_.size() > kMostFolders) folders_.clear();
    std::vector<std::pair<Place, std::string>> way;
    size_t length = 0;  // of the path of `place`
    bool gone = false;  // `place`
    size_t climbed = 0;
    Place place = asked;
    while (true) {
        if (const auto known = folders_.find(place); known != folders_.end()) {
            length = known->second.length;
            gone = known->second.gone;
            break;
        }
        if (climbed > 2 * kLongestPath) return too_deep(asked, way, climbed);
        folders_[place].length = place == kTop ? 1 : 0;
        if (place == kTop) continue;
        auto parent =
            place.second == format::objectid::kFirstFree ? above_subvolume(place.first) : above_folder(place, gone);
        if (!parent) {
            folders_[place].gone = gone;
            break;
        }
        climbed += parent->second.size() + 1;
        way.emplace_back(place, std::move(parent->second));
        place = parent->first;
    }
    for (; !way.empty(); way.pop_back()) {
        auto& [below, name] = way.back();
        const bool known = length > 0 && length + name.size() < kLongestPath;
        length = known ? length + name.size() + 1 : 0;
        folders_[below] = {place, std::move(name), length, gone};
        place = below;
    }
    return folders_[asked];
}

// Those at the upper end of the way may have a path yet.
const Names::Folder& Names::too_deep(Place asked, const std::vector<std::pair<Place, std::string>>& way,
                                     size_t climbed) {
    for (const auto& [place, name] : way) {
        if (climbed <= kLongestPath) folders_.erase(place);
        climbed -= name.size() + 1;
    }
    return folders_[asked];
}

// Of one that is known.
std::string Names::path_of(Place place) const {
    std::vector<const std::string*> names;
    while (place != kTop) {
        const Folder& folder = folders_.at(place);
        names.push_back(&folder.name);
        place = folder.above;
    }
    std::string path = "/";
    for (; !names.empty(); names.pop_back()) path += *names.back() + '/';
    return path;
}

// Directories have one name each.
std::optional<std::pair<Names::Place, std::string>> Names::above_folder(Place place, bool& gone) {
    const auto root = roots_.find(place.first);
    if (!root) return std::nullopt;
    Known known = known_names(&*root, place);
    gone = known.gone;
    if (known.names.empty()) return std::nullopt;
    return std::pair(Place(place.first, known.names.front().directory), std::move(known.names.front().name));
}

// The root directory of a subvolume: where the tree of roots says that it is.
std::optional<std::pair<Names::Place, std::string>> Names::above_subvolume(uint64_t tree) {
    Cursor cursor(reader_, root_root(reader_.volume().super()));
    cursor.seek({tree, format::type::kRootBackref, 0});
    while (const Step step = cursor.next()) {
        if (step.lost) return std::nullopt;
        const auto& key = step.item->key;
        if (key.objectid < tree || (key.objectid == tree && key.type < format::type::kRootBackref)) continue;
        if (key.objectid != tree || key.type != format::type::kRootBackref) return std::nullopt;
        const auto ref = format::decode_root_backref(*step.item);
        if (!ref) return std::nullopt;
        return std::pair(Place(key.offset, ref->directory), std::string(ref->name));
    }
    return std::nullopt;
}

}  // namespace raid56::tree
