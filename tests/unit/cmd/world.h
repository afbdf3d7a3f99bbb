// SPDX-License-Identifier: GPL-2.0-or-later
// The program in-process: words in; exit status, stdout and stderr out. Devices are what the test says.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cmd/command_line.h"
#include "device/fault_device.h"
#include "device/memory_device.h"

namespace raid56::cmd {

using Json = nlohmann::ordered_json;

/// What the program holds of a device that outlives the run.
class SharedDevice final : public device::ReadDevice {
  public:
    explicit SharedDevice(std::shared_ptr<device::ReadDevice> device) : device_(std::move(device)) {}
    uint64_t size() const override { return device_->size(); }
    const std::string& path() const override { return device_->path(); }
    uint32_t alignment() const override { return device_->alignment(); }
    void start(device::ReadOp& op) override { device_->start(op); }
    void finish(device::ReadOp& op) override { device_->finish(op); }

  private:
    std::shared_ptr<device::ReadDevice> device_;
};

struct Outcome {
    int status = -1;
    std::string out, err;

    /// Every line of stdout as an object. A line that is none is a failure.
    std::vector<Json> lines() const {
        std::vector<Json> all;
        std::istringstream text(out);
        for (std::string line; std::getline(text, line);) {
            Json object = Json::parse(line, nullptr, false);
            if (!object.is_object() || object.empty() || object.begin().key() != "type") {
                ADD_FAILURE() << "not a JSON line: " << line;
                continue;
            }
            all.push_back(std::move(object));
        }
        if (!out.empty()) EXPECT_EQ(out.back(), '\n') << "the last line is cut";
        return all;
    }
    std::vector<Json> lines_of(const std::string& type) const {
        auto all = lines();
        std::erase_if(all, [&](const Json& line) { return line["type"] != type; });
        return all;
    }
    /// The summary, which is the last line, and the only one, and says what the exit status is.
    Json summary() const {
        const auto all = lines();
        if (all.empty() || all.back()["type"] != "summary") {
            ADD_FAILURE() << "no summary at the end of: " << out;
            return Json::object();
        }
        EXPECT_EQ(lines_of("summary").size(), 1u);
        EXPECT_EQ(all.back()["exit_status"], status);
        return all.back();
    }
};

class Worlds {
  public:
    /// Names a device.
    device::FaultDevice& add(const std::string& path, std::unique_ptr<device::ReadDevice> device) {
        auto faulty = std::make_shared<device::FaultDevice>(std::move(device));
        devices_[path] = faulty;
        return *faulty;
    }
    device::FaultDevice& add(const std::string& path, std::vector<uint8_t> bytes) {
        return add(path, std::make_unique<device::MemoryDevice>(std::move(bytes), path));
    }
    device::FaultDevice& device(const std::string& path) { return *devices_.at(path); }
    const std::vector<std::string>& opened() const { return opened_; }
    std::atomic<bool> stop{false};
    // Each look at the clock is a second later: rates and durations are never a division by zero.
    double (*clock)() = ticking_clock;
    void (*sleep)(double seconds) = device::sleep_seconds;
    std::function<Result<void>()> idle = [] { return Result<void>(); };
    session::Accelerators accelerators = {
        [] { return Result<std::vector<offload::Accelerator>>(Error{"none in this test"}); },
        [](auto, bool) { return Result<offload::OffloadEngine>(Error{"none in this test"}); }};
    std::vector<parity::Engine*> engines{parity::engines().begin(), parity::engines().end()};

    Outcome run(const std::vector<std::string>& words) {
        std::ostringstream out, err;
        Outcome run;
        run.status = run_on(words, out, err);
        run.out = out.str();
        run.err = err.str();
        return run;
    }
    int run_on(const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
        opened_.clear();
        session::World world{
            out,   err,  false,  [this](const std::string& path, device::Reading) { return open(path); },
            clock, stop, engines};
        world.sleep = sleep;
        world.idle = idle;
        world.accelerators = accelerators;
        return run_command_line(words, world);
    }

  private:
    Result<device::Opened> open(const std::string& path) {
        opened_.push_back(path);
        const auto found = devices_.find(path);
        if (found == devices_.end()) return Error{path + ": cannot open: there is no such device in this test"};
        const auto number = static_cast<uint64_t>(std::distance(devices_.begin(), found));
        return device::Opened{std::make_unique<SharedDevice>(found->second), {false, 1, number}};
    }
    static double ticking_clock() {
        static std::atomic<int> ticks{0};
        return ticks++;
    }

    std::map<std::string, std::shared_ptr<device::FaultDevice>> devices_;
    std::vector<std::string> opened_;
};

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
inline size_t line_count(const std::string& text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace raid56::cmd
