// SPDX-License-Identifier: GPL-2.0-or-later
// Scrubs the devices that are named, in this process, and says what the verdict is.
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "session/scrub_command.h"

static double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int main(int argc, char** argv) {
    raid56::session::Options options;
    options.devices = {argv + 1, argv + argc};
    options.format = raid56::session::Format::json;
    options.progress = raid56::session::Progress::never;
    std::stringstream report;
    const std::atomic<bool> stop{false};  // another thread may end the work with it
    const raid56::session::World world{.out = report, .err = std::cerr, .clock = seconds, .stop = stop};
    const int status = raid56::session::scrub_command(options, world);

    std::string line, summary;  // the last line
    while (std::getline(report, line)) summary = line;
    std::cout << nlohmann::json::parse(summary)["verdict"].get<std::string>() << '\n';
    return status;
}
