// General cells: any activations, clipped sums, peepholes, coupled gates, masked recurrent inputs.
//
// A visit takes two sweeps over its units where the standard cells take one: the products first leave their sums in
// memory, `kept` forward and the group buffer backward, and the cell's equations follow on those. So the products are
// compiled once for all options, and the options are branches that cost nothing beside them. Sums are kept for
// backward, and activations evaluated again there.
#pragma once

#include "any_activation.inl.hpp"
#include "forward.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// --- Sums ------------------------------------------------------------------------------------------------------------

// Left rows of a product. With masks a row has `count` versions, one a gate, `pitch` apart.
template <class T>
struct Operands {
    const T* first;
    Index row_pitch;
    Index count, pitch;

    static Operands of_state(const CellForwardArgs<T>& args, Index gates, Index gates_here) {
        const Index pitch = ceil_div(args.state_size, kLanes<T>) * kLanes<T>;
        if (!args.h_masked) return {args.h_prev, pitch, 1, 0};
        return {args.h_masked, gates * pitch, gates_here, pitch};
    }
};

// Where the vectors of a row lie: `per_block` of them side by side, blocks `block_pitch` apart.
template <class T>
struct Places {
    T* first;
    Index row_pitch, per_block, block_pitch;

    Index offset(Index vector) const { return vector / per_block * block_pitch + vector % per_block * kLanes<T>; }
};

// The right side of a product.
template <class T>
struct Panels {
    Packed<T> packed;
    Index k, vectors, group;  // rows, columns in vectors, vectors of a group
};

// sums[r][v] += a(r, gate of v) · B[v] over K numbers, where the vectors of B are those of the gates in turn.
template <class T>
void multiply_add_masked(const SumsInMemory<T>& sums, const Operands<T>& operands, Index row, const Panel<T>& panel,
                         Index k_total) {
    for (int p = 0; p < sums.shape.groups; ++p) {
        for (Index k = 0; k < k_total; ++k) {
            for (int v = 0; v < sums.shape.vectors; ++v) {
                const Packet<T> w = right_vector(panel, p, k, v, sums.shape.vectors);
                const T* a = operands.first + v % operands.count * operands.pitch + row * operands.row_pitch + k;
                for (int r = 0; r < sums.shape.rows; ++r) {
                    Packet<T>& sum = sums.at(p, r, v);
                    sum = pmadd(left_number(a[r * operands.row_pitch]), w, sum);
                }
            }
        }
    }
}

// Calls f(sum, place of it) for the sums of a tile, whose rows and groups of so many vectors begin at these.
template <class T, class F>
FASTLSTM_INLINE void for_places(const SumsInMemory<T>& sums, const Places<T>& places, Index row, Index group,
                                Index vectors, const F& f) {
    for (int p = 0; p < sums.shape.groups; ++p) {
        for (int v = 0; v < sums.shape.vectors; ++v) {
            T* place = places.first + row * places.row_pitch + places.offset((group + p) * vectors + v);
            for (int r = 0; r < sums.shape.rows; ++r) f(sums.at(p, r, v), place + r * places.row_pitch);
        }
    }
}

// places += operands · B for a tile, with the operands as left rows
template <class T>
FASTLSTM_APART void add_product(const Operands<T>& operands, const LeftRows<T>& rows, const Panels<T>& panels,
                                const Places<T>& places, Shape shape, Index row, Index group) {
    const Panel<T> panel = panel_at(panels.packed, panels.k, group, panels.group * kLanes<T>);
    Packet<T> memory[kMostSums];
    SumsInMemory<T> sums{shape, memory};
    for_places(sums, places, row, group, panels.group,
               [](Packet<T>& sum, const T* place) FASTLSTM_INLINED { sum = pload<Packet<T>>(place); });
    if (operands.count == 1) {
        multiply_add(sums, rows, row, panel);
    } else if constexpr (kTrains) {
        multiply_add_masked(sums, operands, row, panel, panels.k);
    }
    for_places(sums, places, row, group, panels.group,
               [](const Packet<T>& sum, T* place) FASTLSTM_INLINED { pstore(place, sum); });
}

