// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/gentle.h"

#include "device/rate_limit.h"

namespace raid56::session {

World be_gentle(const Options& options, const World& world) {
    if (options.idle)
        if (const auto idle = world.idle(); !idle) world.err << "--idle: " << idle.error().message << '\n';
    World gentle = world;
    if (options.limit_rate == 0) return gentle;
    const auto limit = std::make_shared<device::RateLimit>(options.limit_rate, world.clock, world.sleep, world.stop);
    gentle.open = [limit, open = world.open](const std::string& path, device::Reading reading) {
        auto opened = open(path, reading);
        if (opened) opened->device = std::make_unique<device::LimitedDevice>(std::move(opened->device), limit);
        return opened;
    };
    gentle.writing.device = [limit, open = world.writing.device](const std::string& path) {
        auto opened = open(path);
        if (opened) *opened = std::make_unique<device::LimitedWriter>(std::move(*opened), limit);
        return opened;
    };
    return gentle;
}

}  // namespace raid56::session
