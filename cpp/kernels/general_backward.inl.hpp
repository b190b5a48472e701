// General cells, backward: the sums that forward kept go through the activations again.
#pragma once

#include "backward.inl.hpp"
#include "general_forward.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Which slots of the group buffer R^T goes with: `count` gates of `slots` slots each, from `first` on.
struct RecurrentSlots {
    Index first, slots, count;
};

// The left rows of the products with R^T: those of all gates together, or with masks of every gate apart.
template <class T>
struct GateRows {
    LeftRuns<T> of[kGroup];

    FASTLSTM_INLINE GateRows(const CellBackwardArgs<T>& args, const RecurrentSlots& gates, Index pitch) {
        const Index slots = gates.slots * gates.count;
        if (!args.recurrent_masks) {
            of[0] = gradient_rows(args, gates.slots == kGroup ? pitch : slots * pitch, gates.first, slots);
            return;
        }
        CellBackwardArgs<T> apart = args;
        for (Index gate = 0; gate < gates.count; ++gate) {
            of[gate] = gradient_rows(apart, pitch, gates.first + gate * gates.slots, gates.slots);
            apart.rounded = behind<T>(apart.rounded, args.next_rows, pitch);
        }
    }
};

// acc += sum over the gates of mask (dgates_next of the gate · R^T of the gate)
template <class T>
FASTLSTM_INLINE void add_masked_gradient(const SumsInMemory<T>& acc, const CellBackwardArgs<T>& args,
                                         const GateRows<T>& dgates, Index row, Index group, const RecurrentSlots& gates,
                                         Index masks) {
    constexpr int lanes = kLanes<T>;
    const Index pitch = ceil_div(args.hidden_size, lanes) * lanes;
    Packet<T> memory[kMostSums];
    SumsInMemory<T> part{acc.shape, memory};
    for (Index gate = 0; gate < gates.count; ++gate) {
        multiply(part, Beginning<T>{}, dgates.of[gate], row,
                 panel_of<kGroup>(part.shape.rows, args.packed_gates_t[gate], pitch, group, args.group_begin,
                                  args.group_end, row, args.next_rows));
        set_each(acc, [&](int p, int r, int v) FASTLSTM_INLINED {
            const Index unit = ((group + p) * kGroup + v) * lanes;
            const T* mask = args.recurrent_masks + ((row + r) * masks + gate) * pitch + unit;
            return pmadd(pload<Packet<T>>(mask), part.at(p, r, v), acc.at(p, r, v));
        });
    }
}

// dh = dy + dgates_next · R^T for a tile, left in its places
template <class T>
FASTLSTM_APART void state_gradient_tile(const CellBackwardArgs<T>& args, const GateRows<T>& dgates,
                                        const RecurrentSlots& gates, Index masks, const Places<T>& to, Shape shape,
                                        Index row, Index group, Index k) {
    Packet<T> memory[kMostSums];
    SumsInMemory<T> dh{shape, memory};
    if (args.recurrent_masks && row < args.next_rows) {
        set_each(dh, [](int, int, int) FASTLSTM_INLINED { return pset1<Packet<T>>(T(0)); });
        add_masked_gradient(dh, args, dgates, row, group, gates, masks);
    } else {
        state_gradient(dh, args, dgates.of[0], k, row, group, padded_units<T>(args));
    }
    set_each(dh, [&](int p, int r, int v) FASTLSTM_INLINED {
        const Index unit = ((group + p) * kGroup + v) * kLanes<T>;
        return with_output_gradient(args, row + r, unit, dh.at(p, r, v));
    });
    for_places(dh, to, row, group, kGroup, [](const Packet<T>& sum, T* place) FASTLSTM_INLINED { pstore(place, sum); });
}

// Tiles of the rows that go on, whose products have k numbers, then of those that end here; calls tile(Count<Groups>,
// Height, Count<Vectors>, row, group).
template <class T, class F>
FASTLSTM_INLINE void for_backward_tiles(const CellBackwardArgs<T>& args, Index k, const F& tile) {
    const Index vectors = ceil_div(args.hidden_size, kLanes<T>);
    for_vector_tiles<T>(args.next_rows, k, vectors, args.group_begin, args.group_end, tile);
    for_vector_tiles<T>(
        args.rows - args.next_rows, k, vectors, args.group_begin, args.group_end,
        [&](auto p, auto height, auto v, Index row, Index group) { tile(p, height, v, args.next_rows + row, group); });
}

