// One visit of a cell, forward: the recurrent product ends in the cell update while the gates are still in registers.
#pragma once

#include "activations.inl.hpp"
#include "phases.inl.hpp"
#include "product.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// The states h_prev as left rows of a product.
template <class T>
FASTLSTM_INLINE LeftRows<T> state_rows(const CellForwardArgs<T>& args) {
    const Index k = args.state_size, pitch = ceil_div(k, kLanes<T>) * kLanes<T>;
    return left_rows(args.h_prev, pitch, args.rows, k, args.rounded);
}

// The left rows of a visit; x only where the visit begins with the projection.
template <class T>
struct VisitRows {
    LeftRows<T> h;
    LeftList<T> x;
    Depth depth;

    FASTLSTM_INLINE explicit VisitRows(const CellForwardArgs<T>& args)
        : h(state_rows(args)), x{}, depth(args.state_size) {
        if (!args.x) return;
        x = left_list(args.x, args.rows, args.input_size, args.rounded_x);
        depth.all += args.input_size;
    }
};

// acc = bias + x · W for a tile
template <class Acc, class T>
FASTLSTM_INLINE void project(Acc& acc, const CellForwardArgs<T>& args, const LeftList<T>& x, Index row, Index group) {
    const Index k = args.input_size;
    multiply(
        acc, begin_with_bias(args.bias, group), x, row,
        panel_of<kGroup>(acc.shape.rows, args.packed_ih, k, group, args.group_begin, args.group_end, row, args.rows));
}

// acc = z + h_prev · R for a tile; rows of z lie one after the other.
template <class Acc, class T>
FASTLSTM_INLINE void pre_activations(Acc& acc, const CellForwardArgs<T>& args, const VisitRows<T>& left, Index row,
                                     Index group, Index z_pitch) {
    const auto panel = panel_of<kGroup>(acc.shape.rows, args.packed_hh, args.state_size, group, args.group_begin,
                                        args.group_end, row, args.rows);
    if (args.x) {
        project(acc, args, left.x, row, group);
        multiply_add(acc, left.h, row, panel);
    } else {
        multiply(acc, begin_with(args.z + row * z_pitch + group * kGroup * kLanes<T>, z_pitch), left.h, row, panel);
    }
}

// i, f, o = sigmoid(z_i, z_f, z_o), g = tanh(z_g)
// c = f c_prev + i g,  h = o tanh(c)
// i g and o tanh(c) are fractions with one division each.
template <class T>
struct LstmCell {
    Packet<T> c, h;

    // `kept`, if it is there, gets dc/dz_i = g i (1 - i), dc/dz_f = c_prev f (1 - f), dc/dz_g = i (1 - g^2),
    // dh/dz_o = tanh(c) o (1 - o), dh/dc = o (1 - tanh(c)^2), dc/dc_prev = f; some of it before the output is computed,
    // as registers are few.
    FASTLSTM_INLINE LstmCell(const Packet<T> (&z)[4], const Packet<T>& c_prev, T* kept) {
        constexpr int lanes = kLanes<T>;
        const Packet<T> one = constant<T>(1);
        const Fraction<Packet<T>> i = sigmoid_fraction(z[0]), g = tanh_fraction(z[2], kShared<T>),
                                  f = sigmoid_fraction(z[1]);
        const Packet<T> f_quotient = pdiv(one, f.denominator);
        const Packet<T> ig = pdiv(one, pmul(i.denominator, g.denominator));
        const Packet<T> added = pmul(g.numerator, ig);
        c = pmadd(f_quotient, c_prev, added);
        if (kept) {
            const Packet<T> i_quotient = pmul(g.denominator, ig), g_inverse = pmul(i.denominator, ig);
            pstore(kept, pmul(pmul(i.gap, i_quotient), added));
            pstore(kept + lanes, pmul(sigmoid_slope(f, f_quotient), c_prev));
            pstore(kept + 2 * lanes, pmul(i_quotient, tanh_slope(g, g_inverse)));
            pstore(kept + 5 * lanes, f_quotient);
        }
        const Fraction<Packet<T>> o = sigmoid_fraction(z[3]), tanh_c = tanh_fraction(c, kShared<T>);
        const Packet<T> oc = pdiv(one, pmul(o.denominator, tanh_c.denominator));
        h = pmul(tanh_c.numerator, oc);
        if (kept) {
            const Packet<T> o_quotient = pmul(tanh_c.denominator, oc), c_inverse = pmul(o.denominator, oc);
            pstore(kept + 3 * lanes, pmul(pmul(o.gap, o_quotient), h));
            pstore(kept + 4 * lanes, pmul(o_quotient, tanh_slope(tanh_c, c_inverse)));
        }
    }
};

