// The time loop, backward: a few visits of gate gradients at a time, then what they mean for x, the weights and the
// bias.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "float_mode.hpp"
#include "gradient_flow.hpp"
#include "interruption.hpp"
#include "sequence.hpp"
#include "weight_gradients.hpp"

namespace fastlstm {

namespace {

template <class T>
class Backward {
public:
    Backward(const Tape<T>& tape, const BackwardArrays<T>& arrays, StopRequested stop_requested)
        : given_(tape),
          tape_(&tape),
          weights_(*tape.weights),
          schedule_(tape.schedule),
          kernels_(weights_.kernels),
          arrays_(arrays),
          packed_hh_transposed_(weights_.packed_hh_transposed()),
          packed_projection_transposed_(weights_.packed_projection_transposed()),
          packed_candidate_transposed_(weights_.packed_candidate_transposed()),
          packed_ih_transposed_(arrays.dx ? weights_.packed_ih_transposed() : Packed<T>{}),
          packed_gates_transposed_(masks() ? gates_transposed(weights_) : GateMatrices{}),
          plan_(schedule_, weights_, true),
          stop_requested_(std::move(stop_requested)),
          interruption_(stop_requested_),
          gathering_(tape, plan_.threads(), GradientFlow<T>::wanted(arrays)),
          arguments_(visit_arguments()),
          sums_(tape, arrays, gathering_, plan_.threads()),
          flow_(tape, arrays, gathering_, plan_.threads()) {
        dh_n_ = load_state(arrays.dh_n, weights_.state_size, state_pitch());
        if (traits(weights_.kind).has_cell_state || traits(weights_.kind).bypasses_gates) {
            carry_ = load_state(arrays.dc_n, weights_.hidden_size, unit_pitch());
        }
        if (weights_.projected()) dunits_ = Buffer<T>(checked_product(schedule_.rows(), unit_pitch()));
        const auto rows = static_cast<std::size_t>(std::max(gathering_.capacity(), schedule_.rows()));
        const Index masked = masks() ? checked_product(schedule_.rows(), state_pitch()) : 0;
        for (int rank = 0; rank < plan_.threads(); ++rank) {
            scratch_.push_back(
                {Pointers(rows), OutPointers(rows), Buffer<T>(masked),
                 RoundedRows<T>(kernels_, static_cast<Index>(rows), std::max(weights_.gates.columns(), state_pitch())),
                 gathering_.end(), 0});
        }
    }

    bool run() {
        if (!back_to(given_.first) || !back_through_sections()) return false;
        if (traits(weights_.kind).has_cell_state) store_state(carry_, arrays_.dc_0);
        sums_.finish();
        flow_.finish();
        return true;
    }

private:
    using Pointers = std::vector<const T*>;
    using OutPointers = std::vector<T*>;
    using GateMatrices = std::array<Packed<T>, kGroup>;
    struct Scratch {
        Pointers in;
        OutPointers out;
        Buffer<T> masked;  // gradients of h_0 before a gate's mask
        RoundedRows<T> rounded;
        Chunk<T> chunk;  // the last one that was gone through, and how many there were
        Index chunks;
    };

    // From checkpoint to checkpoint, where the tape is not there and is made once more.
    bool back_through_sections() {
        Index number = given_.checkpoints.count() - 2;
        if (number < 0) return true;
        section_ = {given_.weights, schedule_, given_.x, given_.general, {}, {}, {}, {}, {}, copied(masks())};
        for (; number >= 0; --number) {
            if (!forward_again(given_, number, *section_, plan_, stop_requested_)) return false;
            tape_ = &*section_;
            sums_.turn_to(*section_);
            flow_.turn_to(*section_);
            if (!back_to(section_->first)) return false;
        }
        return true;
    }

    static Buffer<T> copied(const Buffer<T>& from) {
        Buffer<T> copy(from.size());
        std::copy_n(from.data(), from.size(), copy.data());
        return copy;
    }

    // Goes on back to a visit at which a chunk begins, or 0: then that is all.
    bool back_to(Index visit) {
        plan_.run([&](int rank, Team& team) {
            const FlushSubnormals mode;
            work(rank, team, visit);
        });
        return !interruption_.stopped();
    }

    Index unit_pitch() const { return tape_->unit_pitch(); }
    Index state_pitch() const { return tape_->state_pitch(); }
    const Buffer<T>& masks() const { return given_.recurrent_masks; }

