// SPDX-License-Identifier: GPL-2.0-or-later
// The first golden image, unpacked into a folder of its own; needs tar and zstd.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "world.h"

namespace raid56::cmd {

/// Fixture: every test has the devices of the image in worlds(), each behind a FaultDevice.
class GoldenTest : public ::testing::Test {
  protected:
    void SetUp() override {
        namespace fs = std::filesystem;
        std::vector<fs::path> archives;
        if (fs::exists(RAID56_IMAGES))
            for (const auto& entry : fs::directory_iterator(RAID56_IMAGES))
                if (fs::exists(entry.path() / "images.tar.zst") && fs::exists(entry.path() / "command"))
                    archives.push_back(entry.path());
        if (archives.empty()) GTEST_SKIP() << "there are no golden images in " RAID56_IMAGES;
        std::sort(archives.begin(), archives.end());

        std::string name = (fs::temp_directory_path() / "raid56-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        const std::string unpack =
            "tar -C '" + folder_.string() + "' --zstd -xf '" + (archives.front() / "images.tar.zst").string() + "'";
        if (std::system(unpack.c_str()) != 0) GTEST_SKIP() << "cannot be unpacked: " << unpack;

        std::ifstream command(archives.front() / "command");
        for (std::string word; command >> word;) {
            words_.push_back(word);
            if (!fs::exists(folder_ / word)) continue;
            paths_.push_back(word);
        }
        name_ = archives.front().filename().string();
        reopen();
    }
    void TearDown() override {
        if (folder_.empty()) return;
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    /// Devices as they were, without faults.
    void reopen() {
        for (const auto& path : paths_) {
            auto opened = device::open_for_reading((folder_ / path).string());
            ASSERT_TRUE(opened) << opened.error().message;
            worlds_.add(path, std::move(opened->device));
        }
    }

    /// The image's command, as JSON, one thread.
    Outcome run() {
        auto words = words_;
        words.insert(words.begin() + 1,
                     {"--format", "json", "--engine", "isal", "--threads", "1", "--progress", "never"});
        return worlds_.run(words);
    }

    Worlds worlds_;
    std::string name_;
    std::vector<std::string> words_, paths_;
    std::filesystem::path folder_;
};

/// A report without what may differ between two runs.
inline std::vector<Json> comparable(const Outcome& run) {
    auto lines = run.lines();
    for (auto& line : lines)
        for (const char* field : {"seconds", "bytes_read", "engine"}) line.erase(field);
    return lines;
}

}  // namespace raid56::cmd
