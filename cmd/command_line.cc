// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "base/printable.h"
#include "parity/engine.h"
#include "report/model.h"
#include "scrub/threads.h"
#include "session/bench_command.h"
#include "session/choose_engine.h"
#include "session/gentle.h"
#include "session/inspect_command.h"
#include "session/maps.h"
#include "session/merge_command.h"
#include "session/part.h"
#include "session/rebuild_command.h"
#include "session/repair_command.h"
#include "session/scrub_command.h"
#include "session/undo_command.h"

namespace raid56::cmd {
namespace {

constexpr const char* kVersion = "btrfs-raid56 " RAID56_VERSION;

using session::Format;
using session::Progress;

const std::map<std::string, Format> kFormats = {{"text", Format::text}, {"json", Format::json}};
const std::map<std::string, Progress> kProgress = {
    {"auto", Progress::automatic}, {"always", Progress::always}, {"never", Progress::never}, {"json", Progress::json}};

const std::map<std::string, device::Reading> kReading = {
    {"auto", device::Reading::automatic}, {"direct", device::Reading::direct}, {"buffered", device::Reading::buffered}};

const std::map<std::string, scrub::NoChecksum> kNoChecksum = {{"report", scrub::NoChecksum::report},
                                                              {"trust-parity", scrub::NoChecksum::trust_parity},
                                                              {"trust-data", scrub::NoChecksum::trust_data}};
const std::map<std::string, repair::Kind> kKinds = {{"data", repair::Kind::data},
                                                    {"tree", repair::Kind::tree},
                                                    {"parity", repair::Kind::parity},
                                                    {"super", repair::Kind::super}};

// What the words say before it has become options.
struct Words {
    std::string format = "text", progress = "auto", reading = "auto", logical, limit_rate, no_checksum = "report",
                max_writes;
    std::vector<std::string> distrust, only, onto, maps, new_maps, chunks, devids;
    std::string range, shard;
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

// A number of bytes, perhaps with the letter of a binary unit behind it. Nothing where it is none, 0, or too large.
std::optional<uint64_t> parse_bytes(std::string word) {
    constexpr std::string_view kUnits = "KMG";
    const size_t unit = word.empty() ? std::string_view::npos : kUnits.find(word.back());
    if (unit != std::string_view::npos) word.pop_back();
    const auto number = parse_number(word);
    const uint64_t factor = unit == std::string_view::npos ? 1 : uint64_t{1} << 10 * (unit + 1);
    if (!number || *number == 0 || *number > UINT64_MAX / factor) return std::nullopt;
    return *number * factor;
}

const CLI::Validator kBytes(
    [](std::string& word) {
        return parse_bytes(word) ? std::string() : "not a number of bytes above 0, perhaps with K, M or G: " + word;
    },
    "");

// The names of the engines that there are, accelerators, and "auto".
CLI::Validator engine_name(const session::World& world) {
    return CLI::Validator(
        [&world](std::string& word) {
            const bool known = word == "auto" || session::accelerator_named(word) ||
                               std::ranges::find(world.engines, word, &parity::Engine::name) != world.engines.end();
            return known ? std::string() : "no such engine: " + word;
        },
        "");
}

// Options that every command has.
void add_common(CLI::App& command, const session::World& world, session::Options& options, Words& words) {
    command.add_option("--format", words.format, "text for people, or json: one object a line")
        ->check(CLI::IsMember({"text", "json"}))
        ->option_text("text|json");
    command
        .add_option("--progress", words.progress, "on stderr; auto: when that is a terminal; json: one object a line")
        ->check(CLI::IsMember({"auto", "always", "never", "json"}))
        ->option_text("auto|always|never|json");
    command.add_option("--engine", options.engine, "parity engine: auto, scalar, isal or opencl[:DEVICE]")
        ->check(engine_name(world))
        ->option_text("NAME");
    command
        .add_option("--read", words.reading,
                    "past the page cache or through it; auto: block devices direct, files buffered")
        ->check(CLI::IsMember({"auto", "direct", "buffered"}))
        ->option_text("auto|direct|buffered");
    command
        .add_option("--threads", options.threads,
                    "threads that verify; 0: one a processor, at most " + std::to_string(scrub::kMostThreads))
        ->check(CLI::Range(0u, 1024u))
        ->option_text("N");
}

// Options of the commands that work on a file system.
void add_file_system(CLI::App& command, const session::World& world, session::Options& options, Words& words) {
    command.add_option("DEVICE", options.devices, "image files or block devices, in any order; only these are opened")
        ->required();
    command
        .add_option("--distrust", words.distrust,
                    "believe nothing on this device that is not proven; may be given again")
        ->option_text("DEVID")
        ->check(kNumber)
        ->allow_extra_args(false)  // the words behind it are devices
        ->take_all();
    command
        .add_option("--map", words.maps,
                    "map file of ddrescue: what it did not copy of this device is unreadable; may be given again")
        ->option_text("DEVICE=MAPFILE")
        ->allow_extra_args(false)
        ->take_all();
    add_common(command, world, options, words);
}

// Options of the commands that look at everything.
void add_gentle(CLI::App& command, session::Options& options, Words& words) {
    command
        .add_option("--limit-rate", words.limit_rate,
                    "read at most so many bytes a second, from all devices together; K, M or G behind the "
                    "number: of these units")
        ->check(kBytes)
        ->option_text("BYTES");
    command.add_flag("--idle", options.idle, "use disks and processors only while nobody else does");
}

void add_files(CLI::App& command, session::Options& options) {
    command.add_flag("--files", options.files, "name the files that damage hurts; findings are told at the end");
}

void add_html(CLI::App& command, session::Options& options) {
    command
        .add_option("--html", options.html,
                    "make the report as a page for a browser, too: in that file, which must not be there yet")
        ->option_text("FILE");
}

void add_new_maps(CLI::App& command, Words& words) {
    command
        .add_option(
            "--write-map", words.new_maps,
            "make a map file for the next run of ddrescue: what is bad on this device, and what of it is needed; "
            "may be given again")
        ->option_text("DEVICE=FILE")
        ->allow_extra_args(false)
        ->take_all();
}

// A word that `parse` takes.
template <class Parse>
CLI::Validator parsed_by(Parse parse, const char* what) {
    return CLI::Validator(
        [parse, what](std::string& word) {
            return parse(word) ? std::string() : std::string("not ") + what + ": " + word;
        },
        "");
}

void add_part(CLI::App& command, session::Options& options, Words& words) {
    command
        .add_option("--chunk", words.chunks,
                    "look at this chunk alone, by its first logical address; may be given again")
        ->option_text("N")
        ->check(kNumber)
        ->allow_extra_args(false)
        ->take_all();
    command.add_option("--logical", words.range, "look at the full stripes that hold a byte from A up to B alone")
        ->option_text("A-B")
        ->check(parsed_by(session::parse_range, "a range A-B of logical addresses"));
    command
        .add_option("--devid", words.devids, "look at the chunks with a part on this device alone; may be given again")
        ->option_text("DEVID")
        ->check(kNumber)
        ->allow_extra_args(false)
        ->take_all();
    command.add_flag("--data", options.part.data, "look at the full stripes that hold data alone");
    command.add_flag("--tree", options.part.tree, "look at the full stripes that hold tree blocks alone");
    command.add_flag("--parity", options.part.parity, "look at the full stripes of raid5 and raid6 alone");
    command.add_flag("--free", options.part.free,
                     "compare rows of raid5 and raid6 that hold nothing as well, reported apart");
    command.add_option("--shard", words.shard, "look at part I of N alone; merge folds the reports into one")
        ->option_text("I/N")
        ->check(parsed_by(session::parse_shard, "I/N, with I from 1 to N"));
    command
        .add_option("--checkpoint", options.checkpoint,
                    "file to go on from after a kill or a reboot; made where there is none, gone at the end")
        ->option_text("FILE");
}

void add_repair(CLI::App& command, session::Options& options, Words& words) {
    command.add_flag("--write", options.write, "write what the plan says; needs --journal");
    command
        .add_option("--journal", options.journal,
                    "file for the bytes that are replaced, for undo; an unfinished one is gone on with")
        ->option_text("FILE");
    command.add_option("--save-plan", options.save_plan, "keep the plan of a dry run in a new file")
        ->option_text("FILE");
    command.add_option("--plan", options.plan, "take the plan from that file instead of a scrub")->option_text("FILE");
    command
        .add_option("--no-checksum", words.no_checksum,
                    "data without checksum that contradict their parity: report; trust-parity: put back the one "
                    "column that raid6 singles out; trust-data: write the parity anew")
        ->check(CLI::IsMember({"report", "trust-parity", "trust-data"}))
        ->option_text("report|trust-parity|trust-data");
    command.add_option("--only", words.only, "write only such sectors; may be given again")
        ->check(CLI::IsMember({"data", "tree", "parity", "super"}))
        ->option_text("data|tree|parity|super")
        ->allow_extra_args(false)
        ->take_all();
    command.add_option("--max-writes", words.max_writes, "at most so many writes, in the order of the plan")
        ->check(kNumber)
        ->option_text("N");
}

// What excludes each other, or needs each other; empty where all is well.
std::string wrong_repair(const session::Options& options) {
    if (options.write && options.journal.empty()) return "--write needs --journal FILE";
    if (!options.write && !options.journal.empty()) return "--journal is for --write; a dry run writes nothing";
    if (options.write && !options.save_plan.empty()) return "--save-plan is for a dry run, without --write";
    if (!options.plan.empty() && !options.save_plan.empty()) return "--plan and --save-plan exclude each other";
    if (!options.plan.empty() && options.no_checksum != scrub::NoChecksum::report)
        return "--no-checksum was decided when the plan was made";
    return "";
}

// DEVID=PATH; nothing where it is none.
std::optional<std::pair<DevId, std::string>> parse_onto(const std::string& word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals + 1 == word.size()) return std::nullopt;
    const auto devid = parse_number(word.substr(0, equals));
    if (!devid) return std::nullopt;
    return std::pair(DevId(*devid), word.substr(equals + 1));
}

const CLI::Validator kOnto(
    [](std::string& word) { return parse_onto(word) ? std::string() : "not DEVID=PATH: " + word; }, "");

void add_rebuild(CLI::App& command, session::Options& options, Words& words) {
    command
        .add_option("--onto", words.onto,
                    "write that lost device onto a blank image file, made where there is none, or block device; may be "
                    "given again")
        ->required()
        ->option_text("DEVID=PATH")
        ->check(kOnto)
        ->allow_extra_args(false)
        ->take_all();
    command
        .add_option("--state", options.state,
                    "file that says how far it came, to go on after an interrupt; for image files PATH.rebuild")
        ->option_text("FILE");
    command.add_flag("--restart", options.restart, "begin anew where a rebuild was begun");
    command.add_flag("--force", options.force, "write over what the target holds");
    command.add_flag("--abandon-replace", options.abandon_replace,
                     "although a device replace is under way; the disk that it writes to is not opened");
}

// Whether a page would have the name of another file of the same command.
bool is_taken(const session::Options& options) {
    std::set<std::string> names = {options.journal, options.plan, options.save_plan, options.state, options.checkpoint};
    names.insert(options.devices.begin(), options.devices.end());
    for (const auto& [devid, path] : options.onto) names.insert(path);
    for (const auto& map : options.maps) names.insert(map.file);
    for (const auto& map : options.new_maps) names.insert(map.file);
    return !options.html.empty() && names.contains(options.html);
}

int usage(const session::World& world, const std::string& why) {
    world.err << "btrfs-raid56: " << printable(why) << " (see btrfs-raid56 --help)\n";
    return report::kExitUsage;
}

}  // namespace

int run_command_line(const std::vector<std::string>& words, const session::World& world) {
    CLI::App app(
        "Offline scrub and repair for btrfs raid5/6: proves every allocated byte and every P and Q of an unmounted "
        "file system, and puts right what can be proven.",
        "btrfs-raid56");
    app.set_version_flag("--version", kVersion);
    app.require_subcommand(1);
    app.get_formatter()->column_width(34);

    session::Options options;
    Words said;
    CLI::App* scrub = app.add_subcommand("scrub", "verify everything, report, change nothing");
    add_file_system(*scrub, world, options, said);
    add_files(*scrub, options);
    add_gentle(*scrub, options, said);
    add_html(*scrub, options);
    add_new_maps(*scrub, said);
    add_part(*scrub, options, said);
    CLI::App* inspect = app.add_subcommand("inspect", "show superblocks, devices and chunks, or where something lies");
    add_file_system(*inspect, world, options, said);
    inspect->add_option("--logical", said.logical, "the row of that logical address, column by column")
        ->check(kNumber)
        ->option_text("N");
    inspect->add_option("--file", options.file, "where a file lies; PATH from the top-level subvolume, / first")
        ->option_text("PATH");

    CLI::App* repair = app.add_subcommand("repair", "plan what puts damage right; with --write, do it");
    add_file_system(*repair, world, options, said);
    add_files(*repair, options);
    add_gentle(*repair, options, said);
    add_html(*repair, options);
    add_repair(*repair, options, said);
    CLI::App* undo = app.add_subcommand("undo", "put back what a repair replaced");
    undo->add_option("DEVICE", options.devices, "the devices of that repair, in any order")->required();
    undo->add_option("--journal", options.journal, "that the repair wrote")->required()->option_text("FILE");
    undo->add_option("--format", said.format, "text for people, or json: one object a line")
        ->check(CLI::IsMember({"text", "json"}))
        ->option_text("text|json");

    CLI::App* rebuild = app.add_subcommand("rebuild", "write lost devices anew, from the others");
    add_file_system(*rebuild, world, options, said);
    add_files(*rebuild, options);
    add_gentle(*rebuild, options, said);
    add_html(*rebuild, options);
    add_rebuild(*rebuild, options, said);

    CLI::App* merge = app.add_subcommand("merge", "fold the reports of all shards of a scrub into one");
    merge->add_option("REPORT", options.devices, "of scrub --shard --format json, in any order")->required();
    merge->add_option("--format", said.format, "text for people, or json: one object a line")
        ->check(CLI::IsMember({"text", "json"}))
        ->option_text("text|json");

    CLI::App* bench = app.add_subcommand("bench", "measure what this machine does");
    bench->add_option("DEVICE", options.devices, "image files or block devices to read plainly, as a yardstick");
    add_common(*bench, world, options, said);

    const auto is_first = [&](const CLI::App* command) { return words.front() == command->get_name(); };
    const std::vector<const CLI::App*> commands = {scrub, inspect, repair, undo, rebuild, merge, bench};
    if (!words.empty() && !words.front().starts_with('-') && std::none_of(commands.begin(), commands.end(), is_first))
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
    if (!said.limit_rate.empty()) options.limit_rate = *parse_bytes(said.limit_rate);
    if (!said.logical.empty()) options.logical = parse_number(said.logical);
    if (options.logical && options.file) return usage(world, "--logical and --file exclude each other");
    for (const auto& start : said.chunks) options.part.chunks.insert(Logical(*parse_number(start)));
    for (const auto& devid : said.devids) options.part.devids.insert(DevId(*parse_number(devid)));
    if (!said.range.empty()) options.part.logical = session::parse_range(said.range);
    if (!said.shard.empty()) options.part.shard = session::parse_shard(said.shard);
    if (!options.part.is_all() && !said.new_maps.empty())
        return usage(world, "--write-map is for a scrub of the whole file system");
    options.no_checksum = kNoChecksum.at(said.no_checksum);
    for (const auto& kind : said.only) options.limits.only.insert(kKinds.at(kind));
    for (const auto& [given, maps] : {std::pair(&said.maps, &options.maps), {&said.new_maps, &options.new_maps}})
        for (const auto& word : *given) {
            const auto option = session::split_map_option(word, options.devices);
            if (!option) return usage(world, "not DEVICE=FILE, or no device of this command: " + word);
            maps->push_back(*option);
        }
    for (const auto& word : said.onto) options.onto.push_back(*parse_onto(word));
    if (is_taken(options)) return usage(world, "--html names a file that is something else: " + options.html);
    if (!said.max_writes.empty()) options.limits.max_writes = parse_number(said.max_writes);
    if (repair->parsed()) {
        const std::string wrong = wrong_repair(options);
        return wrong.empty() ? session::repair_command(options, session::be_gentle(options, world))
                             : usage(world, wrong);
    }
    if (rebuild->parsed()) return session::rebuild_command(options, session::be_gentle(options, world));
    if (merge->parsed()) return session::merge_command(options, world);
    if (undo->parsed()) return session::undo_command(options, world);
    if (bench->parsed()) return session::bench_command(options, world);
    return scrub->parsed() ? session::scrub_command(options, session::be_gentle(options, world))
                           : session::inspect_command(options, world);
}

}  // namespace raid56::cmd
