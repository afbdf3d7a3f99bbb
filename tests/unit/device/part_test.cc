// SPDX-License-Identifier: GPL-2.0-or-later
// Parts of files and disks: their names, reading, writing, and who may have them at once.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "device/hold.h"
#include "device/open.h"
#include "device/part_device.h"
#include "device/part_name.h"
#include "device/target.h"
#include "loop_device.h"
#include "temp_folder.h"

namespace raid56::device {
namespace {

TEST(PartNameTest, OffsetAndLength) {
    EXPECT_EQ(parse_part("0"), (Range{0, UINT64_MAX}));
    EXPECT_EQ(parse_part("1048576"), (Range{1048576, UINT64_MAX}));
    EXPECT_EQ(parse_part("1048576+512"), (Range{1048576, 1049088}));
    EXPECT_EQ(parse_part("9223372036854775806+1"), (Range{INT64_MAX - 1, INT64_MAX}));
    for (const char* wrong :
         {"", "+", "1+", "+1", "1+0", "-1", "1+-1", "0x10", "1M", "1 ", " 1", "1+2+3", "1+2 ", "9223372036854775808",
          "18446744073709551616", "9223372036854775807+1", "1+9223372036854775807", "1@2"})
        EXPECT_EQ(parse_part(wrong), std::nullopt) << wrong;
}

class PartTest : public testing::Test {
  protected:
    PartTest() : path_(folder_.file("image", 100000)) {}

