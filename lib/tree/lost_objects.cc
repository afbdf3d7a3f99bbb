// SPDX-License-Identifier: GPL-2.0-or-later
//
// 1. The lost parts of each subvolume, and of the tree of roots, which has the subvolumes themselves.
// 2. Every leaf is looked at for what speaks of a lost key: an entry that names an inode of such a range, an inode
//    whose entry would lie there.
// 3. Entries of subvolumes are looked up in the tree of roots; root directories, which have no entry, by their numbers.
#include "tree/lost_objects.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tree/name_hash.h"
#include "tree/shared_walk.h"

namespace raid56::tree {
namespace {

using format::Key;
namespace type = format::type;
using format::objectid::kFirstFree;
using format::objectid::kRootTree;

constexpr uint32_t kTypeMask = 0170000, kDirectoryMode = 0040000;

// A range of keys, and which lost part it is.
struct Lost {
    Key first, end;
    size_t part = 0;
};

// Ascending and disjoint.
class LostKeySet {
  public:
    void add(Lost lost) { all_.push_back(lost); }

    /// Sorts; ranges that overlap, as those of several trees do, become one.
    void join() {
        std::sort(all_.begin(), all_.end(), [](const Lost& a, const Lost& b) { return a.first < b.first; });
        std::vector<Lost> joined;
        for (const auto& lost : all_)
            if (!joined.empty() && lost.first <= joined.back().end)
                joined.back().end = std::max(joined.back().end, lost.end);
            else
                joined.push_back(lost);
        all_ = std::move(joined);
    }

    /// Calls use(lost) for each that has a key with from <= key < to.
    template <class Use>
    void each(const Key& from, const Key& to, Use&& use) const {
        auto at =
            std::upper_bound(all_.begin(), all_.end(), from, [](const Key& k, const Lost& l) { return k < l.end; });
        for (; at != all_.end() && at->first < to; ++at) use(*at);
    }
    bool touches(const Key& from, const Key& to) const {
        const auto at =
            std::upper_bound(all_.begin(), all_.end(), from, [](const Key& k, const Lost& l) { return k < l.end; });
        return at != all_.end() && at->first < to;
    }
    bool holds(const Key& key) const { return touches(key, format::next_key(key)); }

  private:
    std::vector<Lost> all_;
};

// Where the items of an inode begin.
Key first_of(uint64_t inode) { return {inode, type::kInodeItem, 0}; }
Key behind(uint64_t inode) { return inode == format::kMaxU64 ? format::kLastKey : Key{inode + 1, 0, 0}; }

// A name that a leaf tells: an entry of a directory, or what an inode says of itself.
struct Word {
    uint64_t directory = 0;
    std::string_view name;
    Key location;               // an INODE_ITEM or a ROOT_ITEM
    bool is_directory = false;  // as an entry says; of an inode that tells of itself it is looked up
    uint64_t index = 0;         // of an inode that tells of itself
    bool of_itself = false;
};

template <class Use>
void each_word(const Visit& leaf, Use&& use) {
    for (uint32_t i = 0; i < leaf.header.nritems; i++) {
        const auto item = format::leaf_item(*leaf.block, i);
        const auto& key = item.key;
        if (key.type == type::kDirItem || key.type == type::kDirIndex) {
            const auto entries = format::decode_dir_item(item);
            if (!entries) continue;
            for (const auto& entry : *entries)
                use(Word{key.objectid, entry.name, entry.location, entry.directory, 0, false});
        } else if (key.type == type::kInodeRef || key.type == type::kInodeExtref) {
            const auto names = format::decode_inode_refs(item);
            if (!names) continue;
            for (const auto& name : *names)
                // The root directory of a subvolume says that it is ".." in itself; there is no such entry.
                if (name.directory != key.objectid)
                    use(Word{name.directory, name.name, {key.objectid, type::kInodeItem, 0}, false, name.index, true});
        }
    }
}

class Finder {
  public:
    Finder(BlockReader& reader, const Roots& roots, const std::vector<LostPart>& parts)
        : reader_(reader), roots_(roots) {
        for (size_t i = 0; i < parts.size(); i++) {
            const auto& part = parts[i];
            if (part.logged) continue;
            const bool files = format::is_subvolume(part.tree);
            if (!files && part.tree != kRootTree) continue;
            const Lost lost{part.first, part.end, i};
            by_tree_[part.tree].add(lost);
            if (files) any_.add(lost);
        }
        any_.join();
    }

    LostObjects find() {
        if (by_tree_.empty()) return {};
        look_at_leaves();
        look_at_root_tree();
        look_at_root_directories();
        auto& all = found_.objects;
        tell_directories();
        const auto order = [](const LostObject& o) {
            return std::tie(o.part, o.tree, o.inode, o.in_tree, o.in_directory, o.name, o.loss);
        };
        std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
        all.erase(
            std::unique(all.begin(), all.end(), [&](const auto& a, const auto& b) { return order(a) == order(b); }),
            all.end());
        if (all.size() > kMostNamed) {
            all.resize(kMostNamed);
            found_.incomplete = true;
        }
        return std::move(found_);
    }