// As above for a visit. `masks`: of a row in recurrent_masks.
template <class T>
__attribute__((noinline)) void leave_state_gradient(const CellBackwardArgs<T>& args, const RecurrentSlots& gates,
                                                    Index masks, const Places<T>& to) {
    const Index pitch = ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
    const Index k = gates.slots == kGroup ? pitch : gates.slots * gates.count * pitch;
    const GateRows<T> dgates(args, gates, pitch);
    for_backward_tiles(args, k, [&](auto p, auto height, auto v, Index row, Index group) {
        const Shape shape{decltype(p)::value, height.rows, decltype(v)::value};
        state_gradient_tile(args, dgates, gates, masks, to, shape, row, group, k);
    });
}

// The places of a slot of all unit blocks in the group buffer, LSTM and GRU.
template <class T>
FASTLSTM_INLINE Places<T> slot_places(const CellBackwardArgs<T>& args, Index slot) {
    return {args.dgates + slot * kLanes<T>, kGroup * kLanes<T>, 1, args.group_stride};
}

// The first slot of a unit block's gate gradients, LSTM and GRU.
template <class T>
FASTLSTM_INLINE T* block_gradients(const CellBackwardArgs<T>& args, Index row, Index block) {
    return args.dgates + block * args.group_stride + row * kGroup * kLanes<T>;
}

template <class T>
void general_lstm_backward(const CellBackwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Index pitch = ceil_div(args.hidden_size, lanes) * lanes;
    leave_state_gradient(args, {0, 1, 4}, 4, slot_places(args, 0));
    const auto differentiate = [&](Index row, Index block, Index at) {
        T* dz = block_gradients(args, row, block);
        Packet<T> sums[4];
        for (int v = 0; v < 4; ++v) sums[v] = pload<Packet<T>>(args.kept + 4 * at + v * lanes);
        const Packet<T> dh = pload<Packet<T>>(dz), c_prev = pload<Packet<T>>(args.c_prev + at);
        // No zeros stand for peepholes that are not there: gradients of infinite states may be infinite.
        const auto through_peephole = [&](Index gate, const Packet<T>& gradient, const Packet<T>& sum) {
            if (!args.peepholes) return sum;
            return pmadd(gradient, pload<Packet<T>>(args.peepholes + gate * pitch + block * lanes), sum);
        };
        const GeneralLstm<T> cell(options, sums, c_prev);
        const Packet<T> dz_o = pmul(pmul(dh, cell.o.slope), cell.shown.value);
        Packet<T> dc = pmadd(pmul(dh, cell.shown.slope), cell.o.value, pload<Packet<T>>(args.carry + at));
        dc = through_peephole(2, dz_o, dc);
        // f = 1 - i sends what it would take to i, and its own sums, which nobody reads, have zeros
        const Packet<T> dc_i = pmul(dc, cell.i.slope);
        const Packet<T> dz_f = options.input_forget ? constant<T>(0) : pmul(pmul(dc, cell.f.slope), c_prev);
        const Packet<T> ig = pmul(dc_i, cell.g.value);
        const Packet<T> dz_i = options.input_forget ? psub(ig, pmul(dc_i, c_prev)) : ig;
        pstore(dz, dz_i);
        pstore(dz + lanes, dz_f);
        pstore(dz + 2 * lanes, pmul(pmul(dc, cell.g.slope), cell.i.value));
        pstore(dz + 3 * lanes, dz_o);
        const Packet<T> carry = through_peephole(1, dz_f, pmul(dc, cell.f.value));
        pstore(args.carry + at, through_peephole(0, dz_i, carry));
    };
    for_units<T>(args.rows, args.hidden_size, args.group_begin * kGroup, args.group_end * kGroup, differentiate);
}

// What both kinds of GRU share, as gru_mean_derivative. Returns dz_n.
template <class T>
FASTLSTM_INLINE Packet<T> general_mean_derivative(const CellBackwardArgs<T>& args, Index at, const Packet<T>& sum_n,
                                                  const Packet<T>& sum_u, T* dz) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const ValueAndSlope<T> n = evaluate_clipped<T>(options.candidate, sum_n, options.clip);
    const ValueAndSlope<T> u = evaluate_clipped<T>(options.gates, sum_u, options.clip);
    const Packet<T> dh = padd(pload<Packet<T>>(dz), pload<Packet<T>>(args.carry + at));
    const Packet<T> dz_n = pmul(pmul(dh, n.slope), psub(constant<T>(1), u.value));
    pstore(dz, dz_n);
    pstore(dz + 2 * lanes, pmul(pmul(dh, u.slope), psub(pload<Packet<T>>(args.h_prev + at), n.value)));
    pstore(args.carry + at, pmul(dh, u.value));
    return dz_n;
}

