// SPDX-License-Identifier: GPL-2.0-or-later
//
// submit: 1. The batch is laid out (plan.h). 2. It gets a chain: one that is free, or a new one. 3. Everything is
//         enqueued; nothing is waited for.
// wait:   1. The chain is waited for. 2. Each job is done where its own numbers say so, else failed. 3. Columns and
//         digests are copied to where the caller wants them: a device that wakes up late cannot write there. 4. The
//         chain is free again; or, where the device still has it, kept for good.
#include "offload/opencl_engine.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <random>

#include "offload/chain.h"
#include "parity/buffer.h"

namespace raid56::offload {
namespace {

using parity::Batch;
using parity::Job;
using parity::Op;
using parity::Outcome;

constexpr size_t kBatchBytes = 8 << 20;
constexpr unsigned kInFlight = 2;  // one is computed while another is copied

// A processor has a few cores, and work-groups cost it something; a GPU wants very many.
uint32_t piece_units(DeviceType type) { return type == DeviceType::processor ? 4096 : 64; }

// What a device that does not answer may still use. Reachable to the end of the program.
template <class T>
void keep_for_good(std::unique_ptr<T> object) {
    static std::mutex mutex;
    static auto* kept = new std::vector<std::unique_ptr<T>>;
    const std::lock_guard lock(mutex);
    kept->push_back(std::move(object));
}

// Allocations of the engine, found by address.
class Shelf {
  public:
    struct Place {
        std::unique_ptr<HostMemory> memory;
        bool in_use = false;  // by a batch that is read in place
    };

    std::span<uint8_t> put(std::unique_ptr<HostMemory> memory) {
        const std::lock_guard lock(mutex_);
        const auto bytes = memory->bytes();
        places_[bytes.data()] = {std::move(memory), false};
        return bytes;
    }
    std::unique_ptr<HostMemory> take(const uint8_t* start) {
        const std::lock_guard lock(mutex_);
        auto memory = std::move(places_.at(start).memory);
        places_.erase(start);
        return memory;
    }
    std::vector<std::span<const uint8_t>> all() const {
        const std::lock_guard lock(mutex_);
        std::vector<std::span<const uint8_t>> spans;
        for (const auto& [start, place] : places_) spans.push_back(place.memory->bytes());
        return spans;
    }
    // The memory for one batch alone; nullptr where another has it.
    HostMemory* reserve(const uint8_t* start) {
        const std::lock_guard lock(mutex_);
        Place& place = places_.at(start);
        if (place.in_use || !place.memory->is_mapped()) return nullptr;
        place.in_use = true;
        return place.memory.get();
    }
    HostMemory* find(const uint8_t* start) {
        const std::lock_guard lock(mutex_);
        return places_.at(start).memory.get();
    }
    void release(const uint8_t* start) {
        const std::lock_guard lock(mutex_);
        places_.at(start).in_use = false;
    }

  private:
    mutable std::mutex mutex_;
    std::map<const uint8_t*, Place> places_;
};

class Engine final : public OpenclEngine {
  public:
    Engine(std::unique_ptr<Machine> machine, const Settings& settings)
        : machine_(std::move(machine)), settings_(settings), patience_(settings.patience) {
        std::random_device chance;
        nonce_ = uint64_t{chance()} << 32 | chance();
    }

    ~Engine() override {
        if (hangs_) keep_for_good(std::move(machine_));
    }

    // Its own queue for what is done once. An error where there is none.
    Result<void> prepare() {
        auto chain = Chain::make(*machine_, settings_.profile, patience_);
        if (!chain) return chain.error();
        cl_int error = CL_SUCCESS;
        const Api& api = *machine_->api;
        mapping_ = Queue(api, api.create_queue(machine_->context.get(), machine_->device.id, 0, &error));
        if (!mapping_) return Error{"cannot make an OpenCL queue: " + error_name(error)};
        free_.push_back(std::move(*chain));
        return {};
    }

    std::string_view name() const override { return "opencl"; }
    size_t batch_bytes() const override { return is_out() ? parity::Engine::batch_bytes() : kBatchBytes; }
    unsigned batches_in_flight() const override { return is_out() ? 1 : kInFlight; }
    std::string trouble() const override {
        const std::lock_guard lock(mutex_);
        return trouble_;
    }
    Tally tally() const override {
        const std::lock_guard lock(mutex_);
        return tally_;
    }
    Times times() const override {
        const std::lock_guard lock(mutex_);
        return times_;
    }

