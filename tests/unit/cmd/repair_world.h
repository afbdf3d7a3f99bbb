// SPDX-License-Identifier: GPL-2.0-or-later
// Repair, undo and rebuild in-process, on disks and files that can lose power at any operation.
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

    /// A device for a test that opens the file system itself.
    Result<device::Opened> reader(const std::string& path) const {
        return device::Opened{std::make_unique<test::CutReader>(disks_.at(path)), identity_of(path)};
    }

    Outcome scrub(std::vector<std::string> options = {}) {
        options.insert(options.begin(), "scrub");
        return run(options, words_);
    }
    Outcome inspect(std::vector<std::string> options) {
        options.insert(options.begin(), {"inspect", "--format", "json"});
        options.insert(options.end(), paths_.begin(), paths_.end());
        return run_words(options);
    }
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
    /// Without those devices: they are lost.
    Outcome rebuild(const std::vector<std::string>& lost, std::vector<std::string> options) {
        options.insert(options.begin(), "rebuild");
        return run(options, words_without(lost, ""));
    }
    /// With `instead` in the place of `lost`.
    Outcome scrub_with(const std::string& lost, const std::string& instead) {
        return run({"scrub"}, words_without({lost}, instead));
    }
    /// Any command.
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
        world.writing.remove = [this](const std::string& path) {
            if (!keep_removed) disks_.erase(path);
        };
        world.writing.target = [this](const std::string& path, uint64_t size) { return target(path, size); };
        world.writing.signatures = [this](const std::string& path) { return signatures_of(path); };
        held.clear();
        world.writing.hold = [this](const std::string& path) -> Result<std::unique_ptr<device::Hold>> {
            held.push_back(path);
            return std::unique_ptr<device::Hold>(std::make_unique<NoHold>(*this));
        };
        world.writing.batch_bytes = batch_bytes;
        Outcome done;
        done.status = run_command_line(words, world);
        done.out = out.str();
        done.err = err.str();
        return done;
    }
    /// One more file.
    void add(const std::string& path, const std::vector<uint8_t>& bytes) {
        log(path)->write(0, bytes);
        log(path)->sync();
    }

    test::Power power;
    std::atomic<bool> stop{false};
    /// Called with each device that is opened for reading, by its path.
    std::map<std::string, std::function<void(device::FaultDevice&)>> hurt;
    /// Devices that were hurt, as last opened.
    std::map<std::string, std::shared_ptr<device::FaultDevice>> hurt_devices;
    /// What lies on a target, by its path, until it is written to.
    std::map<std::string, device::Signature> signatures;
    std::vector<std::string> held;  // paths that were, in the last run
    /// What each of them says when asked again; nothing: all is well.
    std::function<Result<void>()> still_free;
    /// A file that is made breaks at that change (CutDisk::break_at), by its path.
    std::map<std::string, uint64_t> break_at;
    /// A read of a file that is made fails (CutDisk::fail_read), by its path.
    std::map<std::string, uint64_t> fail_read;
    /// Seconds that pass from one look at the clock to the next.
    static inline std::atomic<int> ticks{1};
    bool keep_removed = false;  // what is removed stays, for a look at it
    size_t batch_bytes = repair::kBatchBytes;

  private:
    struct NoHold final : device::Hold {
        explicit NoHold(RepairWorld& world) : world(world) {}
        Result<void> still_free() override { return world.still_free ? world.still_free() : Result<void>(); }
        RepairWorld& world;
    };

    /// Words of the image's command; in the place of the first of `lost` stands `instead`, if that is not empty.
    std::vector<std::string> words_without(const std::vector<std::string>& lost, const std::string& instead) const {
        std::vector<std::string> words;
        for (const auto& word : words_)
            if (std::find(lost.begin(), lost.end(), word) == lost.end())
                words.push_back(word);
            else if (!instead.empty() && word == lost.front())
                words.push_back(instead);
        return words;
    }
    Outcome run(std::vector<std::string> words, const std::vector<std::string>& more) {
        words.insert(words.begin() + 1, {"--format", "json", "--engine", "isal", "--threads", "1"});
        words.insert(words.end(), more.begin(), more.end());
        return run_words(words);
    }
    std::shared_ptr<test::CutDisk> log(const std::string& path) {
        auto& disk = disks_[path];
        if (disk) return disk;
        disk = std::make_shared<test::CutDisk>(power, path, nullptr);
        const auto breaks = break_at.find(path);
        if (breaks != break_at.end()) disk->break_at(breaks->second);
        const auto fails = fail_read.find(path);
        if (fails != fail_read.end()) disk->fail_read(fails->second);
        return disk;
    }
    Result<device::Opened> open(const std::string& path) {
        const auto found = disks_.find(path);
        if (found == disks_.end()) return Error{path + ": cannot open: there is no such device in this test"};
        auto reader = std::make_unique<test::CutReader>(found->second);
        const auto how = hurt.find(path);
        if (how == hurt.end()) return device::Opened{std::move(reader), identity_of(path)};
        auto& faults = hurt_devices[path] = std::make_shared<device::FaultDevice>(std::move(reader));
        how->second(*faults);
        return device::Opened{std::make_unique<SharedDevice>(faults), identity_of(path)};
    }
    // As device::open_target() does it.
    Result<std::unique_ptr<device::WriteDevice>> target(const std::string& path, uint64_t size) {
        auto& disk = *log(path);
        if (disk.size() == 0)
            if (const int error = disk.resize(size); error != 0) return Error{path + ": cannot be given its length"};
        if (disk.size() < size) return Error{path + ": is too short"};
        return writer(path);
    }
    Result<std::vector<device::Signature>> signatures_of(const std::string& path) {
        std::vector<device::Signature> all;
        const auto found = signatures.find(path);
        if (found == signatures.end()) return all;
        std::vector<uint8_t> bytes(found->second.length);
        disks_.at(path)->read(found->second.offset, bytes);
        if (std::any_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte != 0; }))
            all.push_back(found->second);
        return all;
    }
    Result<std::unique_ptr<device::WriteDevice>> writer(const std::string& path) {
        const auto found = disks_.find(path);
        if (found == disks_.end()) return Error{path + ": cannot open: there is no such file in this test"};
        return std::unique_ptr<device::WriteDevice>(
            std::make_unique<test::CutWriter>(found->second, identity_of(path)));
    }
    static device::Identity identity_of(const std::string& path) { return {false, 1, std::hash<std::string>{}(path)}; }
    static double clock() {
        static std::atomic<int> now{0};
        return now.fetch_add(ticks);
    }

    std::filesystem::path folder_;
    std::vector<std::string> words_, paths_;
    std::map<std::string, std::shared_ptr<test::CutDisk>> disks_;
};

}  // namespace raid56::cmd
