// SPDX-License-Identifier: GPL-2.0-or-later
// sha256 of many blocks at once through libipsec-mb, which interleaves them over the lanes of a
// processor's vector registers or SHA units (figures: NOTES.md). It keeps a manager a thread; where there
// is no library, no manager, or one that gives wrong digests, blocks go to libgcrypt one by one.
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "checksum/kinds.h"

#ifdef RAID56_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace raid56::checksum {
namespace {

constexpr size_t kSize = 32;

void one_by_one(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    for (size_t i = 0; i < blocks.size(); i++) sha256_stored(blocks[i], block_size, out + i * kSize);
}

#ifdef RAID56_HAVE_IPSEC_MB

std::atomic<bool> refuted{false};  // the library was found to be wrong

struct Free {
    void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, Free>;

// Null where there is none for this processor.
Manager make_manager() {
    Manager manager(alloc_mb_mgr(0));
    if (!manager) return nullptr;
    init_mb_mgr_auto(manager.get(), nullptr);
    return imb_get_errno(manager.get()) == 0 ? std::move(manager) : nullptr;
}

// False where not every block was done.
bool many(IMB_MGR* manager, std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    size_t done = 0;
    const auto count = [&](const IMB_JOB* job) {
        if (job != nullptr && job->status == IMB_STATUS_COMPLETED) done++;
    };
    for (size_t i = 0; i < blocks.size(); i++) {
        IMB_JOB* job = IMB_GET_NEXT_JOB(manager);
        std::memset(job, 0, sizeof(*job));
        job->cipher_mode = IMB_CIPHER_NULL;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->chain_order = IMB_ORDER_HASH_CIPHER;
        job->hash_alg = IMB_AUTH_SHA_256;
        job->src = blocks[i];
        job->msg_len_to_hash_in_bytes = block_size;
        job->auth_tag_output = out + i * kSize;
        job->auth_tag_output_len_in_bytes = kSize;
        count(IMB_SUBMIT_JOB(manager));
    }
    while (const IMB_JOB* job = IMB_FLUSH_JOB(manager)) count(job);
    return done == blocks.size();
}

#endif

}  // namespace

#ifdef RAID56_HAVE_IPSEC_MB

void sha256_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    // Fewer do not fill the lanes.
    constexpr size_t kWorthwhile = 16;
    if (blocks.size() < kWorthwhile || refuted) return one_by_one(blocks, block_size, out);
    thread_local const Manager manager = make_manager();
    if (!manager || !many(manager.get(), blocks, block_size, out)) one_by_one(blocks, block_size, out);
}

// Blocks of different content, more than any processor has lanes, against libgcrypt.
void check_sha256_blocks() {
    constexpr size_t kBlocks = 67, kBlock = 512;
    std::vector<uint8_t> bytes(kBlocks * kBlock);
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i * i / 7 + i / kBlock);
    std::vector<const uint8_t*> blocks;
    for (size_t i = 0; i < kBlocks; i++) blocks.push_back(bytes.data() + i * kBlock);
    std::vector<uint8_t> have(kBlocks * kSize), want(kBlocks * kSize);
    sha256_blocks(blocks, kBlock, have.data());
    one_by_one(blocks, kBlock, want.data());
    if (have != want) refuted = true;
}

#else

void sha256_blocks(std::span<const uint8_t* const> blocks, size_t block_size, uint8_t* out) {
    one_by_one(blocks, block_size, out);
}

void check_sha256_blocks() {}

#endif

}  // namespace raid56::checksum
