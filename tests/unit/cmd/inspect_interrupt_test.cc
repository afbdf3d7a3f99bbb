// SPDX-License-Identifier: GPL-2.0-or-later
// inspect interrupted at every read of its devices: it says so, or it says what an uninterrupted one says. After an
// interrupt trees seem to be lost, and what is allocated seems to be free.
#include <gtest/gtest.h>

#include "golden.h"

namespace raid56::cmd {
namespace {

/// Sets the interrupt flag when a certain read starts, of all that share the count.
class InterruptingDevice final : public device::ReadDevice {
  public:
    struct Count {
        std::atomic<bool>& stop;
        size_t reads = 0, stop_at = SIZE_MAX;
    };
    InterruptingDevice(std::unique_ptr<device::ReadDevice> inner, std::shared_ptr<Count> count)
        : inner_(std::move(inner)), count_(std::move(count)) {}

    uint64_t size() const override { return inner_->size(); }
    const std::string& path() const override { return inner_->path(); }
    uint32_t alignment() const override { return inner_->alignment(); }
    void start(device::ReadOp& op) override {
        if (count_->reads++ == count_->stop_at) count_->stop = true;
        inner_->start(op);
    }
    void finish(device::ReadOp& op) override { inner_->finish(op); }

  private:
    std::unique_ptr<device::ReadDevice> inner_;
    std::shared_ptr<Count> count_;
};

class InspectInterrupt : public GoldenTest {
  protected:
    void watch() {
        for (const auto& path : paths_) {
            auto opened = device::open_for_reading((folder_ / path).string());
            ASSERT_TRUE(opened) << opened.error().message;
            worlds_.add(path, std::make_unique<InterruptingDevice>(std::move(opened->device), count_));
        }
    }

    Outcome inspect(std::vector<std::string> words, size_t stop_at) {
        words.insert(words.begin(), {"inspect", "--format", "json", "--engine", "isal", "--threads", "1"});
        words.insert(words.end(), paths_.begin(), paths_.end());
        worlds_.stop = false;
        count_->reads = 0;
        count_->stop_at = stop_at;
        return worlds_.run(words);
    }

    // Number of runs that were interrupted.
    size_t at_every_read(const std::vector<std::string>& words) {
        const Outcome whole = inspect(words, SIZE_MAX);
        EXPECT_EQ(whole.status, 0) << whole.err;
        const size_t reads = count_->reads;
        size_t interrupted = 0;
        for (size_t n = 0; n < reads; n++) {
            SCOPED_TRACE("interrupted at read " + std::to_string(n) + " of " + std::to_string(reads));
            const Outcome cut = inspect(words, n);
            if (cut.status == 0) {
                EXPECT_EQ(comparable(cut), comparable(whole));
            } else {
                interrupted++;
                EXPECT_EQ(cut.status, 32) << cut.err;
                EXPECT_EQ(cut.summary()["verdict"], "interrupted");
                for (const char* type : {"row", "column", "damage", "file", "extent"})
                    EXPECT_TRUE(cut.lines_of(type).empty()) << cut.out;
            }
            if (HasFailure()) break;
        }
        return interrupted;
    }

    std::shared_ptr<InterruptingDevice::Count> count_ =
        std::make_shared<InterruptingDevice::Count>(InterruptingDevice::Count{worlds_.stop});
};

TEST_F(InspectInterrupt, OfARow) {
    watch();
    const Outcome map = inspect({}, SIZE_MAX);
    const auto chunks = map.lines_of("chunk");
    const auto data =
        std::find_if(chunks.begin(), chunks.end(), [](const Json& chunk) { return chunk["kind"] == "data"; });
    ASSERT_NE(data, chunks.end()) << map.out;
    EXPECT_GT(at_every_read({"--logical", std::to_string(data->at("logical").get<uint64_t>())}), 10u);
}

TEST_F(InspectInterrupt, OfAFile) {
    watch();
    EXPECT_GT(at_every_read({"--file", "/"}), 10u);
}

}  // namespace
}  // namespace raid56::cmd
