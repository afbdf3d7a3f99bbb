// SPDX-License-Identifier: GPL-2.0-or-later
// A folder for one test, with files of a content that tells each byte's place. Not thread-safe.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace raid56::device {

/// Bytes that do not repeat at any power of 2: what is read from a wrong place differs.
inline std::vector<uint8_t> pattern(uint64_t offset, size_t length) {
    std::vector<uint8_t> bytes(length);
    for (size_t i = 0; i < length; i++) {
        const uint64_t n = offset + i;
        bytes[i] = static_cast<uint8_t>((n * 0x9e3779b97f4a7c15u) >> 56);
    }
    return bytes;
}

class TempFolder {
  public:
    TempFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "raid56-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

    /// A file of pattern bytes.
    std::string file(const std::string& name, uint64_t length) const {
        const auto bytes = pattern(0, length);
        return text(name, std::string(bytes.begin(), bytes.end()));
    }

    /// A file with this content; its folders are made.
    std::string text(const std::string& name, const std::string& content) const {
        const auto path = path_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << content;
        return path.string();
    }

    std::string folder(const std::string& name) const {
        std::filesystem::create_directories(path_ / name);
        return (path_ / name).string();
    }

  private:
    std::filesystem::path path_;
};

}  // namespace raid56::device