  private:
    // That an inode is a directory may be known of one of its names alone.
    void tell_directories() {
        std::set<std::pair<uint64_t, uint64_t>> directories;
        for (const auto& object : found_.objects)
            if (object.directory) directories.emplace(object.tree, object.inode);
        for (auto& object : found_.objects) object.directory = directories.contains({object.tree, object.inode});
    }

    const LostKeySet& lost_of(uint64_t tree) const {
        static const LostKeySet nothing;
        const auto found = by_tree_.find(tree);
        return found == by_tree_.end() ? nothing : found->second;
    }
    bool root_is_lost(uint64_t tree) const {
        return lost_of(kRootTree).touches({tree, type::kRootItem, 0}, {tree, type::kRootItem + 1, 0});
    }

    // ---- leaves

    void look_at_leaves() {
        const bool roots_lost = by_tree_.contains(kRootTree);
        SharedWalk walk(reader_);
        std::vector<std::pair<uint64_t, TreeRoot>> trees;
        for (const auto& tree : roots_.with_files())
            if (format::is_subvolume(tree.first) && (roots_lost || by_tree_.contains(tree.first)))
                trees.push_back(tree);
        for (const auto& [id, root] : trees) walk.warm(root, [&](const Visit& leaf) { return speaks(leaf, any_); });
        for (const auto& [id, root] : trees) {
            tree_ = id;
            root_ = root;
            const auto& lost = lost_of(id);
            walk.collect(root,
                         [&](const Visit& leaf) { each_word(leaf, [&](const Word& word) { take(word, lost); }); });
        }
    }

    bool speaks(const Visit& leaf, const LostKeySet& lost) const {
        bool any = false;
        each_word(leaf, [&](const Word& word) {
            if (word.of_itself)
                any = any || lost.holds(item_key(word)) || lost.holds(index_key(word)) ||
                      lost.touches(first_of(word.location.objectid), behind(word.location.objectid));
            else if (word.location.type == type::kRootItem)
                any = any || root_is_lost(word.location.objectid);
            else
                any = any || lost.touches(first_of(word.location.objectid), behind(word.location.objectid));
        });
        return any;
    }

    static Key item_key(const Word& word) { return {word.directory, type::kDirItem, name_hash(word.name)}; }
    static Key index_key(const Word& word) { return {word.directory, type::kDirIndex, word.index}; }

    void take(const Word& word, const LostKeySet& lost) {
        if (is_full()) return;  // a name may have as many lost parts as its tree
        const uint64_t id = word.location.objectid;
        if (word.of_itself) {
            take_lost_entry(lost, item_key(word), index_key(word), {tree_, id}, tree_, word.directory, word.name);
            Word known = word;
            known.is_directory = is_directory(id);
            // Of an inode whose item is not there nobody knows whether it is a directory, and what else it loses.
            const Key end = inode_of(id) ? behind(id) : Key{id, type::kInodeItem + 1, 0};
            lost.each(first_of(id), end, [&](const Lost& range) { add(loss_of(range, id, known), known); });
        } else if (word.location.type == type::kRootItem) {
            if (root_is_lost(id)) take_lost_root(id, word);
        } else {
            lost.each(first_of(id), behind(id), [&](const Lost& range) { add(loss_of(range, id, word), word); });
        }
    }

    // A name whose entry lies in a lost range: by its DIR_ITEM it is found, by its DIR_INDEX listed.
    void take_lost_entry(const LostKeySet& lost, const Key& item, const Key& index, std::pair<uint64_t, uint64_t> what,
                         uint64_t in_tree, uint64_t in_directory, std::string_view name) {
        const auto tell = [&](const Key& key, Loss loss) {
            bool told = false;
            lost.each(key, format::next_key(key), [&](const Lost& range) {
                LostObject object;
                object.part = range.part;
                object.loss = loss;
                object.tree = what.first;
                object.inode = what.second;
                object.directory = what.first != in_tree || is_directory(what.second);
                object.in_tree = in_tree;
                object.in_directory = in_directory;
                object.name = name;
                put(std::move(object));
                told = true;
            });
            return told;
        };
        if (!tell(item, Loss::name)) tell(index, Loss::listing);
    }

    void take_lost_root(uint64_t id, const Word& word) {
        lost_of(kRootTree).each({id, type::kRootItem, 0}, {id, type::kRootItem + 1, 0}, [&](const Lost& range) {
            LostObject object;
            object.part = range.part;
            object.tree = id;
            object.inode = kFirstFree;
            object.directory = true;
            add(object, word);
        });
    }

    void add(LostObject object, const Word& word) {
        object.in_tree = tree_;
        object.in_directory = word.directory;
        object.name = word.name;
        put(std::move(object));
    }

