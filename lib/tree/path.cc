// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree/path.h"

#include <algorithm>

#include "base/printable.h"
#include "tree/name_hash.h"

namespace raid56::tree {
namespace {

std::vector<std::string> components(const std::string& path) {
    std::vector<std::string> parts;
    size_t at = 0;
    while (at <= path.size()) {
        const size_t end = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, end - at);
        if (!part.empty() && part != ".") parts.push_back(part);
        at = end + 1;
    }
    return parts;
}

Result<format::Key> look_up(BlockReader& reader, const FoundFile& directory, const std::string& name) {
    Cursor cursor(reader, directory.root);
    const format::Key key{directory.inode, format::type::kDirItem, name_hash(name)};
    cursor.seek(key);
    const Step step = cursor.next();
    if (step.lost) return Error{printable(name) + ": the directory's tree block cannot be had"};
    if (step.item && step.item->key == key) {
        const auto entries = format::decode_dir_item(*step.item);
        if (!entries) return Error{format::message(entries.error(), "directory item", printable(name))};
        const auto found =
            std::find_if(entries->begin(), entries->end(), [&](const auto& e) { return e.name == name; });
        if (found != entries->end()) return found->location;
    }
    return Error{printable(name) + ": no such file or directory in the file system"};
}

}  // namespace

Result<FoundFile> find_path(BlockReader& reader, const Roots& roots, const std::string& path) {
    const auto top = roots.find(format::objectid::kFsTree);
    if (!top) return Error{"the root of the top-level subvolume cannot be had"};
    FoundFile at{format::objectid::kFsTree, *top, format::objectid::kFirstFree};
    for (const auto& name : components(path)) {
        const auto location = look_up(reader, at, name);
        if (!location) return location.error();
        if (location->type == format::type::kInodeItem) {
            at.inode = location->objectid;
            continue;
        }
        const auto subvolume =
            location->type == format::type::kRootItem ? roots.find(location->objectid) : std::nullopt;
        if (!subvolume) return Error{printable(name) + ": its subvolume cannot be had"};
        at = {location->objectid, *subvolume, format::objectid::kFirstFree};
    }
    return at;
}

Result<FileExtents> read_file_extents(BlockReader& reader, const FoundFile& file) {
    FileExtents found;
    bool known = false;
    Cursor cursor(reader, file.root);
    cursor.seek({file.inode, format::type::kInodeItem, 0});
    while (const Step step = cursor.next()) {
        if (step.lost) {
            found.incomplete = true;
            if (step.lost->end.objectid > file.inode) break;
            continue;
        }
        const auto& key = step.item->key;
        if (key.objectid < file.inode) continue;
        if (key.objectid > file.inode) break;
        if (key.type == format::type::kInodeItem) {
            const auto inode = format::decode_inode(*step.item);
            if (!inode) return Error{format::message(inode.error(), "inode", std::to_string(file.inode))};
            found.inode = *inode;
            known = true;
        }
        if (key.type != format::type::kExtentData) continue;
        const auto extent = format::decode_file_extent(*step.item, reader.volume().sectorsize());
        if (!extent)
            return Error{format::message(extent.error(), "file extent", "inode " + std::to_string(file.inode))};
        found.extents.push_back(*extent);
    }
    if (!known && !found.incomplete) return Error{"inode " + std::to_string(file.inode) + " has no item"};
    return found;
}

}  // namespace raid56::tree
