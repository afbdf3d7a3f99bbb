// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/logged_names.h"

#include <algorithm>

#include "tree/walk.h"

namespace raid56::tree {
namespace {

const std::vector<InodeName>& of(const std::map<std::pair<uint64_t, uint64_t>, std::vector<InodeName>>& all,
                                 std::pair<uint64_t, uint64_t> inode) {
    static const std::vector<InodeName> none;
    const auto found = all.find(inode);
    return found == all.end() ? none : found->second;
}

}  // namespace

// A hostile log has many roots for one tree.
LoggedNames::LoggedNames(BlockReader& reader, const LogTrees& log) : incomplete_(log.incomplete) {
    std::set<Logical> seen;
    for (size_t i = 0; i < log.trees.size(); i++) read(reader, log.subvolumes[i], log.trees[i], seen);
    for (auto& [place, directory] : directories_) {
        std::ranges::sort(directory.ranges, std::less<>(), &Range::start);
        for (const Range& range : directory.ranges) directory.listed.append(range);
        directory.ranges = {};
    }
}

void LoggedNames::read(BlockReader& reader, uint64_t tree, const TreeRoot& root, std::set<Logical>& seen) {
    WalkCallbacks callbacks;
    callbacks.enter = [&](Logical start, uint8_t) { return seen.insert(start).second; };
    callbacks.lost = [&](const BlockExpect&) { incomplete_ = true; };
    callbacks.visit = [&](const Visit& visit) {
        if (visit.header.level > 0) return;
        for (uint32_t i = 0; i < visit.header.nritems; i++) take(tree, format::leaf_item(*visit.block, i));
    };
    walk(reader, root, callbacks);
}

void LoggedNames::take(uint64_t tree, const format::Item& item) {
    const uint64_t id = item.key.objectid;
    switch (item.key.type) {
        case format::type::kInodeRef:
        case format::type::kInodeExtref:
            if (const auto refs = format::decode_inode_refs(item)) {
                for (const auto& ref : *refs) {
                    const InodeName::Item own{item.key.type, item.key.offset};
                    names_[{tree, id}].push_back({ref.directory, std::string(ref.name), ref.index, own});
                    owners_[{tree, ref.directory, std::string(ref.name)}] = id;
                }
                return;
            }
            break;
        case format::type::kDirIndex:
            if (const auto entries = format::decode_dir_item(item)) {
                for (const auto& entry : *entries) {
                    const std::string name(entry.name);
                    directories_[{tree, id}].entries[item.key.offset] = name;
                    if (entry.location.type != format::type::kInodeItem) continue;
                    entries_[{tree, entry.location.objectid}].push_back({id, name, item.key.offset});
                    owners_.try_emplace({tree, id, name}, entry.location.objectid);
                }
                return;
            }
            break;
        case format::type::kDirLogIndex:
            if (const auto end = format::decode_dir_log(item)) {
                directories_[{tree, id}].ranges.push_back({item.key.offset, *end});
                return;
            }
            break;
        default: return;
    }
    incomplete_ = true;  // it cannot be decoded
}

bool LoggedNames::is_gone(uint64_t tree, uint64_t inode, const InodeName& name) const {
    const auto owner = owners_.find({tree, name.directory, name.name});
    if (owner != owners_.end()) return owner->second != inode;
    const auto found = directories_.find({tree, name.directory});
    if (found == directories_.end()) return false;
    const Directory& directory = found->second;
    const auto entry = directory.entries.find(name.index);
    if (entry != directory.entries.end() && entry->second == name.name) return false;
    return directory.listed.touches({name.index, name.index + 1});
}

std::vector<InodeName> LoggedNames::replay(uint64_t tree, uint64_t inode, std::vector<InodeName> names) const {
    const auto& logged = of(names_, {tree, inode});
    std::set<InodeName::Item> items;
    for (const auto& name : logged) items.insert(name.item);
    std::erase_if(names,
                  [&](const InodeName& name) { return items.contains(name.item) || is_gone(tree, inode, name); });

    std::set<std::pair<uint64_t, std::string>> known;
    for (const auto& name : names) known.emplace(name.directory, name.name);
    for (const auto* more : {&logged, &of(entries_, {tree, inode})})
        for (const auto& name : *more)
            if (known.emplace(name.directory, name.name).second) names.push_back(name);
    return names;
}

}  // namespace raid56::tree