// sums += operands · B for the groups of a visit
template <class T>
__attribute__((noinline)) void add_products(const CellForwardArgs<T>& args, const Operands<T>& operands,
                                            const Panels<T>& panels, const Places<T>& sums) {
    LeftRows<T> left{};
    if (operands.count == 1) left = left_rows(operands.first, operands.row_pitch, args.rows, panels.k, args.rounded);
    if (panels.group == 3) {
        for_tiles<T, 3>(args.rows, panels.k, args.group_begin, args.group_end,
                        [&](auto p, auto height, Index row, Index group) {
                            const Shape shape{decltype(p)::value, height.rows, 3};
                            add_product(operands, left, panels, sums, shape, row, group);
                        });
        return;
    }
    for_vector_tiles<T>(args.rows, panels.k, panels.vectors, args.group_begin, args.group_end,
                        [&](auto p, auto height, auto v, Index row, Index group) {
                            const Shape shape{decltype(p)::value, height.rows, decltype(v)::value};
                            add_product(operands, left, panels, sums, shape, row, group);
                        });
}

// Calls f(row, block, place of the unit block in a state) for rows [0, rows) and unit blocks [begin, end).
template <class T, class F>
FASTLSTM_INLINE void for_units(Index rows, Index hidden_size, Index begin, Index end, const F& f) {
    constexpr int lanes = kLanes<T>;
    const Index blocks = ceil_div(hidden_size, lanes);
    for (Index row = 0; row < rows; ++row)
        for (Index block = begin; block < at_most(end, blocks); ++block) f(row, block, (row * blocks + block) * lanes);
}

// Lanes past the last unit are zero in what the next visit starts from: with some activations they would grow until
// backward multiplies their infinities by zero.
template <class T>
FASTLSTM_INLINE Packet<T> real_lanes(const CellForwardArgs<T>& args, Index block, const Packet<T>& state) {
    const Index remaining = args.hidden_size - block * kLanes<T>;
    if (remaining >= kLanes<T>) return state;
    alignas(64) T lanes[kLanes<T>];
    pstore(lanes, state);
    return load_first(lanes, remaining);
}

template <class T>
FASTLSTM_INLINE void store_state(const CellForwardArgs<T>& args, Index row, Index block, Index at, const Packet<T>& h) {
    const Index unit = block * kLanes<T>;
    pstore(args.h + at, real_lanes(args, block, h));
    if (args.y) store_first(args.y[row] + unit, h, args.hidden_size - unit);
}

// --- LSTM ------------------------------------------------------------------------------------------------------------

// s_i = z_i + p_i c_prev,  s_f = z_f + p_f c_prev,  i, f = gates(s_i, s_f) or f = 1 - i,  g = candidate(z_g)
// c = f c_prev + i g
// s_o = z_o + p_o c,  o = gates(s_o),  h = o output(c)
// The sums are cut to +-clip before the activations.
template <class T>
struct GeneralLstm {
    ValueAndSlope<T> i, f, g, o, shown;
    Packet<T> c;

    // sums: z_i, z_f, z_g, z_o, of which the first, second and fourth become s_i, s_f, s_o
    FASTLSTM_INLINE GeneralLstm(const CellOptions& options, const T* peepholes, Index pitch, Index unit,
                                Packet<T> (&sums)[4], const Packet<T>& c_prev) {
        const auto peep = [&](Index gate, Packet<T>& sum, const Packet<T>& state) {
            if (peepholes) sum = pmadd(pload<Packet<T>>(peepholes + gate * pitch + unit), state, sum);
        };
        peep(0, sums[0], c_prev);
        peep(1, sums[1], c_prev);
        evaluate_all_but_output(options, sums, c_prev);
        peep(2, sums[3], c);
        finish(options, sums);
    }
    // From sums that have their peepholes already.
    FASTLSTM_INLINE GeneralLstm(const CellOptions& options, const Packet<T> (&sums)[4], const Packet<T>& c_prev) {
        evaluate_all_but_output(options, sums, c_prev);
        finish(options, sums);
    }

private:
    FASTLSTM_INLINE void evaluate_all_but_output(const CellOptions& options, const Packet<T> (&sums)[4],
                                                 const Packet<T>& c_prev) {
        i = evaluate_clipped<T>(options.gates, sums[0], options.clip);
        if (options.input_forget) {
            f = {psub(constant<T>(1), i.value), constant<T>(0)};
        } else {
            f = evaluate_clipped<T>(options.gates, sums[1], options.clip);
        }
        g = evaluate_clipped<T>(options.candidate, sums[2], options.clip);
        c = pmadd(f.value, c_prev, pmul(i.value, g.value));
    }
    FASTLSTM_INLINE void finish(const CellOptions& options, const Packet<T> (&sums)[4]) {
        o = evaluate_clipped<T>(options.gates, sums[3], options.clip);
        shown = evaluate<T>(options.output, c);
    }
};

