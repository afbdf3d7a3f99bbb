// SPDX-License-Identifier: GPL-2.0-or-later
#include "scrub/window.h"

#include <gtest/gtest.h>

#include "support/tree_image.h"

namespace raid56::scrub {
namespace {

using test::csum_item;
using test::data_extent;
using test::ItemSpec;
using test::TreeImage;

constexpr uint64_t kSector = 4096, kData = uint64_t{1} << 32;

unsigned one(const volume::Layout&) { return 1; }
unsigned many(const volume::Layout&) { return 100; }

/// Trees on one device, and data chunks that are mapped but never read. Sectors count from kData.
class WindowTest : public ::testing::Test {
  protected:
    TreeImage image_;
    tree::LogTrees log_;
    std::vector<format::Extent> extra_;
    std::vector<tree::SilentRange> silent_;
    std::optional<tree::ExtentStream> extents_;
    std::optional<tree::CsumStream> csums_;
    std::optional<WindowBuilder> builder_;
    Window window_;

    void chunk(uint64_t sector, uint64_t sectors, format::Profile profile = format::Profile::raid5,
               unsigned width = 3) {
        format::Chunk chunk;
        chunk.start = Logical(kData + sector * kSector);
        chunk.length = sectors * kSector;
        chunk.kind = format::chunk_kind::kData;
        chunk.profile = profile;
        for (unsigned i = 0; i < width; i++)
            chunk.stripes.push_back(
                {DevId(11 + i), Physical(uint64_t{1} << 33), test::uuid_of(static_cast<uint8_t>(i))});
        ASSERT_TRUE(image_.volume().add_chunk(chunk));
    }
    static ItemSpec data(uint64_t sector, uint64_t sectors) {
        return data_extent(kData + sector * kSector, sectors * kSector);
    }
    static ItemSpec csum(uint64_t sector, size_t count, uint8_t first = 1) {
        return csum_item(kData + sector * kSector, count, first);
    }
    void silence(uint64_t sector, uint64_t sectors, tree::Silence why) {
        silent_.push_back({{kData + sector * kSector, kData + (sector + sectors) * kSector}, why});
    }

    void open(const std::vector<std::vector<ItemSpec>>& extents, const std::vector<std::vector<ItemSpec>>& csums) {
        extent_root_ = image_.tree(format::objectid::kExtentTree, extents);
        extent_leaves_ = image_.leaves();
        csum_root_ = image_.tree(format::objectid::kCsumTree, csums);
        start();
    }
    void start() {
        const auto end = image_.volume().chunks().back().chunk.end();
        extents_.emplace(image_.reader(), extent_root_, extra_, end);
        csums_.emplace(image_.reader(), csum_root_, log_);
        builder_.emplace(image_.volume(), *extents_, *csums_, silent_);
    }

    /// What a window expects, one letter a sector: . free, ? unknown, n never written, w written silent,
    /// ! checksum missing, c checksum, T tree block.
    std::string letters() const {
        std::string text;
        for (const auto expect : window_.sectors) {
            switch (expect) {
                case Expect::free: text += '.'; break;
                case Expect::unknown: text += '?'; break;
                case Expect::never_written: text += 'n'; break;
                case Expect::written: text += 'w'; break;
                case Expect::csum_missing: text += '!'; break;
                case Expect::csum: text += 'c'; break;
                case Expect::tree: text += 'T'; break;
            }
        }
        return text;
    }
    /// All windows, as "sector: letters" with runs of free sectors at the end cut off.
    std::vector<std::string> windows(unsigned (*limit)(const volume::Layout&)) {
        std::vector<std::string> all;
        while (builder_->next(window_, limit)) {
            auto text = letters();
            text.erase(text.find_last_not_of('.') + 1);
            all.push_back(std::to_string((window_.start.v - kData) / kSector) + ": " + text);
            if (all.size() > 1000) break;
        }
        return all;
    }