    static GateMatrices gates_transposed(const Weights<T>& weights) {
        GateMatrices gates{};
        for (Index gate = 0; gate < weights.recurrent.gates; ++gate) {
            gates[static_cast<std::size_t>(gate)] = weights.packed_gate_transposed(gate);
        }
        return gates;
    }

    Buffer<T> load_state(const T* from, Index size, Index pitch) const {
        auto state = Buffer<T>::zeroed(checked_product(schedule_.rows(), pitch));
        for (Index row = 0; from && row < schedule_.rows(); ++row) {
            std::copy_n(from + schedule_.original(row) * size, size, state.data() + row * pitch);
        }
        return state;
    }

    void store_state(const Buffer<T>& state, T* to) const {
        const Index H = weights_.hidden_size;
        for (Index row = 0; row < schedule_.rows(); ++row) {
            std::copy_n(state.data() + row * unit_pitch(), H, to + schedule_.original(row) * H);
        }
    }

    void work(int rank, Team& team, Index begin) {
        Chunk<T>& chunk = scratch_[static_cast<std::size_t>(rank)].chunk;
        Index& number = scratch_[static_cast<std::size_t>(rank)].chunks;
        for (; chunk.begin > begin; ++number) {
            if (interruption_.at_chunk(rank, number)) return;
            const Chunk<T> after = chunk;
            chunk = gathering_.before(after, number, begin);
            for (Index visit = chunk.end - 1; visit >= chunk.begin; --visit) {
                step(plan_.slice(rank), rank, team, chunk, visit + 1 == chunk.end ? after : chunk, visit);
                if (plan_.split_units()) team.barrier();
            }
            if (!plan_.split_units()) team.barrier();
            gathering_.for_parts(chunk, [&](const Chunk<T>& part) {
                sums_.add(rank, part);
                if (arrays_.dx) input_gradients(rank, part);
                if (GradientFlow<T>::wanted(arrays_)) flow_.add(rank, part);
            });
        }
        if (begin > 0) return;
        sums_.store(rank);
        initial_state_gradients(rank, chunk);
    }

    // The arguments of a visit that are the layer's own.
    CellBackwardArgs<T> visit_arguments() const {
        CellBackwardArgs<T> args{};
        args.hidden_size = weights_.hidden_size;
        args.packed_hh_t = packed_hh_transposed_;
        args.packed_candidate_t = packed_candidate_transposed_;
        args.next_group_stride = args.group_stride = gathering_.group_stride();
        args.options = &weights_.options;
        args.peepholes = weights_.peepholes();
        std::copy(packed_gates_transposed_.begin(), packed_gates_transposed_.end(), args.packed_gates_t);
        return args;
    }

    void step(const Slice& slice, int rank, Team& team, const Chunk<T>& chunk, const Chunk<T>& next, Index visit) {
        const Index first = slice.rows.begin;
        const auto rows_of = [&](Index active) { return std::max<Index>(0, std::min(active, slice.rows.end) - first); };
        CellBackwardArgs<T> args = arguments_;
        args.rows = rows_of(schedule_.active(visit));
        if (args.rows == 0) return;
        args.group_begin = slice.units.begin;
        args.group_end = slice.units.end;
        args.descending = visit % 2 == 1;
        args.next_rows = rows_of(schedule_.active(visit + 1));
        if (args.next_rows > 0) args.dgates_next = gathering_.dgates(next, visit + 1) + first * gathering_.row_pitch();
        args.rounded = scratch_[static_cast<std::size_t>(rank)].rounded.rounding();
        args.dgates = gathering_.dgates(chunk, visit) + first * gathering_.row_pitch();
        args.dh_n = dh_n_.data() + first * state_pitch();
        args.h = tape_->h_before(visit + 1) + first * state_pitch();
        args.h_prev = tape_->h_before(visit) + first * state_pitch();
        if (tape_->c) args.c_prev = tape_->c_before(visit) + first * unit_pitch();
        if (carry_) args.carry = carry_.data() + first * unit_pitch();
        if (tape_->kept) {
            const Index pitch = traits(weights_.kind).kept_slots(tape_->general) * unit_pitch();
            args.kept = tape_->kept.data() + (tape_->rows_before(visit) + first) * pitch;
        }
        if (masks()) args.recurrent_masks = tape_->mask_of(first, 0);
        take_state_gradients(slice, rank, team, chunk, visit, args);
        const auto& phases = cell_kernels(kernels_, weights_.kind, tape_->general).backward;
        phases[0](args);
        clear_padding(args, {0, traits(weights_.kind).gates == 1 ? 1 : kGroup});
        if (!phases[1]) return;
        if (plan_.split_units()) team.barrier();
        phases[1](args);
        clear_padding(args, kResetSlots);  // alone, as others may still read n
    }

