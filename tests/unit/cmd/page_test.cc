// SPDX-License-Identifier: GPL-2.0-or-later
// --html: which runs leave a page, and what becomes of one that cannot be made.
#include <gtest/gtest.h>
#include <unistd.h>

#include "repair_world.h"
#include "session/page_file.h"

namespace raid56::cmd {
namespace {

class PageTest : public ::testing::Test {
  protected:
    void unpack(const char* name) {
        ASSERT_TRUE(world_.unpack(name)) << name << " cannot be unpacked here";
        before_ = world_.state();
    }
    std::string page() {
        if (!world_.exists("page")) return "";
        std::vector<uint8_t> all(world_.disk("page").size());
        EXPECT_EQ(world_.disk("page").read(0, all), 0);
        return {all.begin(), all.end()};
    }
    std::string verdict() {
        const std::string text = page(), before = "data-verdict=\"";
        const size_t at = text.find(before);
        if (at == std::string::npos) return "";
        return text.substr(at + before.size(), text.find('"', at + before.size()) - at - before.size());
    }
    static std::string without_time(const Outcome& run) {
        std::string all;
        for (auto line : run.lines()) {
            line.erase("seconds");
            all += line.dump() + '\n';
        }
        return all;
    }

    RepairWorld world_;
    RepairWorld::State before_;
};

TEST_F(PageTest, AScrubSaysTheSameBesideIt) {
    unpack("100-demo-damaged");
    if (HasFatalFailure()) return;
    const Outcome plain = world_.scrub();
    const Outcome paged = world_.scrub({"--html", "page"});
    EXPECT_EQ(paged.status, 1) << paged.err;
    EXPECT_EQ(without_time(plain), without_time(paged));
    EXPECT_EQ(plain.err, paged.err);
    EXPECT_EQ(verdict(), "repairable");
    EXPECT_TRUE(holds(page(), "</html>"));
}

TEST_F(PageTest, OneThatIsThereIsLeftAndNothingIsLookedAt) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    world_.add("page", {'m', 'i', 'n', 'e'});
    for (const Outcome& run : {world_.scrub({"--html", "page"}), world_.repair({"--html", "page"}),
                               world_.rebuild({"d4.img"}, {"--onto", "4=new", "--html", "page"})}) {
        EXPECT_EQ(run.status, 8);
        EXPECT_EQ(run.err, "btrfs-raid56: page: cannot create: it exists\n");
        EXPECT_EQ(run.lines().size(), 1u) << "the summary";
    }
    EXPECT_EQ(page(), "mine");
    EXPECT_FALSE(world_.exists("new"));
}

TEST_F(PageTest, OneThatCannotBeWrittenIsToldOnceAndTakenAway) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    for (const uint64_t change : {0, 1}) {  // the write, the sync
        world_.break_at["page"] = change;
        const Outcome run = world_.scrub({"--html", "page"});
        EXPECT_EQ(run.status, 8);
        EXPECT_EQ(run.summary()["verdict"], "failed");
        EXPECT_TRUE(holds(run.err, "page: cannot be written: ")) << run.err;
        EXPECT_EQ(line_count(run.err), 1u);
        EXPECT_FALSE(world_.exists("page"));
    }
}

TEST_F(PageTest, ARepairAndWhatItWrote) {
    unpack("100-demo-damaged");
    if (HasFatalFailure()) return;
    EXPECT_EQ(world_.repair({"--html", "page"}).status, 1);
    EXPECT_EQ(verdict(), "repairable");
    EXPECT_TRUE(holds(page(), "not done"));
    world_.set(before_);
    const Outcome done = world_.repair({"--write", "--journal", "journal", "--html", "page"});
    EXPECT_EQ(done.summary()["verdict"], "repaired") << done.err;
    EXPECT_EQ(verdict(), "repaired");
    EXPECT_FALSE(holds(page(), "not done"));
    const std::string total = std::to_string(done.lines_of("action").size());
    EXPECT_TRUE(holds(page(), "id=\"writes\" data-total=\"" + total + "\""));
    EXPECT_TRUE(holds(page(), "found before the writes"));
}

