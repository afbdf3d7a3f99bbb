// SPDX-License-Identifier: GPL-2.0-or-later
// The formulas of FACTS 9 with P' and Q' written out as sums, and the factors of each column collected.
#include "parity/recovery_matrix.h"

#include "parity/galois.h"

namespace raid56::parity {
namespace {

/// Names the sources and gives each its coefficients: a whole column of the matrix at a time.
class Builder {
  public:
    Builder(unsigned sources, unsigned rows) {
        matrix_.sources = sources;
        matrix_.rows = rows;
    }
    void target(unsigned row, unsigned column) { matrix_.target[row] = static_cast<uint8_t>(column); }
    void source(unsigned column, uint8_t first, uint8_t second = 0) {
        matrix_.source[next_] = static_cast<uint8_t>(column);
        matrix_.coefficient[next_] = first;
        if (matrix_.rows == 2) matrix_.coefficient[matrix_.sources + next_] = second;
        next_++;
    }
    const RecoveryMatrix& matrix() const { return matrix_; }

  private:
    RecoveryMatrix matrix_;
    unsigned next_ = 0;
};

}  // namespace

RecoveryMatrix recovery_matrix(const Loss& loss, unsigned nd) {
    using galois::inverse, galois::multiply, galois::power;
    const unsigned p = nd, q = nd + 1, a = loss.a, b = loss.b;
    const bool two = loss.kind != LossKind::p && loss.kind != LossKind::q && loss.kind != LossKind::data;
    Builder make(nd, two ? 2 : 1);
    switch (loss.kind) {
        case LossKind::p:
            make.target(0, p);
            for (unsigned i = 0; i < nd; i++) make.source(i, 1);
            break;
        case LossKind::q:
            make.target(0, q);
            for (unsigned i = 0; i < nd; i++) make.source(i, power(i));
            break;
        case LossKind::p_q:
            make.target(0, p);
            make.target(1, q);
            for (unsigned i = 0; i < nd; i++) make.source(i, 1, power(i));
            break;
        case LossKind::data:
            make.target(0, a);
            for (unsigned i = 0; i < nd; i++) {
                if (i != a) make.source(i, 1);
            }
            make.source(p, 1);
            break;
        case LossKind::data_q:  // Q = Q' ^ g^a * D_a, and D_a = P ^ P'
            make.target(0, a);
            make.target(1, q);
            for (unsigned i = 0; i < nd; i++) {
                if (i != a) make.source(i, 1, power(i) ^ power(a));
            }
            make.source(p, 1, power(a));
            break;
        case LossKind::data_p: {  // P = P' ^ D_a, and D_a = (Q ^ Q') / g^a
            const uint8_t factor = inverse(power(a));
            make.target(0, a);
            make.target(1, p);
            for (unsigned i = 0; i < nd; i++) {
                if (i == a) continue;
                const uint8_t of_data = multiply(factor, power(i));
                make.source(i, of_data, of_data ^ 1);
            }
            make.source(q, factor, factor);
            break;
        }
        case LossKind::data_data: {  // D_a = D_b ^ P ^ P'
            const uint8_t p_factor = inverse(power(b - a) ^ 1);
            const uint8_t q_factor = inverse(power(a) ^ power(b));
            make.target(0, a);
            make.target(1, b);
            for (unsigned i = 0; i < nd; i++) {
                if (i == a || i == b) continue;
                const uint8_t of_b = p_factor ^ multiply(q_factor, power(i));
                make.source(i, of_b ^ 1, of_b);
            }
            make.source(p, p_factor ^ 1, p_factor);
            make.source(q, q_factor, q_factor);
            break;
        }
    }
    return make.matrix();
}

}  // namespace raid56::parity