    // The zeros that fill up the weights are NaN times an infinite input. What that leaves past the last unit must not
    // meet the zeros again in a product that ends in real numbers. For the slots of a unit block.
    void clear_padding(const CellBackwardArgs<T>& args, const Slots& slots) const {
        const Layout& units = weights_.units;
        if (units.columns() == units.size || args.group_end < units.groups()) return;
        const Index last = units.vectors() - 1, real = units.real_lanes(last), lanes = units.lanes;
        const bool one_gate = traits(weights_.kind).gates == 1;  // a group is four unit blocks then
        T* dz = args.dgates + (one_gate ? last / kGroup : last) * args.group_stride;
        if (one_gate) dz += last % kGroup * lanes;
        for (Index row = 0; row < args.rows; ++row, dz += gathering_.row_pitch()) {
            for (Index slot = slots.first; slot < slots.first + slots.count; ++slot) {
                std::fill(dz + slot * lanes + real, dz + (slot + 1) * lanes, T(0));
            }
        }
    }

    // What the kernel makes dh of; or dh itself, where it is summed up here, as somebody else wants it too: then the
    // cell finds the gradient of its units where it looks for that of rows that end, and nothing to add.
    void take_state_gradients(const Slice& slice, int rank, Team& team, const Chunk<T>& chunk, Index visit,
                              CellBackwardArgs<T>& args) {
        const Index first = slice.rows.begin;
        T* dstates = nullptr;
        if (gathering_.has_states()) {
            dstates = gathering_.dstates(chunk, visit) + first * state_pitch();
            add_up_state_gradients(slice, scratch_[static_cast<std::size_t>(rank)], args, visit, dstates);
        }
        if (dstates && !masks()) {
            args.dh_n = weights_.projected() ? pull_projection(slice, rank, team, args, dstates) : dstates;
            args.next_rows = 0;
        } else if (arrays_.dy) {
            args.dy = output_gradient_rows(rank, visit, first, args.rows);
        }
        if (!gathering_.has_cells()) return;
        const T* dunits = masks() ? dstates : args.dh_n;
        flow_.gather_cells(rank, args, visit, first, dunits, gathering_.dcells(chunk, visit) + first * unit_pitch());
    }

    // The way from the state back to the units that were projected to it: dunits = dh W_hr.
    const T* pull_projection(const Slice& slice, int rank, Team& team, const CellBackwardArgs<T>& args,
                             const T* dstates) {
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        if (plan_.split_units()) team.barrier();
        T* dunits = dunits_.data() + slice.rows.begin * unit_pitch();
        point_to_rows(dstates, state_pitch(), args.rows, scratch.in.data());
        point_to_rows(dunits, unit_pitch(), args.rows, scratch.out.data());
        const Index k = state_pitch();
        kernels_.product({scratch.in.data(), args.rows, k, k, 0, scratch.rounded.rounding(),
                          packed_projection_transposed_, nullptr, slice.units.begin, slice.units.end,
                          scratch.out.data(), unit_pitch()});
        return dunits;
    }

    // dh of every row, the slice's range of its numbers: dgates_next R^T, or dh_n, + dy + what bypasses the gates.
    void add_up_state_gradients(const Slice& slice, Scratch& scratch, const CellBackwardArgs<T>& args, Index visit,
                                T* dstates) {
        const Range numbers = numbers_of(slice.states);
        if (numbers.begin >= numbers.end) return;
        multiply_next(slice, scratch, args, dstates);
        for (Index row = 0; row < args.rows; ++row) {
            T* out = dstates + row * state_pitch();
            const T* ended = args.dh_n + row * state_pitch();
            if (row >= args.next_rows) std::copy(ended + numbers.begin, ended + numbers.end, out + numbers.begin);
            if (!arrays_.dy) continue;
            const Index at = slice.rows.begin + row, end = std::min(numbers.end, weights_.state_size);
            const T* dy = arrays_.dy.row(schedule_.time(visit, at), schedule_.original(at));
            for (Index number = numbers.begin; number < end; ++number) out[number] += dy[number];
        }
        if (traits(weights_.kind).bypasses_gates) add_carry(args, numbers, dstates);
    }