template <class T>
struct LstmForward {
    using Number = T;
    static constexpr int kOfCell = 4;

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& z, const CellForwardArgs<T>& args, const VisitRows<T>& left, Index row,
                                    Index block, Index pitch) {
        pre_activations(z, args, left, row, block, 4 * pitch);
    }

    template <class Z>
    static FASTLSTM_INLINE void cell(const CellForwardArgs<T>& args, const Z& z, Index row, Index block, int,
                                     Index pitch) {
        const Index unit = block * kLanes<T>, at = row * pitch + unit;
        const Packet<T> c_prev = pload<Packet<T>>(args.c_prev + at);
        const LstmCell<T> cell({z(0), z(1), z(2), z(3)}, c_prev, args.kept ? args.kept + kLstmKept * at : nullptr);
        pstore(args.c + at, cell.c);
        pstore(args.h + at, cell.h);
        if (args.y) store_first(args.y[row] + unit, cell.h, args.hidden_size - unit);
    }
};

template <class T>
void lstm_forward(const CellForwardArgs<T>& args) {
    const Index vectors = 4 * ceil_div(args.hidden_size, kLanes<T>);
    const VisitRows<T> left(args);
    run_phase<LstmForward<T>>(args, left, 0, args.rows, left.depth, vectors);
}

// r, u = sigmoid(z_r, z_u),  n = tanh(z_n + r a)  with a = R_n h_prev + b_rn
// h = (1 - u) n + u h_prev
// u and n are fractions. They share a division where multiply-adds are fused: elsewhere refining u takes longer than a
// division of its own.
template <class T>
struct GruCell {
    Packet<T> h;

    // `kept`, if it is there, gets dh/dz_n = (1 - u) (1 - n^2), dz_n/dz_r = a r (1 - r),
    // dh/dz_u = (h_prev - n) u (1 - u), dh/dh_prev = u, dz_n/da = r.
    FASTLSTM_INLINE GruCell(const Packet<T>& z_n, const Packet<T>& z_r, const Packet<T>& z_u, const Packet<T>& a,
                            const Packet<T>& h_prev, T* kept) {
        constexpr int lanes = kLanes<T>;
        const Packet<T> one = constant<T>(1);
        const Fraction<Packet<T>> r = sigmoid_fraction(z_r);
        const Packet<T> r_quotient = pdiv(one, r.denominator);
        if (kept) {
            pstore(kept + lanes, pmul(sigmoid_slope(r, r_quotient), a));
            pstore(kept + 4 * lanes, r_quotient);
        }
        const Fraction<Packet<T>> u = sigmoid_fraction(z_u);
        const auto n = tanh_fraction(Packet<T>(pmadd(r_quotient, a, z_n)), kFused ? kShared<T> : 1);
        Packet<T> u_quotient, n_inverse;
        // Either way u is 1 where it should be: a state is kept for many steps.
        if constexpr (kFused) {
            const Packet<T> un = pdiv(one, pmul(u.denominator, n.denominator));
            u_quotient = refined_sigmoid(u, pmul(n.denominator, un));
            n_inverse = pmul(u.denominator, un);
        } else {
            u_quotient = pdiv(one, u.denominator);
            n_inverse = pdiv(one, n.denominator);
        }
        const Packet<T> n_quotient = pmul(n.numerator, n_inverse);
        const Packet<T> difference = psub(h_prev, n_quotient);
        h = pmadd(u_quotient, difference, n_quotient);
        if (kept) {
            const Packet<T> shut = complement(u, u_quotient);
            pstore(kept, pmul(shut, tanh_slope(n, n_inverse)));
            pstore(kept + 2 * lanes, pmul(pmul(u_quotient, shut), difference));
            pstore(kept + 3 * lanes, u_quotient);
        }
    }
};