    // A name is met up to three times: under its hash, under its number, at its inode.
    void put(LostObject object) {
        if (!is_full()) found_.objects.push_back(std::move(object));
        found_.incomplete = found_.incomplete || is_full();
    }
    bool is_full() const { return found_.objects.size() >= 3 * kMostNamed; }

    // What an inode loses with a range that touches it.
    LostObject loss_of(const Lost& range, uint64_t inode, const Word& word) {
        LostObject object;
        object.part = range.part;
        object.tree = tree_;
        object.inode = inode;
        object.directory = word.is_directory;
        const auto within = [&](uint8_t from, uint8_t to) {
            return range.first < Key{inode, to, 0} && Key{inode, from, 0} < range.end;
        };
        if (within(type::kInodeItem, type::kInodeItem + 1)) {
            object.loss = Loss::all;
        } else if (object.directory) {
            object.loss = within(type::kDirItem, type::kDirIndex + 1) ? Loss::entries : Loss::attributes;
        } else {
            const Key first{inode, type::kExtentData, 0}, last{inode, type::kExtentData, format::kMaxU64};
            const auto size = inode_of(inode);
            const uint64_t from = range.first <= first ? 0 : range.first.objectid == inode ? range.first.offset : 0;
            const uint64_t to = range.end > last ? format::kMaxU64 : range.end.offset;
            const uint64_t end = std::min(to, size ? size->size : to);
            const bool any = range.first <= last && first < range.end && from < end;
            object.loss = any ? Loss::data : Loss::attributes;
            object.offset = any ? from : 0;
            if (any && end != format::kMaxU64) object.length = end - from;
        }
        return object;
    }

    bool is_directory(uint64_t inode) {
        const auto found = inode_of(inode);
        return found && (found->mode & kTypeMask) == kDirectoryMode;
    }

    // Of the tree under way; the one asked for last is known.
    std::optional<format::Inode> inode_of(uint64_t inode) {
        const Key key{inode, type::kInodeItem, 0};
        if (std::tuple(tree_, inode) == known_) return inode_;
        known_ = {tree_, inode};
        inode_.reset();
        Cursor cursor(reader_, root_);
        cursor.seek(key);
        const Step step = cursor.next();
        if (step.item && step.item->key == key)
            if (const auto found = format::decode_inode(*step.item)) inode_ = *found;
        return inode_;
    }

    // ---- subvolumes

    void look_at_root_tree() {
        Cursor cursor(reader_, root_root(reader_.volume().super()));
        while (const Step step = cursor.next()) {
            if (!step.item || step.item->key.type != type::kRootBackref) continue;
            const auto& key = step.item->key;
            const auto name = format::decode_root_backref(*step.item);
            if (!name || !by_tree_.contains(key.offset)) continue;
            take_lost_entry(lost_of(key.offset), {name->directory, type::kDirItem, name_hash(name->name)},
                            {name->directory, type::kDirIndex, name->index}, {key.objectid, kFirstFree}, key.offset,
                            name->directory, name->name);
        }
    }

    void look_at_root_directories() {
        const auto tell = [&](uint64_t tree, const Lost& range, Loss loss) {
            LostObject object;
            object.part = range.part;
            object.loss = loss;
            object.tree = object.in_tree = tree;
            object.inode = object.in_directory = kFirstFree;
            object.directory = true;
            put(std::move(object));
        };
        for (const auto& [id, lost] : by_tree_) {
            if (id == kRootTree) continue;
            const uint64_t tree = id;
            Word root;
            root.is_directory = true;
            tree_ = tree;
            lost.each(first_of(kFirstFree), behind(kFirstFree),
                      [&](const Lost& range) { tell(tree, range, loss_of(range, kFirstFree, root).loss); });
            // To open a subvolume Linux looks for its greatest inode number (btrfs_init_root_free_objectid()).
            constexpr Key kGreatest{format::objectid::kLastFree, 0xff, format::kMaxU64};
            lost.each(kGreatest, format::next_key(kGreatest), [&](const Lost& range) { tell(tree, range, Loss::all); });
        }
        // The top-level subvolume is in no directory.
        constexpr uint64_t kTop = format::objectid::kFsTree;
        lost_of(kRootTree).each({kTop, type::kRootItem, 0}, {kTop, type::kRootItem + 1, 0},
                                [&](const Lost& range) { tell(kTop, range, Loss::all); });
    }

    BlockReader& reader_;
    const Roots& roots_;
    std::map<uint64_t, LostKeySet> by_tree_;
    LostKeySet any_;  // of all subvolumes
    // The tree under way.
    uint64_t tree_ = 0;
    TreeRoot root_;
    std::tuple<uint64_t, uint64_t> known_;
    std::optional<format::Inode> inode_;
    LostObjects found_;
};

}  // namespace

LostObjects find_lost_objects(BlockReader& reader, const Roots& roots, const std::vector<LostPart>& parts) {
    return Finder(reader, roots, parts).find();
}

}  // namespace raid56::tree