    // dgates_next R^T for the rows that go on.
    void multiply_next(const Slice& slice, Scratch& scratch, const CellBackwardArgs<T>& args, T* dstates) {
        const Range rows{0, args.next_rows};
        const auto out = [&](Index row) { return dstates + row * state_pitch(); };
        if (masks()) {
            const T* first_mask = tape_->mask_of(slice.rows.begin, 0);
            return multiply_masked(scratch, args.dgates_next, first_mask, rows, slice.states, out);
        }
        const Slots slots = traits(weights_.kind).recurrent_slots;
        for (Index row = 0; row < args.next_rows; ++row) {
            scratch.in[static_cast<std::size_t>(row)] = from_slot(args.dgates_next, row, slots);
            scratch.out[static_cast<std::size_t>(row)] = out(row);
        }
        multiply_gradients(scratch, rows, slots, weights_.recurrent.columns(), packed_hh_transposed_, slice.states,
                           state_pitch());
    }

    // What bypasses the gates moves over to dh, unless the kernel adds it: minus zero leaves every number as it is.
    void add_carry(const CellBackwardArgs<T>& args, const Range& numbers, T* dstates) const {
        for (Index row = 0; row < args.rows; ++row) {
            T* carry = args.carry + row * state_pitch();
            T* out = dstates + row * state_pitch();
            for (Index number = numbers.begin; number < numbers.end; ++number) out[number] += carry[number];
            if (!masks()) std::fill(carry + numbers.begin, carry + numbers.end, -T(0));
        }
    }

    // Numbers of a state in some of its groups.
    Range numbers_of(const Range& groups) const {
        const Index width = kGroup * weights_.states.lanes;
        return {groups.begin * width, std::min(groups.end * width, state_pitch())};
    }
    // Where a row of gate gradients begins that a product takes from some slots on.
    const T* from_slot(const T* dgates, Index row, const Slots& slots) const {
        return dgates + row * gathering_.row_pitch() + slots.first * weights_.gates.lanes;
    }

    const T* const* output_gradient_rows(int rank, Index visit, Index first, Index rows) {
        Pointers& dy = scratch_[static_cast<std::size_t>(rank)].in;
        point_to_visit(arrays_.dy, schedule_, visit, {first, first + rows}, dy.data());
        return dy.data();
    }

    // out[n] = in[n] · B, where in[n] points to gate gradients, of which the given slots go with the k rows of B; the
    // given groups of columns, up to a number of columns.
    void multiply_gradients(const Scratch& scratch, Range rows, const Slots& slots, Index k, const Packed<T>& packed,
                            const Range& groups, Index columns) const {
        const Index run = slots.count * weights_.gates.lanes;
        kernels_.product({scratch.in.data() + rows.begin, rows.end - rows.begin, k, run, gathering_.group_stride(),
                          scratch.rounded.rounding(), packed, nullptr, groups.begin, groups.end,
                          scratch.out.data() + rows.begin, columns});
    }

    // out(row) = sum over the gates of mask (dgates R^T), some groups of its numbers. The gate gradients and masks of
    // the rows follow on those given.
    template <class Out>
    void multiply_masked(Scratch& scratch, const T* dgates, const T* masks_of_rows, Range rows, const Range& groups,
                         const Out& out) const {
        const Range numbers = numbers_of(groups);
        const Index gates = weights_.gates.gates, end = std::min(numbers.end, weights_.state_size);
        for (Index gate = 0; gate < weights_.recurrent.gates; ++gate) {
            const Slots slots = traits(weights_.kind).recurrent_slots_of(gate);
            for (Index row = rows.begin; row < rows.end; ++row) {
                scratch.in[static_cast<std::size_t>(row)] = from_slot(dgates, row, slots);
                scratch.out[static_cast<std::size_t>(row)] = scratch.masked.data() + row * state_pitch();
            }
            multiply_gradients(scratch, rows, slots, unit_pitch(),
                               packed_gates_transposed_[static_cast<std::size_t>(gate)], groups, state_pitch());
            for (Index row = rows.begin; row < rows.end; ++row) {
                T* sum = out(row);
                const T* part = scratch.masked.data() + row * state_pitch();
                const T* mask = masks_of_rows + (row * gates + gate) * state_pitch();
                for (Index unit = numbers.begin; unit < end; ++unit) {
                    sum[unit] = (gate ? sum[unit] : T(0)) + mask[unit] * part[unit];
                }
            }
        }
    }