// Copies z into `kept`, where the products are added to it.
template <class T>
FASTLSTM_INLINE void copy_sums(const CellForwardArgs<T>& args, Index vectors, Index first, Index end) {
    constexpr int lanes = kLanes<T>;
    for (Index row = 0; row < args.rows; ++row)
        for (Index vector = first; vector < at_most(end, vectors); ++vector) {
            const Index at = (row * vectors + vector) * lanes;
            pstore(args.kept + at, pload<Packet<T>>(args.z + at));
        }
}

template <class T>
void general_lstm_forward(const CellForwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const Index blocks = ceil_div(args.hidden_size, lanes), vectors = 4 * blocks;
    copy_sums(args, vectors, args.group_begin * kGroup, args.group_end * kGroup);
    add_products(args, Operands<T>::of_state(args, 4, 4), {args.packed_hh, args.state_size, vectors, kGroup},
                 {args.kept, vectors * lanes, 4, 4 * lanes});
    for_units<T>(args.rows, args.hidden_size, args.group_begin, args.group_end, [&](Index row, Index block, Index at) {
        T* kept = args.kept + 4 * at;
        Packet<T> sums[4];
        for (int v = 0; v < 4; ++v) sums[v] = pload<Packet<T>>(kept + v * lanes);
        const GeneralLstm<T> cell(*args.options, args.peepholes, blocks * lanes, block * lanes, sums,
                                  pload<Packet<T>>(args.c_prev + at));
        for (int v = 0; v < 4; ++v) pstore(kept + v * lanes, sums[v]);
        pstore(args.c + at, real_lanes(args, block, cell.c));
        store_state(args, row, block, at, pmul(cell.o.value, cell.shown.value));
    });
}

// --- GRU -------------------------------------------------------------------------------------------------------------

// (1 - u) n + u h_prev, not the n + u (h_prev - n) of tanh: an infinite n takes itself off there, which is NaN.
template <class T>
FASTLSTM_INLINE Packet<T> general_mean(const Packet<T>& u, const Packet<T>& n, const Packet<T>& h_prev) {
    return pmadd(u, h_prev, pmul(psub(constant<T>(1), u), n));
}

// r, u = gates(z_r, z_u),  n = candidate(z_n + r a),  h = (1 - u) n + u h_prev
template <class T>
void general_gru_forward(const CellForwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Index k = args.hidden_size, blocks = ceil_div(k, lanes);
    for_units<T>(args.rows, k, args.group_begin, args.group_end, [&](Index, Index block, Index at) {
        for (int v = 0; v < 3; ++v)
            pstore(args.kept + 4 * at + v * lanes, pload<Packet<T>>(args.z + 3 * at + v * lanes));
        pstore(args.kept + 4 * at + 3 * lanes, pload<Packet<T>>(args.recurrent_bias + block * lanes));
    });
    add_products(args, Operands<T>::of_state(args, 3, 3), {args.packed_hh, k, 3 * blocks, 3},
                 {args.kept + lanes, 4 * blocks * lanes, 3, 4 * lanes});
    for_units<T>(args.rows, k, args.group_begin, args.group_end, [&](Index row, Index block, Index at) {
        T* kept = args.kept + 4 * at;
        const Packet<T> r = evaluate_clipped<T>(options.gates, pload<Packet<T>>(kept + lanes), options.clip).value;
        const Packet<T> u = evaluate_clipped<T>(options.gates, pload<Packet<T>>(kept + 2 * lanes), options.clip).value;
        const Packet<T> sum = pmadd(r, pload<Packet<T>>(kept + 3 * lanes), pload<Packet<T>>(kept));
        const Packet<T> n = evaluate_clipped<T>(options.candidate, sum, options.clip).value;
        pstore(kept, sum);
        store_state(args, row, block, at, general_mean<T>(u, n, pload<Packet<T>>(args.h_prev + at)));
    });
}