    tree::TreeRoot extent_root_, csum_root_;
    std::vector<uint64_t> extent_leaves_;
};

using Lines = std::vector<std::string>;

TEST_F(WindowTest, SectorsAreWhatTheTreesSay) {
    chunk(0, 32 * 4);
    silence(5, 1, tree::Silence::written);
    silence(6, 1, tree::Silence::never_written);
    silence(7, 1, tree::Silence::should_have);
    open({{data(1, 3), data(5, 3)}}, {{csum(1, 3)}});
    EXPECT_EQ(windows(many), Lines{"0: .ccc.wn!"});
}

TEST_F(WindowTest, DigestsLieBesideTheirSectors) {
    chunk(0, 32 * 4);
    open({{data(1, 3), data(10, 2)}}, {{csum(1, 3, 7), csum(10, 2, 50)}});
    ASSERT_TRUE(builder_->next(window_, many));
    EXPECT_EQ(window_.digest_size, 4u);
    EXPECT_EQ(window_.digest(1)[0], 7);
    EXPECT_EQ(window_.digest(3)[0], 9);
    EXPECT_EQ(window_.digest(11)[0], 51);
}

TEST_F(WindowTest, FullStripesThatHoldNothingAreLeftOutOrNotNeeded) {
    chunk(0, 32 * 100);
    open({{data(0, 1), data(32 * 2, 1), data(32 * 50 + 31, 2)}}, {{}});
    EXPECT_EQ(windows(one), (Lines{"0: !", "64: !", "1600: ...............................!", "1632: !"}));
    start();
    ASSERT_TRUE(builder_->next(window_, [](const volume::Layout&) { return 4u; }));
    EXPECT_EQ(window_.needed, (std::vector<bool>{true, false, true, false}));
}

TEST_F(WindowTest, AnExtentAcrossWindowsAndItsCsumsAreCutWhereTheyAre) {
    chunk(0, 32 * 8);
    open({{data(20, 32 * 3)}}, {{csum(20, 40), csum(60, 56)}});
    EXPECT_EQ(windows(one), (Lines{"0: " + std::string(20, '.') + std::string(12, 'c'), "32: " + std::string(32, 'c'),
                                   "64: " + std::string(32, 'c'), "96: " + std::string(20, 'c')}));
}

TEST_F(WindowTest, AtNamesFullStripeColumnAndRow) {
    chunk(0, 32 * 8);
    open({{data(32 + 16 + 3, 1)}}, {{}});
    ASSERT_TRUE(builder_->next(window_, many));
    EXPECT_EQ(window_.first.v, 1u);
    EXPECT_EQ(window_.count, 7u);
    EXPECT_EQ(window_.rows(), 16u);
    EXPECT_EQ(window_.sectors[window_.at(0, 1, 3)], Expect::csum_missing);
    EXPECT_EQ(window_.logical(window_.at(0, 1, 3)).v, kData + (32 + 16 + 3) * kSector);
}

TEST_F(WindowTest, BlocksAreListedWithWhatIsExpectedOfThem) {
    chunk(0, 32 * 8);
    open(
        {{data(0, 1), test::tree_extent(kData + 5 * kSector, 2, 7, 99), test::tree_extent(kData + 40 * kSector, 0, 5)}},
        {{}});
    ASSERT_TRUE(builder_->next(window_, many));
    ASSERT_EQ(window_.blocks.size(), 2u);
    EXPECT_EQ(window_.blocks[0].expect.start.v, kData + 5 * kSector);
    EXPECT_EQ(window_.blocks[0].expect.level, 2);
    EXPECT_EQ(window_.blocks[0].expect.generation, Generation(99));
    EXPECT_EQ(window_.blocks[0].expect.owner, 7u);
    EXPECT_FALSE(window_.blocks[0].crosses);
    EXPECT_FALSE(window_.blocks[1].expect.owner) << "subvolumes share";
    EXPECT_EQ(letters()[5], 'T');
}

TEST_F(WindowTest, SeveralChunksOneAfterTheOther) {
    chunk(0, 32 * 2);
    chunk(100, 64, format::Profile::raid1, 2);
    chunk(200, 48 * 2, format::Profile::raid5, 4);
    open({{data(3, 1), data(100, 1)}, {data(200 + 47, 2)}}, {{csum(100, 1)}});
    EXPECT_EQ(windows(many), (Lines{"0: ...!", "100: c", "200: " + std::string(47, '.') + "!!"}));
}

// Chunks of old and converted file systems end within a strip, and the next one begins there.
TEST_F(WindowTest, ChecksumsOfTheNextChunkAreNotUsedUpByTheLastWindowOfThisOne) {
    chunk(0, 24, format::Profile::single, 1);  // one strip and a half
    chunk(24, 32, format::Profile::single, 1);
    open({{data(20, 4), data(24, 8)}}, {{csum(20, 4), csum(24, 4), csum(28, 4)}});
    EXPECT_EQ(windows(many), (Lines{"16: ....cccc", "24: cccccccc"}));
}

TEST_F(WindowTest, OneChecksumItemAcrossTwoSuchChunks) {
    chunk(0, 24, format::Profile::single, 1);
    chunk(24, 32, format::Profile::single, 1);
    open({{data(20, 4), data(24, 8)}}, {{csum(20, 12)}});
    EXPECT_EQ(windows(many), (Lines{"16: ....cccc", "24: cccccccc"}));
}

TEST_F(WindowTest, SilenceAcrossTwoSuchChunks) {
    chunk(0, 24, format::Profile::single, 1);
    chunk(24, 32, format::Profile::single, 1);
    silence(20, 12, tree::Silence::written);
    open({{data(20, 4), data(24, 8)}}, {{}});
    EXPECT_EQ(windows(many), (Lines{"16: ....wwww", "24: wwwwwwww"}));
}

// ---- what nothing is known about

TEST_F(WindowTest, ALostExtentLeafIsToldOnceAndMarksWhatIsNotKnownOtherwise) {
    chunk(0, 32 * 4);
    open({{data(0, 2)}, {data(5, 1)}, {data(10, 1)}}, {{csum(0, 2), csum(5, 1), csum(10, 1)}});
    image_.ruin(extent_leaves_[1]);
    start();
    ASSERT_TRUE(builder_->next(window_, many));
    EXPECT_EQ(letters().substr(0, 12), "cc...?????c.");
    ASSERT_EQ(window_.unknowns.size(), 1u);
    EXPECT_EQ(window_.unknowns[0].logical.v, kData + 5 * kSector);
    EXPECT_EQ(window_.unknowns[0].length, 5 * kSector);
    EXPECT_EQ(window_.unknowns[0].cause, "extent-tree");
    EXPECT_FALSE(builder_->next(window_, many));
    EXPECT_TRUE(window_.unknowns.empty());
}

TEST_F(WindowTest, AllocationsThatNoChunkMapsAreToldPieceByPiece) {
    chunk(10, 32);
    chunk(100, 32);
    open({{data(2, 4), data(20, 1), data(60, 3), data(101, 1), data(140, 5)}}, {{}});
    std::vector<std::string> told;
    const auto keep = [&] {
        for (const auto& unknown : window_.unknowns)
            told.push_back(std::to_string((unknown.logical.v - kData) / kSector) + "+" +
                           std::to_string(unknown.length / kSector) + " " + unknown.cause);
    };
    while (builder_->next(window_, many)) keep();
    keep();
    EXPECT_EQ(told, (std::vector<std::string>{"2+4 no-chunk", "60+3 no-chunk", "140+5 no-chunk"}));
}

TEST_F(WindowTest, WithoutAnyExtentTreeEveryChunkIsUnknownAndNothingIsScrubbed) {
    chunk(0, 32);
    chunk(100, 32);
    open({{data(0, 2)}}, {{}});
    image_.ruin(extent_root_.block.v);
    start();
    EXPECT_FALSE(builder_->next(window_, many));
    uint64_t length = 0;
    for (const auto& unknown : window_.unknowns) length += unknown.length;
    EXPECT_EQ(window_.unknowns.size(), 3u) << "the chunk of the trees, and two of data";
    EXPECT_EQ(length, TreeImage::kLength + 64 * kSector);
}

TEST_F(WindowTest, AnEmptyFileSystemHasNoWindows) {
    chunk(0, 32);
    open({{}}, {{}});
    EXPECT_FALSE(builder_->next(window_, many));
    EXPECT_TRUE(window_.unknowns.empty());
}

TEST_F(WindowTest, SkipToLeavesOutWhatLiesBefore) {
    chunk(0, 32 * 4);
    chunk(200, 32 * 4);
    open({{data(0, 1), data(200, 1), data(200 + 32 * 2 + 4, 1)}}, {{}});
    builder_->skip_to(2, StripeNo(1));  // the trees' own chunk is the first
    EXPECT_EQ(windows(one), Lines{"264: ....!"});
}

// ---- whole chunks; the trees' own chunk is the first of the list

TEST_F(WindowTest, WholeChunksGiveEveryFullStripeAndOthersWhatTheyHold) {
    chunk(0, 32 * 4);
    chunk(200, 32 * 3);
    chunk(400, 32 * 2);
    open({{data(0, 1), data(200 + 32, 2), data(400, 64)}}, {{csum(200 + 32, 1), csum(400, 64)}});
    builder_->take_whole({false, false, true, false});
    const std::string full(32, 'c');
    EXPECT_EQ(windows(one), (Lines{"0: !", "200: ", "232: c!", "264: ", "400: " + full, "432: " + full}));
    start();
    builder_->take_whole({false, true, false, true});
    EXPECT_EQ(windows(many), (Lines{"0: !", "232: c!", "400: " + full + full}));
    start();
    builder_->take_whole({false, false, false, false});
    EXPECT_EQ(windows(many), (Lines{"0: !", "232: c!", "400: " + full + full}));
}

TEST_F(WindowTest, WholeChunksWithNothingInThemAreGivenToo) {
    chunk(0, 32 * 5);
    chunk(300, 32 * 2);
    open({{}}, {{}});
    builder_->take_whole({false, true, true});
    const auto limit = [](const volume::Layout&) { return 2u; };
    std::vector<std::pair<uint64_t, unsigned>> found;
    uint64_t bytes = 0;
    while (builder_->next(window_, limit)) {
        found.push_back({(window_.start.v - kData) / kSector, window_.count});
        EXPECT_EQ(window_.needed, std::vector<bool>(window_.count, true)) << "all of them, whatever they hold";
        EXPECT_EQ(letters(), std::string(size_t{window_.count} * 32, '.'));
        bytes += builder_->bytes_of(window_);
    }
    EXPECT_EQ(found, (std::vector<std::pair<uint64_t, unsigned>>{{0, 2}, {64, 2}, {128, 1}, {300, 2}}));
    EXPECT_EQ(bytes, 32 * 7 * kSector);
}

TEST_F(WindowTest, AWholeChunkIsTakenUpInItsMiddle) {
    chunk(0, 32 * 4);
    chunk(200, 32 * 4);
    // One extent reaches into the full stripe that comes first, many lie before it.
    std::vector<ItemSpec> items;
    for (unsigned i = 0; i < 32; i++) items.push_back(data(2 * i, 1));
    items.push_back(data(200 + 40, 30));
    items.push_back(data(200 + 32 * 3 + 1, 1));
    open({items}, {{csum(200 + 40, 30)}});
    for (uint64_t from = 0; from <= 4; from++) {
        start();
        builder_->take_whole({false, true, true});
        builder_->skip_to(2, StripeNo(from));
        const Lines all = {"200: ", "232: " + std::string(8, '.') + std::string(24, 'c'), "264: cccccc", "296: .!"};
        EXPECT_EQ(windows(one), Lines(all.begin() + static_cast<ptrdiff_t>(from), all.end())) << from;
    }
    start();
    builder_->take_whole({false, true, false});
    builder_->skip_to(2, StripeNo(1));
    EXPECT_EQ(windows(one), (Lines{"232: " + std::string(8, '.') + std::string(24, 'c'), "264: cccccc", "296: .!"}));
}

TEST_F(WindowTest, BytesAreWhatIsAllocatedOrAllOfWholeChunks) {
    chunk(0, 32 * 2 + 16);  // the last full stripe is cut short
    open({{data(3, 5), data(64, 2)}}, {{csum(3, 2)}});
    ASSERT_TRUE(builder_->next(window_, many));
    EXPECT_EQ(builder_->bytes_of(window_), 7 * kSector);
    start();
    builder_->take_whole({false, true});
    ASSERT_TRUE(builder_->next(window_, many));
    EXPECT_EQ(builder_->bytes_of(window_), (32 * 2 + 16) * kSector);
    EXPECT_FALSE(builder_->next(window_, many));
}

TEST_F(WindowTest, WholeChunksTellWhatIsUnknownOnce) {
    chunk(0, 32 * 4);
    chunk(200, 32 * 4);
    open({{data(0, 2)}, {data(5, 1)}, {data(210, 1)}}, {{}});
    image_.ruin(extent_leaves_[1]);
    start();
    builder_->take_whole({false, false, true});
    std::vector<uint64_t> told;
    const auto keep = [&] {
        for (const auto& unknown : window_.unknowns) told.push_back((unknown.logical.v - kData) / kSector);
    };
    std::string first;
    while (builder_->next(window_, one)) {
        if (first.empty() && window_.start.v == kData + 200 * kSector) first = letters().substr(0, 12);
        keep();
    }
    keep();
    EXPECT_EQ(told, (std::vector<uint64_t>{5, 200})) << "each of both chunks";
    EXPECT_EQ(first, std::string(10, '?') + "!.");
}

}  // namespace
}  // namespace raid56::scrub
