// SPDX-License-Identifier: GPL-2.0-or-later
// A row of columns in memory, with P and Q by a definition that shares nothing with lib/parity: the field
// multiplied bit by bit, Q summed up from column 0. Thread rule: none needed.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

namespace raid56::parity::test {

/// a * b in GF(2^8), polynomial 0x11d: shift and add.
inline uint8_t multiply_slowly(unsigned a, unsigned b) {
    unsigned product = 0;
    for (int bit = 7; bit >= 0; bit--) {
        product <<= 1;
        if (product & 0x100) product ^= 0x11d;
        if ((b >> bit) & 1) product ^= a;
    }
    return static_cast<uint8_t>(product);
}

/// Aligned bytes, so that every engine takes them.
class Bytes {
  public:
    explicit Bytes(size_t size)
        : data_(static_cast<uint8_t*>(::operator new(size + 1, std::align_val_t{4096}))), size_(size) {
        std::memset(data_, 0, size);
    }
    Bytes(const Bytes& other) : Bytes(other.size_) { std::memcpy(data_, other.data_, size_); }
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() { ::operator delete(data_, std::align_val_t{4096}); }

    uint8_t* data() const { return data_; }
    size_t size() const { return size_; }
    uint8_t& operator[](size_t i) const { return data_[i]; }
    bool operator==(const Bytes& other) const {
        return size_ == other.size_ && std::memcmp(data_, other.data_, size_) == 0;
    }
    void fill(uint8_t byte) { std::memset(data_, byte, size_); }

  private:
    uint8_t* data_;
    size_t size_;
};

/// Noise in nd data columns, and their true P and Q.
class Row {
  public:
    Row(unsigned nd, bool has_q, size_t length, uint64_t seed = 1) : nd_(nd), has_q_(has_q), length_(length) {
        for (unsigned i = 0; i < nd + (has_q ? 2 : 1); i++) columns_.emplace_back(length);
        for (unsigned i = 0; i < nd; i++) {
            for (size_t k = 0; k < length; k++) {
                seed = seed * 6364136223846793005 + 1442695040888963407;
                columns_[i][k] = static_cast<uint8_t>(seed >> 56);
            }
        }
        make_parity();
    }

    void make_parity() {
        columns_[nd_].fill(0);
        if (has_q_) columns_[nd_ + 1].fill(0);
        unsigned coefficient = 1;  // 2^i
        for (unsigned i = 0; i < nd_; i++) {
            uint8_t times[256];
            for (unsigned x = 0; x < 256; x++) times[x] = multiply_slowly(coefficient, x);
            for (size_t k = 0; k < length_; k++) {
                columns_[nd_][k] ^= columns_[i][k];
                if (has_q_) columns_[nd_ + 1][k] ^= times[columns_[i][k]];
            }
            coefficient = multiply_slowly(coefficient, 2);
        }
    }

    unsigned nd() const { return nd_; }
    bool has_q() const { return has_q_; }
    size_t length() const { return length_; }
    unsigned count() const { return static_cast<unsigned>(columns_.size()); }
    Bytes& operator[](size_t i) { return columns_[i]; }
    Bytes& p() { return columns_[nd_]; }
    Bytes& q() { return columns_[nd_ + 1]; }

    std::vector<uint8_t*> pointers() const {
        std::vector<uint8_t*> result;
        for (const Bytes& column : columns_) result.push_back(column.data());
        return result;
    }
    std::vector<const uint8_t*> views() const {
        std::vector<const uint8_t*> result;
        for (const Bytes& column : columns_) result.push_back(column.data());
        return result;
    }
    bool operator==(const Row& other) const { return columns_ == other.columns_; }

  private:
    unsigned nd_;
    bool has_q_;
    size_t length_;
    std::vector<Bytes> columns_;
};

}  // namespace raid56::parity::test