// Vectors of R in a group: r, u, n. Rows of z hold n, r, u of every unit block.
template <class T>
struct GruForward {
    using Number = T;
    static constexpr int kOfCell = 3;

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& acc, const CellForwardArgs<T>& args, const LeftRows<T>& left, Index row,
                                    Index block, Index pitch) {
        constexpr int lanes = kLanes<T>;
        const T* z = args.z + kOfCell * (row * pitch + block * lanes);
        const Beginning<T> beginning{z + lanes, kOfCell * pitch, kOfCell * lanes, args.recurrent_bias + block * lanes};
        multiply(acc, beginning, left, row,
                 panel_of<kOfCell>(acc.shape.rows, args.packed_hh, args.hidden_size, block, args.group_begin,
                                   args.group_end, row, args.rows));
    }

    template <class Z>
    static FASTLSTM_INLINE void cell(const CellForwardArgs<T>& args, const Z& z, Index row, Index block, int,
                                     Index pitch) {
        const Index unit = block * kLanes<T>, at = row * pitch + unit;
        const GruCell<T> cell(pload<Packet<T>>(args.z + kOfCell * at), z(0), z(1), z(2),
                              pload<Packet<T>>(args.h_prev + at), args.kept ? args.kept + kGruKept * at : nullptr);
        pstore(args.h + at, cell.h);
        if (args.y) store_first(args.y[row] + unit, cell.h, args.hidden_size - unit);
    }
};

template <class T>
void gru_forward(const CellForwardArgs<T>& args) {
    const Index vectors = 3 * ceil_div(args.hidden_size, kLanes<T>);
    run_phase<GruForward<T>>(args, state_rows(args), 0, args.rows, args.state_size, vectors);
}

// First phase of a GRU whose reset gate acts before the product: r, u = sigmoid(z_ru + h_prev R_ru). Leaves r h_prev in
// h_reset and u in h, and what of the step is known: 1 - u, h_prev r (1 - r), u (1 - u), u, r. Vectors of R: r, u of
// every unit block; rows of z hold n, r, u.
template <class T>
struct GruResetForward {
    using Number = T;
    static constexpr int kOfCell = 2;

    static FASTLSTM_INLINE Index unit_of(Index group, int v) { return (group * kGroup + v) / 2 * kLanes<T>; }

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& acc, const CellForwardArgs<T>& args, const LeftRows<T>& left, Index row,
                                    Index group, Index pitch) {
        set_each(acc, [&](int p, int r, int v) FASTLSTM_INLINED {
            const T* z = args.z + 3 * ((row + r) * pitch + unit_of(group + p, v));
            return pload<Packet<T>>(z + (1 + v % 2) * kLanes<T>);
        });
        multiply_add(acc, left, row,
                     panel_of<kGroup>(acc.shape.rows, args.packed_hh, args.hidden_size, group, args.group_begin,
                                      args.group_end, row, args.rows));
    }

    template <class Z>
    static FASTLSTM_INLINE void cell(const CellForwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index at = row * pitch + unit_of(group, v);
        const Packet<T> one = constant<T>(1), state = pload<Packet<T>>(args.h_prev + at);
        const Fraction<Packet<T>> reset = sigmoid_fraction(z(0)), update = sigmoid_fraction(z(1));
        const Packet<T> r_quotient = pdiv(one, reset.denominator), u_quotient = pdiv(one, update.denominator);
        pstore(args.h_reset + at, pmul(r_quotient, state));
        pstore(args.h + at, u_quotient);
        if (!args.kept) return;
        T* kept = args.kept + kGruKept * at;
        const Packet<T> shut = complement(update, u_quotient);
        pstore(kept, shut);
        pstore(kept + lanes, pmul(sigmoid_slope(reset, r_quotient), state));
        pstore(kept + 2 * lanes, pmul(u_quotient, shut));
        pstore(kept + 3 * lanes, u_quotient);
        pstore(kept + 4 * lanes, r_quotient);
    }
};

// h_reset as left rows of a product.
template <class T>
FASTLSTM_INLINE LeftRows<T> reset_rows(const CellForwardArgs<T>& args) {
    const Index k = args.hidden_size, pitch = ceil_div(k, kLanes<T>) * kLanes<T>;
    return left_rows(static_cast<const T*>(args.h_reset), pitch, args.rows, k, args.rounded);
}