template <class T>
void general_gru_backward(const CellBackwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    leave_state_gradient(args, {1, 1, 3}, 3, slot_places(args, 0));
    const auto differentiate = [&](Index row, Index block, Index at) {
        const T* kept = args.kept + 4 * at;
        T* dz = block_gradients(args, row, block);
        const ValueAndSlope<T> r = evaluate_clipped<T>(options.gates, pload<Packet<T>>(kept + lanes), options.clip);
        const Packet<T> dz_n =
            general_mean_derivative(args, at, pload<Packet<T>>(kept), pload<Packet<T>>(kept + 2 * lanes), dz);
        pstore(dz + lanes, pmul(pmul(dz_n, r.slope), pload<Packet<T>>(kept + 3 * lanes)));
        pstore(dz + 3 * lanes, pmul(dz_n, r.value));
    };
    for_units<T>(args.rows, args.hidden_size, args.group_begin * kGroup, args.group_end * kGroup, differentiate);
}

// First phase with the reset gate before the product: all but dz_r.
template <class T>
void general_gru_candidate_backward(const CellBackwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    leave_state_gradient(args, {1, 1, 2}, 3, slot_places(args, 0));
    const auto differentiate = [&](Index row, Index block, Index at) {
        const T* kept = args.kept + 3 * at;
        general_mean_derivative(args, at, pload<Packet<T>>(kept), pload<Packet<T>>(kept + 2 * lanes),
                                block_gradients(args, row, block));
    };
    for_units<T>(args.rows, args.hidden_size, args.group_begin * kGroup, args.group_end * kGroup, differentiate);
}

// Second phase, with m = r h_prev (and its mask):  dm = dz_n R_n^T,  dz_r = dm h_prev gates'(z_r),  carry += dm r
template <class T>
void general_gru_reset_backward(const CellBackwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Index blocks = ceil_div(args.hidden_size, lanes), pitch = blocks * lanes;
    CellBackwardArgs<T> through_candidate = args;  // a product of the same form, with dz_n in place of all gates
    through_candidate.dgates_next = args.dgates;
    through_candidate.next_rows = args.rows;
    through_candidate.next_group_stride = args.group_stride;
    through_candidate.packed_hh_t = args.packed_candidate_t;
    through_candidate.dy = nullptr;
    through_candidate.recurrent_masks = nullptr;
    leave_state_gradient(through_candidate, {0, 1, 1}, 3, slot_places(args, 1));
    for_units<T>(args.rows, args.hidden_size, args.group_begin * kGroup, args.group_end * kGroup,
                 [&](Index row, Index block, Index at) {
                     T* dz = block_gradients(args, row, block);
                     Packet<T> dm = pload<Packet<T>>(dz + lanes);
                     if (args.recurrent_masks) {
                         dm = pmul(dm, pload<Packet<T>>(args.recurrent_masks + (row * 3 + 2) * pitch + block * lanes));
                     }
                     const Packet<T> sum = pload<Packet<T>>(args.kept + 3 * at + lanes);
                     const ValueAndSlope<T> reset = evaluate_clipped<T>(options.gates, sum, options.clip);
                     pstore(dz + lanes, pmul(pmul(dm, reset.slope), pload<Packet<T>>(args.h_prev + at)));
                     pstore(args.carry + at, pmadd(dm, reset.value, pload<Packet<T>>(args.carry + at)));
                 });
}

template <class T>
void general_rnn_backward(const CellBackwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const CellOptions& options = *args.options;
    const Places<T> to{args.dgates, kGroup * lanes, kGroup, args.group_stride};
    leave_state_gradient(args, {0, kGroup, 1}, 1, to);
    const auto differentiate = [&](Index row, Index block, Index at) {
        T* dz = to.first + row * to.row_pitch + to.offset(block);
        const Packet<T> sum = pload<Packet<T>>(args.kept + at);
        pstore(dz, pmul(pload<Packet<T>>(dz), evaluate_clipped<T>(options.gates, sum, options.clip).slope));
    };
    for_units<T>(args.rows, args.hidden_size, args.group_begin * kGroup, args.group_end * kGroup, differentiate);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