    std::unique_ptr<parity::Buffer> allocate(size_t size) override;
    void submit(Batch batch) override;
    void wait(Batch batch) override;

  private:
    class SharedBuffer;
    struct UnderWay {
        std::unique_ptr<Chain> chain;
        const uint8_t* in_place = nullptr;
    };

    bool is_out() const {
        const std::lock_guard lock(mutex_);
        return out_;
    }
    Surroundings surroundings() const;
    std::unique_ptr<Chain> take_chain();
    void judge(Batch batch, const Chain& chain, const Ending& ending);
    void give_back(UnderWay under_way, const Ending& ending);
    void remember(const Ending& ending);
    void refuse(Batch batch, const Plan& plan);

    std::unique_ptr<Machine> machine_;
    const Settings settings_;
    const Seconds patience_;
    Shelf shelf_;
    std::mutex mapping_mutex_;
    Queue mapping_;

    mutable std::mutex mutex_;  // of everything below
    std::vector<std::unique_ptr<Chain>> free_;
    std::map<const Job*, UnderWay> under_way_;  // by the batch's first job
    uint64_t nonce_ = 0;
    unsigned failures_ = 0;  // in a row
    bool out_ = false;
    bool hangs_ = false;
    std::string trouble_;
    Tally tally_;
    Times times_;
};

class Engine::SharedBuffer final : public parity::Buffer {
  public:
    SharedBuffer(Engine& engine, std::span<uint8_t> bytes) : engine_(engine), bytes_(bytes) {}
    ~SharedBuffer() override {
        auto memory = engine_.shelf_.take(bytes_.data());
        const std::lock_guard lock(engine_.mutex_);
        if (engine_.hangs_) keep_for_good(std::move(memory));
    }
    std::span<uint8_t> bytes() override { return bytes_; }