// Second phase: n = tanh(z_n + h_reset R_n), h = n + u (h_prev - n); dh/dz_n and dh/dz_u as above.
template <class T>
struct GruCandidateForward {
    using Number = T;
    static constexpr int kOfCell = 1;

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& acc, const CellForwardArgs<T>& args, const LeftRows<T>& left, Index row,
                                    Index group, Index pitch) {
        set_each(acc, [&](int p, int r, int v) FASTLSTM_INLINED {
            const Index unit = ((group + p) * kGroup + v) * kLanes<T>;
            return pload<Packet<T>>(args.z + 3 * ((row + r) * pitch + unit));
        });
        multiply_add(acc, left, row,
                     panel_of<kGroup>(acc.shape.rows, args.packed_candidate, args.hidden_size, group, args.group_begin,
                                      args.group_end, row, args.rows));
    }

    template <class Z>
    static FASTLSTM_INLINE void cell(const CellForwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index unit = (group * kGroup + v) * lanes, at = row * pitch + unit;
        const Fraction<Packet<T>> fraction = tanh_fraction(z(0));
        const Packet<T> inverse = pdiv(constant<T>(1), fraction.denominator);
        const Packet<T> n = pmul(fraction.numerator, inverse), u = pload<Packet<T>>(args.h + at);
        const Packet<T> difference = psub(pload<Packet<T>>(args.h_prev + at), n), h = pmadd(u, difference, n);
        pstore(args.h + at, h);
        if (args.y) store_first(args.y[row] + unit, h, args.hidden_size - unit);
        if (!args.kept) return;
        T* kept = args.kept + kGruKept * at;
        pstore(kept, pmul(pload<Packet<T>>(kept), tanh_slope(fraction, inverse)));
        pstore(kept + 2 * lanes, pmul(pload<Packet<T>>(kept + 2 * lanes), difference));
    }
};

template <class T>
void gru_reset_forward(const CellForwardArgs<T>& args) {
    const Index vectors = 2 * ceil_div(args.hidden_size, kLanes<T>);
    run_phase<GruResetForward<T>>(args, state_rows(args), 0, args.rows, args.state_size, vectors);
}

template <class T>
void gru_candidate_forward(const CellForwardArgs<T>& args) {
    const Index vectors = ceil_div(args.hidden_size, kLanes<T>);
    run_phase<GruCandidateForward<T>>(args, reset_rows(args), 0, args.rows, args.hidden_size, vectors);
}

// h = tanh(z), and dh/dz = 1 - h^2
template <class T>
struct TanhUnit {
    static constexpr bool kKeepsSlope = true;
    Packet<T> h;

    FASTLSTM_INLINE explicit TanhUnit(const Packet<T>& z) : t(tanh_fraction(z)) {
        h = pdiv(t.numerator, t.denominator);
    }

    FASTLSTM_INLINE Packet<T> slope() const {
        const Packet<T> p = pdiv(t.gap, t.denominator);
        return pmadd(p, Eigen::internal::pabs(h), p);
    }
    static FASTLSTM_INLINE Packet<T> backward(const Packet<T>& dh, const Packet<T>& slope) { return pmul(dh, slope); }

private:
    Fraction<Packet<T>> t;
};

// h = max(z, 0), which tells its slope; what is not let through may be infinite
template <class T>
struct ReluUnit {
    static constexpr bool kKeepsSlope = false;
    Packet<T> h;

    FASTLSTM_INLINE explicit ReluUnit(const Packet<T>& z) : h(at_least(z, constant<T>(0))) {}

    static FASTLSTM_INLINE Packet<T> backward(const Packet<T>& dh, const Packet<T>& h) {
        return Eigen::internal::pselect(Eigen::internal::pcmp_lt(constant<T>(0), h), dh, h);  // else h is 0, or NaN
    }
};

// h = unit(z + h_prev R)
template <class T, class Unit>
struct RnnForward {
    using Number = T;
    static constexpr int kOfCell = 1;

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& z, const CellForwardArgs<T>& args, const VisitRows<T>& left, Index row,
                                    Index group, Index pitch) {
        pre_activations(z, args, left, row, group, pitch);
    }

    template <class Z>
    static FASTLSTM_INLINE void cell(const CellForwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        const Index unit = (group * kGroup + v) * kLanes<T>, at = row * pitch + unit;
        const Unit cell(z(0));
        pstore(args.h + at, cell.h);
        if (args.y) store_first(args.y[row] + unit, cell.h, args.hidden_size - unit);
        if constexpr (Unit::kKeepsSlope) {
            if (args.kept) pstore(args.kept + at, cell.slope());
        }
    }
};

template <class T, class Unit>
constexpr bool kIsShort<RnnForward<T, Unit>> = true;

template <class T, class Unit>
void rnn_forward(const CellForwardArgs<T>& args) {
    const Index vectors = ceil_div(args.hidden_size, kLanes<T>);
    const VisitRows<T> left(args);
    run_phase<RnnForward<T, Unit>>(args, left, 0, args.rows, left.depth, vectors);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