TEST_F(PageTest, ARepairThatIsCutOffHasNoneInItsWay) {
    unpack("100-demo-damaged");
    if (HasFatalFailure()) return;
    const std::vector<std::string> words = {"--write", "--journal", "journal", "--html", "page"};
    world_.power.never_cut();
    EXPECT_EQ(world_.repair(words).status, 1);
    const uint64_t operations = world_.power.used();
    for (uint64_t n = 0; n < operations; n += 1 + operations / 20) {
        SCOPED_TRACE("cut at operation " + std::to_string(n) + " of " + std::to_string(operations));
        world_.set(before_);
        world_.power.cut_at(n);
        EXPECT_THROW(world_.repair(words), test::PowerCut);
        world_.power.never_cut();
        if (n + 2 < operations) EXPECT_FALSE(world_.exists("page"));
    }
    world_.set(before_);
    world_.stop = true;
    EXPECT_EQ(world_.repair(words).status, 32);
    EXPECT_FALSE(world_.exists("page"));
    world_.stop = false;
    EXPECT_EQ(world_.repair(words).status, 1);
    EXPECT_EQ(verdict(), "repaired");
}

TEST_F(PageTest, ARebuildEndsWithWhatIsToBeDone) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    const Outcome run = world_.rebuild({"d4.img"}, {"--onto", "4=new", "--html", "page"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(verdict(), "done");
    EXPECT_TRUE(holds(page(), "What to do next"));
    EXPECT_TRUE(holds(page(), "<li>devid 4 is now new: wipe or disconnect the disk that it replaces"));
}

TEST_F(PageTest, AScrubThatIsInterruptedLeavesWhatItSaw) {
    unpack("100-demo-damaged");
    if (HasFatalFailure()) return;
    world_.stop = true;
    EXPECT_EQ(world_.scrub({"--html", "page"}).status, 32);
    EXPECT_FALSE(world_.exists("page")) << "it saw nothing";
    world_.stop = false;

    // Between the devices and the end.
    std::ostringstream out, err;
    const session::World world{out, err, false, {}, nullptr, world_.stop};
    for (const bool begun : {false, true})
        for (const char* command : {"scrub", "repair", "rebuild"})
            for (const auto verdict : {report::Verdict::interrupted, report::Verdict::failed}) {
                session::Options options;
                options.html = std::filesystem::temp_directory_path() / ("raid56-page-" + std::to_string(::getpid()));
                session::PageFile file(options, world);
                if (begun) file.writer().volume({});
                report::Summary summary;
                summary.command = command;
                summary.verdict = verdict;
                EXPECT_TRUE(file.end(summary));
                EXPECT_EQ(std::filesystem::remove(options.html), begun && std::string(command) == "scrub");
            }
}

TEST_F(PageTest, IsNoOtherFileOfTheCommand) {
    unpack("001-demo-clean");
    if (HasFatalFailure()) return;
    const auto refused = [&](const Outcome& run) {
        EXPECT_EQ(run.status, 16);
        EXPECT_TRUE(holds(run.err, "--html names a file that is something else: page")) << run.err;
        EXPECT_FALSE(world_.exists("page"));
    };
    refused(world_.repair({"--write", "--journal", "page", "--html", "page"}));
    refused(world_.repair({"--save-plan", "page", "--html", "page"}));
    refused(world_.repair({"--plan", "page", "--html", "page"}));
    refused(world_.scrub({"--write-map", "d1.img=page", "--html", "page"}));
    refused(world_.scrub({"--map", "d1.img=page", "--html", "page"}));
    refused(world_.rebuild({"d4.img"}, {"--onto", "4=page", "--html", "page"}));
    refused(world_.rebuild({"d4.img"}, {"--onto", "4=new", "--state", "page", "--html", "page"}));
    EXPECT_EQ(world_.scrub({"--html", "d1.img"}).status, 16);
}

}  // namespace
}  // namespace raid56::cmd
