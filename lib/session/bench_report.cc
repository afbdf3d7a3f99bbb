// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/bench_report.h"

#include <iomanip>
#include <sstream>

#include "report/json.h"
#include "report/words.h"

namespace raid56::session {
namespace {

// Whole numbers: no figure here is better than that.
uint64_t whole(double rate) { return static_cast<uint64_t>(rate); }

class JsonReport : public BenchReport {
  public:
    explicit JsonReport(std::ostream& out) : writer_(out) {}

    void parity(const std::string& engine, const bench::ParityFigure& figure) override {
        auto line = report::typed("parity");
        line["engine"] = engine;
        line["work"] = bench::work_name(figure.work);
        line["data_columns"] = figure.nd;
        line["parities"] = figure.np;
        line["length"] = figure.length;
        line["refused"] = figure.refused;
        add_rates(line, "jobs", figure.rates);
        writer_.line(line);
    }
    void checksum(const bench::ChecksumFigure& figure) override {
        auto line = report::typed("checksum");
        line["checksum"] = csum_name(figure.kind);
        line["length"] = figure.block;
        add_rates(line, "blocks", figure.rates);
        writer_.line(line);
    }
    void entrance(const std::string& engine, const bench::EntranceFigure& figure) override {
        auto line = report::typed("entrance");
        line["work"] = figure.lost == 0 ? "verify" : "recover";
        line["engine"] = engine;
        line["data_columns"] = figure.nd;
        line["parities"] = figure.np;
        line["lost"] = figure.lost;
        line["checksum"] = csum_name(figure.csum);
        line["threads"] = figure.threads;
        line["bytes_per_second"] = whole(figure.bytes_per_second);
        writer_.line(line);
    }
    void yardstick(const std::string& what, uint64_t bytes, unsigned threads, double bytes_per_second) override {
        auto line = report::typed("yardstick");
        line["work"] = what;
        if (bytes > 0) line["length"] = bytes;
        line["threads"] = threads;
        line["bytes_per_second"] = whole(bytes_per_second);
        writer_.line(line);
    }

  private:
    static void add_rates(report::Json& line, const char* unit, const std::vector<bench::Rate>& rates) {
        auto all = report::Json::array();
        for (const auto& rate : rates) {
            report::Json one;
            one[unit] = rate.count;
            one["bytes_per_second"] = whole(rate.bytes_per_second);
            all.push_back(one);
        }
        line["rates"] = all;
        if (!rates.empty()) line["pays_from"] = bench::pays_from(rates);
    }

    report::JsonWriter writer_;
};

// One table after the other; a heading whenever the kind of figure changes.
class TextReport : public BenchReport {
  public:
    explicit TextReport(std::ostream& out) : out_(out) {}

    void parity(const std::string& engine, const bench::ParityFigure& figure) override {
        std::ostringstream title;
        title << "Parity engine " << engine << ", columns of " << report::human_bytes(figure.length)
              << ": GB/s of all columns, by jobs in a batch";
        head(title.str(), {bench::kBatches.begin(), bench::kBatches.end()});
        std::ostringstream name;
        name << figure.nd << '+' << figure.np << ' ' << bench::work_name(figure.work);
        row(name.str(), figure.rates, bench::kBatches.size(), figure.refused);
    }
    void checksum(const bench::ChecksumFigure& figure) override {
        head("Checksums: GB/s, by blocks a call", {bench::kBlockCounts.begin(), bench::kBlockCounts.end()});
        row(std::string(csum_name(figure.kind)) + " of " + report::human_bytes(figure.block), figure.rates,
            bench::kBlockCounts.size(), false);
    }
    void entrance(const std::string& engine, const bench::EntranceFigure& figure) override {
        head("Full stripes end to end, engine " + engine + ": GB/s of all columns", {});
        std::ostringstream name;
        name << figure.nd << '+' << figure.np << ' ' << csum_name(figure.csum);
        if (figure.lost == 0)
            name << " verify";
        else
            name << " recover " << figure.lost << (figure.lost == 1 ? " column" : " columns");
        name << ", " << figure.threads << (figure.threads == 1 ? " thread" : " threads");
        out_ << "  " << std::left << std::setw(44) << name.str() << std::right;
        number(figure.bytes_per_second);
        out_ << '\n';
    }
    void yardstick(const std::string& what, uint64_t bytes, unsigned threads, double bytes_per_second) override {
        head("Yardsticks: GB/s", {});
        std::ostringstream name;
        name << what;
        if (bytes > 0) name << " of " << report::human_bytes(bytes);
        name << ", " << threads << (threads == 1 ? " thread" : " threads");
        out_ << "  " << std::left << std::setw(44) << name.str() << std::right;
        number(bytes_per_second);
        out_ << '\n';
    }

  private:
    void head(const std::string& title, const std::vector<size_t>& counts) {
        if (title == title_) return;
        if (!title_.empty()) out_ << '\n';
        title_ = title;
        out_ << title << '\n';
        if (counts.empty()) return;
        out_ << std::string(24, ' ');
        for (const size_t count : counts) out_ << std::setw(8) << count;
        out_ << "  pays from\n";
    }
    void row(const std::string& name, const std::vector<bench::Rate>& rates, size_t places, bool refused) {
        out_ << "  " << std::left << std::setw(22) << name << std::right;
        if (refused) {
            out_ << "  not taken by this engine\n";
            return;
        }
        for (const auto& rate : rates) number(rate.bytes_per_second);
        for (size_t i = rates.size(); i < places; i++) out_ << std::setw(8) << '-';
        out_ << std::setw(11) << bench::pays_from(rates) << '\n';
    }
    void number(double bytes_per_second) {
        out_ << std::setw(8) << std::fixed << std::setprecision(2) << bytes_per_second / 1e9;
    }

    std::ostream& out_;
    std::string title_;
};

}  // namespace

std::unique_ptr<BenchReport> json_bench_report(std::ostream& out) { return std::make_unique<JsonReport>(out); }
std::unique_ptr<BenchReport> text_bench_report(std::ostream& out) { return std::make_unique<TextReport>(out); }

}  // namespace raid56::session