  private:
    Engine& engine_;
    std::span<uint8_t> bytes_;
};

std::unique_ptr<parity::Buffer> Engine::allocate(size_t size) {
    if (!is_out()) {
        const std::lock_guard lock(mapping_mutex_);
        if (auto memory = HostMemory::make(*machine_, mapping_.get(), size, patience_))
            return std::make_unique<SharedBuffer>(*this, shelf_.put(std::move(memory)));
    }
    return parity::plain_buffer(size);
}

Surroundings Engine::surroundings() const {
    Surroundings around;
    around.buffers = shelf_.all();
    around.in_place = settings_.in_place && machine_->device.shares_memory;
    around.most_bytes = machine_->device.most_bytes;
    around.piece_units = piece_units(machine_->device.type);
    return around;
}

void Engine::submit(Batch batch) {
    {
        const std::lock_guard lock(mutex_);
        tally_.submitted += batch.size();
        if (out_) {
            for (Job& job : batch) job.outcome = Outcome::refused;
            tally_.refused += batch.size();
            return;
        }
    }
    Surroundings around = surroundings();
    Plan plan = make_plan(batch, around);
    HostMemory* base = plan.base != nullptr ? shelf_.reserve(plan.base) : nullptr;
    if (plan.base != nullptr && base == nullptr) {  // another batch has it: then by copying
        around.in_place = false;
        plan = make_plan(batch, around);
    }
    auto chain = plan.taken.empty() ? nullptr : take_chain();
    if (chain == nullptr) {
        if (base != nullptr) shelf_.release(plan.base);
        return refuse(batch, plan);
    }
    uint64_t nonce = 0;
    {
        const std::lock_guard lock(mutex_);
        tally_.refused += batch.size() - plan.taken.size();
        nonce = nonce_ = nonce_ * 6364136223846793005u + 1442695040888963407u;
    }
    const uint8_t* in_place = plan.base;
    chain->start(std::move(plan), base, nonce);
    const std::lock_guard lock(mutex_);
    under_way_[batch.data()] = {std::move(chain), in_place};
}

void Engine::refuse(Batch batch, const Plan& plan) {
    for (const Taken& taken : plan.taken) batch[taken.job].outcome = Outcome::refused;
    const std::lock_guard lock(mutex_);
    tally_.refused += batch.size();
}

std::unique_ptr<Chain> Engine::take_chain() {
    {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
            auto chain = std::move(free_.back());
            free_.pop_back();
            return chain;
        }
    }
    auto chain = Chain::make(*machine_, settings_.profile, patience_);
    if (chain) return std::move(*chain);
    remember({chain.error().message});
    return nullptr;
}

void Engine::wait(Batch batch) {
    UnderWay under_way;
    {
        const std::lock_guard lock(mutex_);
        const auto found = under_way_.find(batch.data());
        if (found == under_way_.end()) return;
        under_way = std::move(found->second);
        under_way_.erase(found);
    }
    const Ending ending = under_way.chain->finish();
    judge(batch, *under_way.chain, ending);
    give_back(std::move(under_way), ending);
}

void Engine::judge(Batch batch, const Chain& chain, const Ending& ending) {
    const Plan& plan = chain.plan();
    Tally made;
    for (size_t i = 0; i < plan.taken.size(); i++) {
        const Taken& taken = plan.taken[i];
        Job& job = batch[taken.job];
        if (!ending.trouble.empty() || !chain.is_done(i)) {
            job.outcome = Outcome::failed;
            made.failed++;
            continue;
        }
        if (job.op == Op::verify) {
            job.p_differs = (chain.differs(i) & kPDiffers) != 0;
            job.q_differs = (chain.differs(i) & kQDiffers) != 0;
        }
        if (job.op == Op::digest) std::memcpy(job.digests, chain.results(taken.digests), taken.digest_bytes);
        for (uint32_t o = 0; o < taken.outputs; o++) {
            const Output& output = plan.outputs[taken.first_output + o];
            std::memcpy(output.column, chain.results(size_t{output.place} * (kUnit / 4)), output.bytes);
        }
        job.outcome = Outcome::done;
        made.done++;
    }
    Ending all = ending;
    if (all.trouble.empty() && made.failed > 0) all.trouble = "work-groups did not run";
    remember(all);
    const std::lock_guard lock(mutex_);
    tally_.done += made.done;
    tally_.failed += made.failed;
    if (all.trouble.empty()) {
        const Chain::Times times = chain.times();
        times_.in += times.in;
        times_.compute += times.compute;
        times_.out += times.out;
        times_.bytes_in += plan.in_bytes + plan.table.size() * 4;
        times_.bytes_out += plan.out_bytes();
    }
}

void Engine::remember(const Ending& ending) {
    const std::lock_guard lock(mutex_);
    if (ending.trouble.empty()) {
        failures_ = 0;
        return;
    }
    failures_++;
    hangs_ = hangs_ || ending.hangs;
    const bool give_up = ending.hangs || ending.gone || failures_ >= kMostFailures;
    if (out_ || (!give_up && !trouble_.empty())) return;
    out_ = give_up;
    trouble_ = ending.trouble + (give_up ? "; software does the rest" : "; software did what failed");
}

void Engine::give_back(UnderWay under_way, const Ending& ending) {
    if (under_way.in_place != nullptr) {
        // A chain that broke off may have left the memory with the device.
        HostMemory* memory = shelf_.find(under_way.in_place);
        if (!memory->is_mapped() && !ending.hangs) {
            const std::lock_guard lock(mapping_mutex_);
            memory->map_now(mapping_.get(), patience_);
        }
        shelf_.release(under_way.in_place);
    }
    if (ending.hangs) return keep_for_good(std::move(under_way.chain));
    if (!ending.trouble.empty()) return;  // a broken chain is not used again
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(under_way.chain));
}

}  // namespace

Result<std::unique_ptr<OpenclEngine>> make_opencl_engine(const Api& api, const DeviceInfo& device,
                                                         const Settings& settings) {
    auto machine = make_machine(api, device);
    if (!machine) return machine.error();
    auto engine = std::make_unique<Engine>(std::move(*machine), settings);
    if (Result<void> prepared = engine->prepare(); !prepared) return prepared.error();
    return std::unique_ptr<OpenclEngine>(std::move(engine));
}

}  // namespace raid56::offload
