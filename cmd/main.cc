// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/ioctl.h>
#include <unistd.h>
#include <csignal>

#include <chrono>
#include <exception>
#include <iostream>

#include "cmd/command_line.h"
#include "report/model.h"

namespace {

std::atomic<bool> g_stop{false};

// The first interrupt ends the run with a summary; the default action is back for the second.
extern "C" void on_interrupt(int) {
    static_assert(std::atomic<bool>::is_always_lock_free);
    g_stop = true;
}

void catch_interrupts() {
    struct sigaction action = {};
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    // A reader that goes away is an error of writing the report, not a death.
    std::signal(SIGPIPE, SIG_IGN);
    // Nor is a limit on the size of files.
    std::signal(SIGXFSZ, SIG_IGN);
}

unsigned columns() {
    winsize size = {};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    catch_interrupts();
    raid56::session::World world{std::cout, std::cerr, isatty(STDERR_FILENO) == 1, raid56::device::open_for_reading,
                                 seconds,   g_stop};
    world.width = columns;
    try {
        return raid56::cmd::run_command_line({argv + 1, argv + argc}, world);
    } catch (const std::exception& error) {  // out of memory: nothing else throws
        std::cerr << "btrfs-raid56: " << error.what() << '\n';
        return raid56::report::kExitFailed;
    }
}
