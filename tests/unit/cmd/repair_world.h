// SPDX-License-Identifier: GPL-2.0-or-later
// Repair and undo in-process, on disks and journals that can lose power at any operation.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "support/cut_disk.h"
#include "world.h"

namespace raid56::cmd {

class RepairWorld {
  public:
    /// Unpacks a golden image; false where it cannot be had.
    bool unpack(const std::string& name) {
        namespace fs = std::filesystem;
        const fs::path archive = fs::path(RAID56_IMAGES) / name / "images.tar.zst";
        if (!fs::exists(archive)) return false;
        std::string folder = (fs::temp_directory_path() / "raid56-test-XXXXXX").string();
        if (::mkdtemp(folder.data()) == nullptr) return false;
        folder_ = folder;
        const std::string tar = "tar -C '" + folder + "' --zstd -xf '" + archive.string() + "'";
        if (std::system(tar.c_str()) != 0) return false;
        std::ifstream command(archive.parent_path() / "command");
        std::string word;
        command >> word;  // scrub
        while (command >> word) {
            words_.push_back(word);
            if (!fs::exists(folder_ / word)) continue;
            paths_.push_back(word);
            auto opened = device::open_for_reading((folder_ / word).string());
            if (!opened) return false;
            disks_[word] = std::make_shared<test::CutDisk>(power, word, std::move(opened->device));
        }
        return true;
    }
    ~RepairWorld() {
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }

    using State = std::map<std::string, test::CutDisk::Content>;
    /// Every disk and every journal.
    State state() const {
        State all;
        for (const auto& [path, disk] : disks_) all[path] = disk->content();
        return all;
    }
    State after_cut(test::Unsynced what, uint32_t seed) const {
        State all;
        for (const auto& [path, disk] : disks_) all[path] = disk->after_cut(what, seed++);
        return all;
    }
    void set(const State& state) {
        std::erase_if(disks_, [&](const auto& disk) { return !state.contains(disk.first); });
        for (const auto& [path, content] : state) log(path)->set(content);
    }
    /// Whether the devices (journals apart) hold what they held in `state`.
    bool devices_hold(const State& state) const {
        return std::all_of(paths_.begin(), paths_.end(),
                           [&](const std::string& path) { return disks_.at(path)->holds(state.at(path)); });
    }
    test::CutDisk& disk(const std::string& path) { return *disks_.at(path); }
    bool exists(const std::string& path) const { return disks_.contains(path); }
    const std::vector<std::string>& paths() const { return paths_; }

    Outcome scrub() { return run({"scrub"}, words_); }
    Outcome repair(std::vector<std::string> options) {
        options.insert(options.begin(), "repair");
        return run(options, words_);
    }
    Outcome write(const std::string& journal = "journal") { return repair({"--write", "--journal", journal}); }
    Outcome undo(const std::string& journal = "journal") { return undo_on(paths_, journal); }
    Outcome undo_on(const std::vector<std::string>& paths, const std::string& journal = "journal") {
        std::vector<std::string> words = {"undo", "--journal", journal, "--format", "json"};
        words.insert(words.end(), paths.begin(), paths.end());
        return run_words(words);
    }
    /// One more file.
    void add(const std::string& path, const std::vector<uint8_t>& bytes) {
        log(path)->write(0, bytes);
        log(path)->sync();
    }

    test::Power power;
    std::atomic<bool> stop{false};
    size_t batch_bytes = repair::kBatchBytes;

  private:
    Outcome run(std::vector<std::string> words, const std::vector<std::string>& more) {
        words.insert(words.begin() + 1, {"--format", "json", "--engine", "isal", "--threads", "1"});
        words.insert(words.end(), more.begin(), more.end());
        return run_words(words);
    }
    Outcome run_words(const std::vector<std::string>& words) {
        std::ostringstream out, err;
        session::World world{out,   err, false, [this](const std::string& path, device::Reading) { return open(path); },
                             clock, stop};
        world.writing.device = [this](const std::string& path) { return writer(path); };
        world.writing.create = [this](const std::string& path) -> Result<std::unique_ptr<device::WriteDevice>> {
            if (disks_.contains(path)) return Error{path + ": cannot create: it exists"};
            log(path);
            return writer(path);
        };
        world.writing.open = world.writing.read = [this](const std::string& path) { return writer(path); };
        world.writing.temporary = [this]() -> Result<std::unique_ptr<device::WriteDevice>> {
            return std::unique_ptr<device::WriteDevice>(std::make_unique<test::CutWriter>(
                std::make_shared<test::CutDisk>(power, "temporary", nullptr), device::Identity{}));
        };
        world.writing.exists = [this](const std::string& path) { return disks_.contains(path); };
        world.writing.remove = [this](const std::string& path) { disks_.erase(path); };
        world.writing.batch_bytes = batch_bytes;
        Outcome done;
        done.status = run_command_line(words, world);
        done.out = out.str();
        done.err = err.str();
        return done;
    }
    std::shared_ptr<test::CutDisk> log(const std::string& path) {
        auto& disk = disks_[path];
        if (!disk) disk = std::make_shared<test::CutDisk>(power, path, nullptr);
        return disk;
    }
    Result<device::Opened> open(const std::string& path) {
        const auto found = disks_.find(path);
        if (found == disks_.end()) return Error{path + ": cannot open: there is no such device in this test"};
        return device::Opened{std::make_unique<test::CutReader>(found->second), identity_of(path)};
    }
    Result<std::unique_ptr<device::WriteDevice>> writer(const std::string& path) {
        const auto found = disks_.find(path);
        if (found == disks_.end()) return Error{path + ": cannot open: there is no such file in this test"};
        return std::unique_ptr<device::WriteDevice>(
            std::make_unique<test::CutWriter>(found->second, identity_of(path)));
    }
    static device::Identity identity_of(const std::string& path) { return {false, 1, std::hash<std::string>{}(path)}; }
    static double clock() {
        static std::atomic<int> ticks{0};
        return ticks++;
    }

    std::filesystem::path folder_;
    std::vector<std::string> words_, paths_;
    std::map<std::string, std::shared_ptr<test::CutDisk>> disks_;
};

}  // namespace raid56::cmd