// First phase with the reset gate before the product: r = gates(z_r), and h_reset = r h_prev.
template <class T>
void general_gru_reset_forward(const CellForwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Index k = args.hidden_size, blocks = ceil_div(k, lanes);
    const Index first = 2 * args.group_begin, end = 2 * args.group_end;
    const auto kept_of = [&](Index row, Index block) { return args.kept + 3 * (row * blocks + block) * lanes; };
    for_units<T>(args.rows, k, first, end, [&](Index, Index, Index at) {
        for (int v = 0; v < 3; ++v)
            pstore(args.kept + 3 * at + v * lanes, pload<Packet<T>>(args.z + 3 * at + v * lanes));
    });
    add_products(args, Operands<T>::of_state(args, 3, 2), {args.packed_hh, k, 2 * blocks, kGroup},
                 {args.kept + lanes, 3 * blocks * lanes, 2, 3 * lanes});
    const T* h = args.h_masked ? args.h_masked + 2 * blocks * lanes : args.h_prev;
    const Index h_pitch = (args.h_masked ? 3 : 1) * blocks * lanes;
    for_units<T>(args.rows, k, first, end, [&](Index row, Index block, Index at) {
        const Packet<T> sum = pload<Packet<T>>(kept_of(row, block) + lanes);
        const Packet<T> r = evaluate_clipped<T>(options.gates, sum, options.clip).value;
        pstore(args.h_reset + at, pmul(r, pload<Packet<T>>(h + row * h_pitch + block * lanes)));
    });
}

// Second phase: n = candidate(z_n + h_reset R_n), h = (1 - u) n + u h_prev.
template <class T>
void general_gru_candidate_forward(const CellForwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Index k = args.hidden_size, blocks = ceil_div(k, lanes);
    const auto kept_of = [&](Index row, Index block) { return args.kept + 3 * (row * blocks + block) * lanes; };
    add_products(args, {args.h_reset, blocks * lanes, 1, 0}, {args.packed_candidate, k, blocks, kGroup},
                 {args.kept, 3 * blocks * lanes, 1, 3 * lanes});
    for_units<T>(args.rows, k, args.group_begin * kGroup, args.group_end * kGroup,
                 [&](Index row, Index block, Index at) {
                     const T* kept = kept_of(row, block);
                     const Packet<T> z_n = pload<Packet<T>>(kept), z_u = pload<Packet<T>>(kept + 2 * lanes);
                     const Packet<T> u = evaluate_clipped<T>(options.gates, z_u, options.clip).value;
                     const Packet<T> n = evaluate_clipped<T>(options.candidate, z_n, options.clip).value;
                     store_state(args, row, block, at, general_mean<T>(u, n, pload<Packet<T>>(args.h_prev + at)));
                 });
}

// --- RNN -------------------------------------------------------------------------------------------------------------

// h = gates(z + h_prev R)
template <class T>
void general_rnn_forward(const CellForwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Index k = args.hidden_size, blocks = ceil_div(k, lanes);
    const Index first = args.group_begin * kGroup, end = args.group_end * kGroup;
    copy_sums(args, blocks, first, end);
    add_products(args, Operands<T>::of_state(args, 1, 1), {args.packed_hh, k, blocks, kGroup},
                 {args.kept, blocks * lanes, 1, lanes});
    for_units<T>(args.rows, k, first, end, [&](Index row, Index block, Index at) {
        const Packet<T> sum = pload<Packet<T>>(args.kept + at);
        store_state(args, row, block, at, evaluate_clipped<T>(options.gates, sum, options.clip).value);
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