    // dx = dgates W^T, the rows of the part shared out.
    void input_gradients(int rank, const Chunk<T>& part) {
        const Index total = gathering_.rows(part);
        const Slots slots = traits(weights_.kind).input_slots;
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        point_to_rows(gathering_.row(part, 0, slots), gathering_.row_pitch(), total, scratch.in.data());
        gathering_.for_visits(part, [&](Index visit, Index rows, Index number) {
            point_to_visit(arrays_.dx, schedule_, visit, {0, rows}, scratch.out.data() + number);
        });
        multiply_gradients(scratch, thread_range(total, rank, plan_.threads()), slots, weights_.gates.columns(),
                           packed_ih_transposed_, {0, weights_.inputs.groups()}, weights_.input_size);
    }

    // dh_0 = dgates R^T of visit 0, and what bypassed the gates; a row without a visit passes its gradient on.
    void initial_state_gradients(int rank, const Chunk<T>& first) {
        const Index S = weights_.state_size;
        const Range range = thread_range(schedule_.rows(), rank, plan_.threads());
        const Index running = std::max(range.begin, std::min(range.end, schedule_.active(0)));
        for (Index row = running; row < range.end; ++row) {
            std::copy_n(dh_n_.data() + row * state_pitch(), S, arrays_.dh_0 + schedule_.original(row) * S);
        }
        if (masks()) {
            multiply_masked(scratch_[static_cast<std::size_t>(rank)], gathering_.dgates(first, first.begin),
                            tape_->mask_of(0, 0), {range.begin, running}, {0, weights_.states.groups()},
                            [&](Index row) { return arrays_.dh_0 + schedule_.original(row) * S; });
        } else {
            plain_initial_gradients(rank, first, {range.begin, running});
        }
        if (!traits(weights_.kind).bypasses_gates) return;
        for (Index row = range.begin; row < running; ++row) {
            T* out = arrays_.dh_0 + schedule_.original(row) * S;
            const T* carry = carry_.data() + row * unit_pitch();
            for (Index unit = 0; unit < S; ++unit) out[unit] += carry[unit];
        }
    }

    void plain_initial_gradients(int rank, const Chunk<T>& first, Range rows) {
        const Slots slots = traits(weights_.kind).recurrent_slots;
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for (Index row = rows.begin; row < rows.end; ++row) {
            scratch.in[static_cast<std::size_t>(row)] = gathering_.row(first, row, slots);
            scratch.out[static_cast<std::size_t>(row)] = arrays_.dh_0 + schedule_.original(row) * weights_.state_size;
        }
        multiply_gradients(scratch, rows, slots, weights_.recurrent.columns(), packed_hh_transposed_,
                           {0, weights_.states.groups()}, weights_.state_size);
    }

    const Tape<T>& given_;
    std::optional<Tape<T>> section_;  // what is made once more
    const Tape<T>* tape_;             // what is gone through
    const Weights<T>& weights_;
    const Schedule& schedule_;
    const Kernels<T>& kernels_;
    const BackwardArrays<T>& arrays_;
    // Made by several threads if they are new, so before the plan claims the pool.
    const Packed<T> packed_hh_transposed_;
    const Packed<T> packed_projection_transposed_;
    const Packed<T> packed_candidate_transposed_;
    const Packed<T> packed_ih_transposed_;
    const GateMatrices packed_gates_transposed_;  // with masks
    Plan plan_;
    const StopRequested stop_requested_;
    Interruption interruption_;
    const Gathering<T> gathering_;
    const CellBackwardArgs<T> arguments_;  // of every visit
    WeightGradients<T> sums_;
    GradientFlow<T> flow_;
    Buffer<T> dh_n_;
    Buffer<T> carry_;   // LSTM: gradient of c; GRU: what of the gradient of h bypasses the gates
    Buffer<T> dunits_;  // with a projection: gradients of the units at one visit, a thread's range its own
    std::vector<Scratch> scratch_;
};

}  // namespace

template <class T>
bool backward(const Tape<T>& tape, const BackwardArrays<T>& arrays, StopRequested stop_requested) {
    if (!Backward<T>(tape, arrays, stop_requested).run()) return false;
    if (arrays.dx) clear_skipped(arrays.dx, tape.schedule, tape.weights->input_size);
    return true;
}

template bool backward(const Tape<float>&, const BackwardArrays<float>&, StopRequested);
template bool backward(const Tape<double>&, const BackwardArrays<double>&, StopRequested);

}  // namespace fastlstm