    static std::string error_of(const std::string& name) {
        const auto opened = open_for_reading(name);
        return opened ? "" : opened.error().message;
    }
    static std::unique_ptr<WriteDevice> writer(const std::string& name) {
        auto opened = open_for_writing(name);
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : nullptr;
    }
    static std::vector<uint8_t> bytes_of(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    TempFolder folder_;
    std::string path_;
};

TEST_F(PartTest, ReadsFromWhereItBegins) {
    const auto opened = open_for_reading(path_ + "@1000+5000");
    ASSERT_TRUE(opened) << opened.error().message;
    auto& device = *opened->device;
    EXPECT_EQ(device.size(), 5000u);
    EXPECT_EQ(device.path(), path_ + "@1000+5000");
    std::vector<uint8_t> out(5000);
    EXPECT_EQ(device.read(0, out), 0);
    EXPECT_EQ(out, pattern(1000, 5000));
    EXPECT_EQ(device.read(1, out), EIO) << "the byte behind it is there, but not its own";
    out.resize(1);
    EXPECT_EQ(device.read(4999, out), 0);
    EXPECT_EQ(out, pattern(5999, 1));
    EXPECT_EQ(device.read(5000, out), EIO);
    EXPECT_EQ(device.read(UINT64_MAX, out), EIO);
    device.hint(0, UINT64_MAX);
    device.hint(6000, 1);
}

TEST_F(PartTest, WithoutALengthToTheEnd) {
    EXPECT_EQ((*open_for_reading(path_ + "@99999")).device->size(), 1u);
    EXPECT_EQ((*open_for_reading(path_ + "@1000+1000000")).device->size(), 99000u) << "a file that was cut short";
    EXPECT_EQ(error_of(path_ + "@100000"),
              path_ + "@100000: begins behind the end of " + path_ + ", which has 100000 bytes");
}

TEST_F(PartTest, AReadLeavesItsOpAsItWas) {
    const auto opened = open_for_reading(path_ + "@1000+5000");
    std::vector<uint8_t> out(10);
    ReadOp op{20, out, 0, nullptr};
    opened->device->start(op);
    opened->device->finish(op);
    EXPECT_EQ(op.offset, 20u);
    EXPECT_EQ(op.error, 0);
    EXPECT_EQ(out, pattern(1020, 10));
    op = {5000, out, 0, nullptr};
    opened->device->start(op);
    opened->device->finish(op);
    EXPECT_EQ(op.error, EIO);
    EXPECT_EQ(op.cookie, nullptr);
}

TEST_F(PartTest, WhatIsThereUnderThatVeryNameWins) {
    const auto whole = folder_.file("image@1000", 300);
    EXPECT_EQ((*open_for_reading(whole)).device->size(), 300u);
    EXPECT_EQ((*open_for_reading(whole + "@100")).device->size(), 200u) << "and it has parts of its own";
    const auto writing = writer(whole);
    EXPECT_EQ(writing->size(), 300u);
    ASSERT_EQ(::symlink("nowhere", (folder_ / "image@7").c_str()), 0);
    EXPECT_EQ(error_of(folder_ / "image@7"), (folder_ / "image@7") + ": cannot open: No such file or directory");
}

TEST_F(PartTest, NamesThatAreNeither) {
    EXPECT_EQ(error_of(path_ + "@1M"), path_ + "@1M: there is nothing of that name, and a part of " + path_ +
                                           " is named by @OFFSET or @OFFSET+LENGTH, in bytes");
    const auto none = folder_ / "none@5";
    EXPECT_EQ(error_of(none), none + ": cannot open: No such file or directory");
    EXPECT_EQ(error_of("@5"), "@5: cannot open: No such file or directory");
    const auto folder = folder_.folder("d");
    EXPECT_EQ(error_of(folder + "@5"), folder + ": is a directory, neither an image file nor a block device");
}

TEST_F(PartTest, WritesWhereItLiesAndNowhereElse) {
    const auto device = writer(path_ + "@1000+5000");
    EXPECT_EQ(device->size(), 5000u);
    EXPECT_FALSE(device->is_block());
    const std::vector<uint8_t> ones(100, 1), none;
    EXPECT_EQ(device->write(4900, ones), 0);
    EXPECT_EQ(device->write(4901, ones), ENOSPC);
    EXPECT_EQ(device->write(5000, ones), ENOSPC);
    EXPECT_EQ(device->write(UINT64_MAX, ones), ENOSPC);
    EXPECT_EQ(device->zero(0, 50), 0);
    EXPECT_EQ(device->zero(4951, 50), ENOSPC);
    EXPECT_EQ(device->sync(), 0);

    auto wanted = pattern(0, 100000);
    std::fill_n(wanted.begin() + 5900, 100, uint8_t{1});
    std::fill_n(wanted.begin() + 1000, 50, uint8_t{0});
    EXPECT_EQ(bytes_of(path_), wanted);

    std::vector<uint8_t> out(100);
    EXPECT_EQ(device->read(4900, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_EQ(device->read(4901, out), EIO);
    EXPECT_EQ(device->medium().read(4900, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_EQ(device->medium().read(4901, out), EIO);
    const auto reader = device->open_reader();
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->device->size(), 5000u);
    EXPECT_EQ(reader->device->path(), path_ + "@1000+5000");
    EXPECT_EQ(reader->identity, device->identity());
    EXPECT_EQ(reader->device->read(4900, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_TRUE(device->still_free());
}

TEST_F(PartTest, OnlyTheLastPartOfAFileHasAnotherLength) {
    const auto middle = writer(path_ + "@1000+5000"), last = writer(path_ + "@90000+20000");
    EXPECT_EQ(middle->resize(5000), 0);
    EXPECT_EQ(middle->resize(4999), EINVAL);
    EXPECT_EQ(middle->resize(5001), EINVAL);
    EXPECT_EQ(last->size(), 10000u);
    EXPECT_EQ(last->resize(20001), EINVAL) << "its name says how long it is";
    EXPECT_EQ(last->resize(20000), 0);
    EXPECT_EQ(last->size(), 20000u);
    EXPECT_EQ(bytes_of(path_).size(), 110000u);
    std::vector<uint8_t> out(1);
    EXPECT_EQ(last->medium().read(19999, out), 0);
    EXPECT_EQ(last->resize(10000), 0);
    EXPECT_EQ(bytes_of(path_), pattern(0, 100000));
    EXPECT_EQ(last->medium().read(19999, out), EIO);
}

TEST_F(PartTest, PartsOfOneFileShareItsLock) {
    const auto first = writer(path_ + "@0+1000");
    {
        const auto second = writer(path_ + "@1000+1000");
        ASSERT_NE(second, nullptr);
        EXPECT_FALSE(overlap(first->identity(), second->identity()));
        const auto whole = open_for_writing(path_);
        EXPECT_FALSE(whole) << "what is locked already";
    }
    EXPECT_FALSE(open_for_writing(path_)) << "the first still has it";
    EXPECT_FALSE(hold_for_reading(path_ + "@5000"));
}

TEST_F(PartTest, AWholeFileThatIsWrittenHasNoPartsToBeWritten) {
    const auto whole = writer(path_);
    EXPECT_FALSE(open_for_writing(path_ + "@1000"));
}

TEST_F(PartTest, TheLockGoesWithTheLastPart) {
    writer(path_ + "@0+1000").reset();
    EXPECT_NE(writer(path_), nullptr);
    EXPECT_NE(writer(path_ + "@0+1000"), nullptr);
}

TEST_F(PartTest, IdentitiesTellWhatOverlaps) {
    const auto of = [&](const std::string& part) { return (*open_for_reading(path_ + part)).identity; };
    EXPECT_TRUE(overlap(of(""), of("@5+1")));
    EXPECT_TRUE(overlap(of("@5"), of("@99999+1")));
    EXPECT_FALSE(overlap(of("@0+5"), of("@5+5")));
    EXPECT_TRUE(overlap(of("@0+6"), of("@5+5")));
    EXPECT_EQ(of("@5+5"), writer(path_ + "@5+5")->identity());
    EXPECT_EQ(of("@0"), of(""));
}

TEST_F(PartTest, TwoPartsOfAFileAreHeldForReading) {
    const auto first = hold_for_reading(path_ + "@0+1000"), second = hold_for_reading(path_ + "@1000+1000");
    ASSERT_TRUE(first && second);
    EXPECT_TRUE((*second)->still_free());
    EXPECT_FALSE(open_for_writing(path_ + "@5000"));
}

TEST_F(PartTest, NothingIsMadeAnewOnAPart) {
    const auto target = open_target(path_ + "@1000", 500);
    ASSERT_FALSE(target);
    EXPECT_NE(target.error().message.find("is a part of something else"), std::string::npos) << target.error().message;
    EXPECT_TRUE(open_target(folder_ / "new@1000", 500)) << "a name like any other, where nothing has its front";
    EXPECT_TRUE(share_storage(path_ + "@1000+10", path_));
    EXPECT_TRUE(share_storage(path_, path_ + "@1000+10"));
    EXPECT_FALSE(share_storage(path_ + "@1000+10", path_ + "@2000+10"));
    EXPECT_FALSE(share_storage(path_ + "@1000+10", folder_ / "none"));
}

TEST_F(PartTest, TwoPartsOfABlockDevice) {
    const auto image = folder_.file("disk", 1 << 20);
    const LoopDevice loop(image, "");
    if (!loop) GTEST_SKIP() << loop.why_not();
    const auto a = loop.path() + "@4096+8192", b = loop.path() + "@65536";
    EXPECT_EQ((*open_for_reading(a)).identity, (*open_for_reading(image + "@4096+8192")).identity);
    {
        const auto first = hold_for_reading(a), second = hold_for_reading(b);
        ASSERT_TRUE(first) << first.error().message;
        ASSERT_TRUE(second) << second.error().message;
        EXPECT_FALSE(open_for_writing(loop.path())) << "held";
    }
    const auto first = writer(a), second = writer(b);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(first->is_block());
    EXPECT_EQ(second->size(), (1u << 20) - 65536);
    const std::vector<uint8_t> ones(512, 1);
    EXPECT_EQ(first->write(0, ones), 0);
    EXPECT_EQ(second->write(1, ones), 0) << "at any byte";
    EXPECT_EQ(first->write(8192, ones), ENOSPC);
    EXPECT_EQ(first->resize(8193), EINVAL);
    EXPECT_EQ(first->sync(), 0);
    std::vector<uint8_t> out(512);
    EXPECT_EQ(first->medium().read(0, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_EQ(second->medium().read(1, out), 0);
    EXPECT_EQ(out, ones);
    const auto reader = first->open_reader();
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ(reader->device->read(0, out), 0);
    EXPECT_EQ(out, ones);
    EXPECT_FALSE(open_for_writing(loop.path()));
}

}  // namespace
}  // namespace raid56::device
