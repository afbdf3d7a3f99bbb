// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/command_line.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <map>
#include <optional>

#include "base/printable.h"
#include "parity/engine.h"
#include "report/model.h"
#include "session/bench_command.h"
#include "session/inspect_command.h"
#include "session/scrub_command.h"

namespace raid56::cmd {
namespace {

constexpr const char* kVersion = "btrfs-raid56 " RAID56_VERSION;

using session::Format;
using session::Progress;

const std::map<std::string, Format> kFormats = {{"text", Format::text}, {"json", Format::json}};
const std::map<std::string, Progress> kProgress = {
    {"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}};

const std::map<std::string, device::Reading> kReading = {
    {"auto", device::Reading::automatic}, {"direct", device::Reading::direct}, {"buffered", device::Reading::buffered}};

// What the words say before it has become options.
struct Words {
    std::string format = "text", progress = "auto", reading = "auto", logical;
    std::vector<std::string> distrust;
};

// Digits alone, within 64 bits: CLI11's own conversion takes a sign and wraps.
std::optional<uint64_t> parse_number(const std::string& word) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return number;
}

const CLI::Validator kNumber(
    [](std::string& word) {
        return parse_number(word) ? std::string() : "not a number from 0 to 18446744073709551615: " + word;
    },
    "");

// The names of the engines built in, and "auto".
const CLI::Validator kEngine(
    [](std::string& word) {
        return word == "auto" || parity::find_engine(word) != nullptr ? std::string() : "no such engine: " + word;
    },
    "");

// Options that every command has.
void add_common(CLI::App& command, session::Options& options, Words& words) {
    command.add_option("--format", words.format, "text for people, or json: one object a line")
        ->check(CLI::IsMember({"text", "json"}))
        ->option_text("text|json");
    command.add_option("--progress", words.progress, "on stderr; auto: when that is a terminal")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->option_text("auto|always|never");
    command.add_option("--engine", options.engine, "parity engine: auto, scalar or isal")
        ->check(kEngine)
        ->option_text("NAME");
    command
        .add_option("--read", words.reading,
                    "past the page cache or through it; auto: block devices direct, files buffered")
        ->check(CLI::IsMember({"auto", "direct", "buffered"}))
        ->option_text("auto|direct|buffered");
    command.add_option("--threads", options.threads, "threads that verify; 0: one a processor")
        ->check(CLI::Range(0u, 1024u))
        ->option_text("N");
}

// Options of the commands that work on a file system.
void add_file_system(CLI::App& command, session::Options& options, Words& words) {
    command.add_option("DEVICE", options.devices, "image files or block devices, in any order; only these are opened")
        ->required();
    command
        .add_option("--distrust", words.distrust,
                    "believe nothing on this device that is not proven; may be given again")
        ->option_text("DEVID")
        ->check(kNumber)
        ->allow_extra_args(false)  // the words behind it are devices
        ->take_all();
    add_common(command, options, words);
}

int usage(const session::World& world, const std::string& why) {
    world.err << "btrfs-raid56: " << printable(why) << " (see btrfs-raid56 --help)\n";
    return report::kExitUsage;
}

}  // namespace

int run_command_line(const std::vector<std::string>& words, const session::World& world) {
    CLI::App app(
        "Offline scrub for btrfs raid5/6: proves every allocated byte and every P and Q of an unmounted file system.",
        "btrfs-raid56");
    app.set_version_flag("--version", kVersion);
    app.require_subcommand(1);
    app.get_formatter()->column_width(34);

    session::Options options;
    Words said;
    CLI::App* scrub = app.add_subcommand("scrub", "verify everything, report, change nothing");
    add_file_system(*scrub, options, said);
    CLI::App* inspect = app.add_subcommand("inspect", "show superblocks, devices and chunks, or where something lies");
    add_file_system(*inspect, options, said);
    inspect->add_option("--logical", said.logical, "the row of that logical address, column by column")
        ->check(kNumber)
        ->option_text("N");
    inspect->add_option("--file", options.file, "where a file lies; PATH from the top-level subvolume, / first")
        ->option_text("PATH");

    CLI::App* bench = app.add_subcommand("bench", "measure what this machine does");
    bench->add_option("DEVICE", options.devices, "image files or block devices to read plainly, as a yardstick");
    add_common(*bench, options, said);

    const auto is_first = [&](const CLI::App* command) { return words.front() == command->get_name(); };
    if (!words.empty() && !words.front().starts_with('-') && !is_first(scrub) && !is_first(inspect) && !is_first(bench))
        return usage(world, "there is no command named " + words.front());
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // CLI11 takes its words last first
    try {
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        const auto chosen = app.get_subcommands();
        world.out << (chosen.empty() ? app.help() : chosen.front()->help("btrfs-raid56"));
        return report::kExitFine;
    } catch (const CLI::CallForAllHelp&) {
        world.out << app.help("", CLI::AppFormatMode::All);
        return report::kExitFine;
    } catch (const CLI::CallForVersion&) {
        world.out << kVersion << '\n';
        return report::kExitFine;
    } catch (const CLI::ParseError& error) {
        return usage(world, error.what());
    }
    options.format = kFormats.at(said.format);
    options.progress = kProgress.at(said.progress);
    options.reading = kReading.at(said.reading);
    for (const auto& devid : said.distrust) options.distrust.insert(DevId(*parse_number(devid)));
    if (!said.logical.empty()) options.logical = parse_number(said.logical);
    if (options.logical && options.file) return usage(world, "--logical and --file exclude each other");
    if (bench->parsed()) return session::bench_command(options, world);
    return scrub->parsed() ? session::scrub_command(options, world) : session::inspect_command(options, world);
}

}  // namespace raid56::cmd
