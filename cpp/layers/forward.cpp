// The time loop, forward: project the inputs of a few visits, then step through them.
#include <algorithm>
#include <utility>
#include <vector>

#include "float_mode.hpp"
#include "sequence.hpp"
#include "visit.hpp"

namespace fastlstm {

namespace {

// Numbers of projected input held at a time: small enough for the second-level cache beside the weights in use.
constexpr Index kProjected = Index{16} * 1024;
constexpr Index kProjectedRowsAtLeast = 32;
// W is read once for all of them: with so many rows that costs a few hundredths of reading R at every visit.
constexpr Index kInputsOfProjectedRow = 8;

// Rows from which on W is worth reading again at every visit, so that the recurrent product can begin with the
// projection and nothing is projected ahead.
constexpr Index kRowsWorthFusing = 12;

template <class T>
class Forward : public Walk<T> {
public:
    // For the visits begin..end, all of them but in a tape that begins later.
    Forward(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays, Tape<T>* tape,
            const Range& visits, Plan plan, StopRequested stop_requested)
        : weights_(weights),
          schedule_(schedule),
          arrays_(arrays),
          tape_(tape),
          visits_(visits),
          general_(weights.general || arrays.recurrent_masks || (tape && tape->general)),
          cell_(cell_kernels(weights.kernels, weights.kind, general_)),
          arguments_(visit_arguments(weights)),
          plan_(std::move(plan)),
          interruption_(std::move(stop_requested)) {
        const Index visited_rows = tape ? schedule.offset(visits.end) - schedule.offset(visits.begin) : schedule.rows();
        const Index state_rows = schedule.rows() + visited_rows;
        h_ = Buffer<T>(checked_product(state_rows, state_pitch()));
        if (traits(weights.kind).has_cell_state) {
            c_ = Buffer<T>(checked_product(keeps_cell_states() ? state_rows : schedule.rows(), unit_pitch()));
        }
        if (tape || general_) {
            kept_ = Buffer<T>(checked_product(visited_rows, traits(weights.kind).kept_slots(general_), unit_pitch()));
        }
        if (traits(weights.kind).resets_before()) h_reset_ = Buffer<T>(checked_product(visited_rows, unit_pitch()));
        if (weights.projected()) units_ = Buffer<T>(checked_product(visited_rows, unit_pitch()));
        load_state(arrays.h_0, weights.state_size, state_pitch(), h_);
        if (c_) load_state(arrays.c_0, weights.hidden_size, unit_pitch(), c_);
        if (arrays.recurrent_masks) load_masks();
        if (tape && tape->recurrent_masks) masks_ = std::move(tape->recurrent_masks);
        make_scratch();
    }

    bool run() {
        plan_.run([this](int rank, Team& team) { walk(rank, team, visits_.begin, visits_.end); });
        if (interruption_.stopped()) return false;
        finish();
        if (tape_) hand_over();
        return true;
    }

    // Leaves the states at checkpoints, the last of which is where its visits end, on the threads of another plan.
    bool run_to_checkpoints(Checkpoints<T>& kept, Plan& plan) {
        const Index count = kept.count();
        kept.h = Buffer<T>(checked_product(count, schedule_.rows(), state_pitch()));
        if (c_) kept.c = Buffer<T>(checked_product(count, schedule_.rows(), unit_pitch()));
        for (Index number = 0; number < count; ++number) {
            const Index begin = kept.visits[static_cast<std::size_t>(number)];
            keep_states(kept, number, begin);
            if (begin == visits_.end) break;
            const Index end = kept.visits[static_cast<std::size_t>(number) + 1];
            plan.run([&](int rank, Team& team) { walk(rank, team, begin, end); });
            if (interruption_.stopped()) return false;
        }
        finish();
        return true;
    }

    // Makes the tape of its visits from the checkpoint they begin with, on the threads of another plan.
    bool run_from(const Checkpoints<T>& kept, Index number, Plan& plan) {
        const Index rows = schedule_.active(visits_.begin);
        std::copy_n(kept.h.data() + number * schedule_.rows() * state_pitch(), rows * state_pitch(), h_.data());
        if (c_) std::copy_n(kept.c.data() + number * schedule_.rows() * unit_pitch(), rows * unit_pitch(), c_.data());
        plan.run([this](int rank, Team& team) { walk(rank, team, visits_.begin, visits_.end); });
        if (interruption_.stopped()) return false;
        if (arrays_.h_n) finish();
        hand_over();
        return true;
    }

    int threads() const override { return plan_.threads(); }

    void walk(int rank, Team& team, Index begin, Index end) override {
        const FlushSubnormals mode;
        const Slice& slice = plan_.slice(rank);
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for (Index chunk = 0; begin < end && active_rows(slice, begin) > 0; ++chunk) {
            if (interruption_.at_chunk(rank, chunk)) return;
            if (!general_ && traits(weights_.kind).fuses_projection && active_rows(slice, begin) >= kRowsWorthFusing) {
                point_to_inputs(slice, scratch, begin, 0);
                step(slice, scratch, team, begin++, nullptr);
                continue;
            }
            const Index projected = project(slice, scratch, begin, end);
            Index row = 0;
            for (; begin < projected; ++begin) {
                step(slice, scratch, team, begin, scratch.z.data() + row * gate_pitch());
                row += active_rows(slice, begin);
            }
        }
    }

    void finish() override {
        store_state(arrays_.h_n, true);
        if (c_) store_state(arrays_.c_n, false);
    }

private:
    struct Scratch {
        Buffer<T> z;         // projected inputs: bias + x W
        Buffer<T> h_masked;  // of one visit
        RoundedRows<T> rounded, rounded_x;
        std::vector<const T*> x;
        std::vector<T*> z_rows, y;
        std::vector<const T*> units;  // of one visit, with a projection
        std::vector<T*> states;
    };

    Index unit_pitch() const { return weights_.units.columns(); }
    Index state_pitch() const { return weights_.states.columns(); }
    Index gate_pitch() const { return weights_.gates.columns(); }
    // What a standard cell keeps of a step has met the states before and after it.
    bool keeps_cell_states() const { return tape_ && general_; }
    Index mask_pitch() const { return weights_.gates.gates * state_pitch(); }

    void load_state(const T* from, Index size, Index pitch, Buffer<T>& state) const {
        for (Index row = 0; row < schedule_.rows(); ++row) {
            T* to = state.data() + row * pitch;
            std::fill(to, to + pitch, T(0));
            if (from) std::copy_n(from + schedule_.original(row) * size, size, to);
        }
    }

    void load_masks() {
        const Index H = weights_.hidden_size, rows = schedule_.rows();
        masks_ = Buffer<T>::zeroed(checked_product(rows, mask_pitch()));
        for (Index row = 0; row < rows; ++row) {
            for (Index gate = 0; gate < weights_.gates.gates; ++gate) {
                const T* from = arrays_.recurrent_masks + (gate * rows + schedule_.original(row)) * H;
                std::copy_n(from, H, masks_.data() + row * mask_pitch() + gate * state_pitch());
            }
        }
    }

    // Row r's last state, if its last visit is here: kept in the tape, or where that left it in the two buffers that
    // swap roles.
    void store_state(T* to, bool hidden) const {
        const Index size = hidden ? weights_.state_size : weights_.hidden_size;
        const Index pitch = hidden ? state_pitch() : unit_pitch();
        for (Index row = 0; row < schedule_.rows(); ++row) {
            const Index length = schedule_.length(row);
            if (length > visits_.end || (length <= visits_.begin && visits_.begin > 0)) continue;
            const T* from = hidden ? h_before(length) : c_before(length);
            std::copy_n(from + row * pitch, size, to + schedule_.original(row) * size);
        }
    }

    void hand_over() {
        tape_->general = general_;
        tape_->h = std::move(h_);
        if (keeps_cell_states()) tape_->c = std::move(c_);
        tape_->kept = std::move(kept_);
        tape_->h_reset = std::move(h_reset_);
        tape_->units = std::move(units_);
        tape_->recurrent_masks = std::move(masks_);
    }

    void keep_states(const Checkpoints<T>& kept, Index number, Index visit) const {
        const Index rows = schedule_.active(visit);
        std::copy_n(h_before(visit), rows * state_pitch(), kept.h.data() + number * schedule_.rows() * state_pitch());
        if (!c_) return;
        std::copy_n(c_before(visit), rows * unit_pitch(), kept.c.data() + number * schedule_.rows() * unit_pitch());
    }

    Index kept_rows_before(Index visit) const {
        return visit == visits_.begin ? 0 : schedule_.rows() + kept_rows(visit - 1);
    }
    T* h_before(Index visit) const {
        return h_.data() + (tape_ ? kept_rows_before(visit) : visit % 2 * schedule_.rows()) * state_pitch();
    }
    T* c_before(Index visit) const {
        return c_.data() + (keeps_cell_states() ? kept_rows_before(visit) : 0) * unit_pitch();
    }
    // Place of a visit's rows in what is kept of every visit, or of one.
    Index kept_rows(Index visit) const { return tape_ ? schedule_.offset(visit) - schedule_.offset(visits_.begin) : 0; }

    void make_scratch() {
        for (int rank = 0; rank < plan_.threads(); ++rank) {
            const Slice& slice = plan_.slice(rank);
            const Index rows = slice.rows.end - slice.rows.begin;
            const Index some = std::max(
                {rows, kProjectedRowsAtLeast, kProjected / gate_pitch(), weights_.input_size / kInputsOfProjectedRow});
            const Index capacity = std::min(some, std::max(rows, checked_product(rows, schedule_.visits())));
            Scratch scratch;
            scratch.z = Buffer<T>(checked_product(capacity, gate_pitch()));
            scratch.x.resize(static_cast<std::size_t>(capacity));
            for (Index row = 0; row < capacity; ++row) scratch.z_rows.push_back(scratch.z.data() + row * gate_pitch());
            scratch.y.resize(static_cast<std::size_t>(rows));
            scratch.rounded = rounded_states(weights_, rows);
            scratch.rounded_x = RoundedRows<T>(weights_.kernels, capacity, weights_.input_size);
            if (masks_) scratch.h_masked = Buffer<T>(checked_product(rows, mask_pitch()));
            if (units_) {
                scratch.units.resize(static_cast<std::size_t>(rows));
                scratch.states.resize(static_cast<std::size_t>(rows));
            }
            scratch_.push_back(std::move(scratch));
        }
    }

    Index active_rows(const Slice& slice, Index visit) const {
        return std::max<Index>(0, std::min(schedule_.active(visit), slice.rows.end) - slice.rows.begin);
    }

    void point_to_inputs(const Slice& slice, Scratch& scratch, Index visit, Index at) const {
        const Index first = slice.rows.begin;
        point_to_visit(arrays_.x, schedule_, visit, {first, first + active_rows(slice, visit)}, scratch.x.data() + at);
    }

    // z = bias + x W for as many visits before `end` as fit; returns the visit after them.
    Index project(const Slice& slice, Scratch& scratch, Index begin, Index end) const {
        const auto capacity = static_cast<Index>(scratch.x.size());
        Index rows = 0, visit = begin;
        for (; visit < end; ++visit) {
            const Index active = active_rows(slice, visit);
            if (active == 0 || rows + active > capacity) break;
            point_to_inputs(slice, scratch, visit, rows);
            rows += active;
        }
        project_inputs(weights_, scratch.x.data(), rows, scratch.rounded_x.rounding(), slice.inputs,
                       scratch.z_rows.data());
        return visit;
    }

    // One visit; with z null it begins with the projection of the inputs pointed to.
    void step(const Slice& slice, Scratch& scratch, Team& team, Index visit, const T* z) const {
        const Index first = slice.rows.begin, rows = active_rows(slice, visit);
        if (arrays_.y) point_to_visit(arrays_.y, schedule_, visit, {first, first + rows}, scratch.y.data());
        CellForwardArgs<T> args = arguments_;
        args.rows = rows;
        args.rounded = scratch.rounded.rounding();
        args.rounded_x = scratch.rounded_x.rounding();
        args.descending = visit % 2 == 1;
        args.z = z;
        if (!z) args.x = scratch.x.data();
        const Index kept = kept_rows(visit) + first;
        args.h_prev = h_before(visit) + first * state_pitch();
        args.h = units_ ? units_.data() + kept * unit_pitch() : h_before(visit + 1) + first * state_pitch();
        if (c_) {
            args.c_prev = c_before(visit) + first * unit_pitch();
            args.c = c_before(visit + 1) + first * unit_pitch();
        }
        if (kept_) args.kept = kept_.data() + kept * traits(weights_.kind).kept_slots(general_) * unit_pitch();
        if (h_reset_) args.h_reset = h_reset_.data() + kept * unit_pitch();
        args.y = arrays_.y && !units_ ? scratch.y.data() : nullptr;
        if (masks_) args.h_masked = mask_states(scratch, args.h_prev, first, rows);
        const auto barrier = [&] {
            if (plan_.split_units()) team.barrier();
        };
        run_cell(args, cell_, slice.gates, slice.units, barrier);
        if (!units_) return;
        project_states(slice, scratch, visit, args.h, rows);
        barrier();
    }

    // h_prev times the mask of every gate
    const T* mask_states(const Scratch& scratch, const T* h_prev, Index first, Index rows) const {
        const Index pitch = state_pitch();
        T* out = scratch.h_masked.data();
        const T* mask = masks_.data() + first * mask_pitch();
        for (Index row = 0; row < rows; ++row, h_prev += pitch) {
            for (Index gate = 0; gate < weights_.gates.gates; ++gate, out += pitch, mask += pitch) {
                for (Index unit = 0; unit < pitch; ++unit) out[unit] = h_prev[unit] * mask[unit];
            }
        }
        return scratch.h_masked.data();
    }

    // h = units · W_hr^T for the slice's range of the numbers of h
    void project_states(const Slice& slice, Scratch& scratch, Index visit, const T* units, Index rows) const {
        T* states = h_before(visit + 1) + slice.rows.begin * state_pitch();
        point_to_rows(units, unit_pitch(), rows, scratch.units.data());
        point_to_rows(states, state_pitch(), rows, scratch.states.data());
        project_units(weights_, scratch.units.data(), rows, scratch.rounded.rounding(), slice.states,
                      scratch.states.data());
        if (!arrays_.y) return;
        const Index width = kGroup * weights_.states.lanes, begin = slice.states.begin * width;
        const Index end = std::min(slice.states.end * width, weights_.state_size);
        for (Index row = 0; row < rows && begin < end; ++row) {
            const T* from = states + row * state_pitch();
            std::copy(from + begin, from + end, scratch.y[static_cast<std::size_t>(row)] + begin);
        }
    }

    const Weights<T>& weights_;
    const Schedule& schedule_;
    const ForwardArrays<T>& arrays_;
    Tape<T>* const tape_;
    const Range visits_;
    const bool general_;
    const Cell<T>& cell_;
    const CellForwardArgs<T> arguments_;  // of every visit
    Plan plan_;
    Interruption interruption_;
    Buffer<T> h_, c_;
    Buffer<T> kept_, h_reset_, units_;  // as a tape keeps them; without one, of one visit
    Buffer<T> masks_;                   // rows x (G * Sp)
    std::vector<Scratch> scratch_;
};

template <class T>
bool tape_from(const Checkpoints<T>& kept, Index number, const Range& visits, const ForwardArrays<T>& arrays,
               Tape<T>& tape, Plan& plan, const StopRequested& stop_requested) {
    tape.first = visits.begin;
    Forward<T> pass(*tape.weights, tape.schedule, arrays, &tape, visits,
                    Plan(tape.schedule, *tape.weights, plan.split()), stop_requested);
    return pass.run_from(kept, number, plan);
}

// Keeps a tape of the visits from the last checkpoint on.
template <class T>
bool forward_in_sections(const ForwardArrays<T>& arrays, Tape<T>& tape, Plan& plan,
                         const StopRequested& stop_requested) {
    const Range before{0, tape.checkpoints.visits.back()}, after{before.end, tape.schedule.visits()};
    Forward<T> pass(*tape.weights, tape.schedule, arrays, nullptr, before,
                    Plan(tape.schedule, *tape.weights, plan.split()), stop_requested);
    return pass.run_to_checkpoints(tape.checkpoints, plan) &&
           tape_from(tape.checkpoints, tape.checkpoints.count() - 1, after, arrays, tape, plan, stop_requested);
}

}  // namespace

template <class T>
bool forward(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays, Tape<T>* tape,
             StopRequested stop_requested) {
    Plan plan(schedule, weights, tape != nullptr);
    const bool done =
        tape && tape->checkpoints.count() > 0
            ? forward_in_sections<T>(arrays, *tape, plan, stop_requested)
            : Forward<T>(weights, schedule, arrays, tape, {0, schedule.visits()}, std::move(plan), stop_requested)
                  .run();
    if (!done) return false;
    if (arrays.y) clear_skipped(arrays.y, schedule, weights.state_size);
    return true;
}

template <class T>
std::unique_ptr<Walk<T>> make_walk(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays,
                                   const Split& split, StopRequested stop_requested) {
    const Range visits{0, schedule.visits()};
    return std::make_unique<Forward<T>>(weights, schedule, arrays, nullptr, visits, Plan(schedule, weights, split),
                                        std::move(stop_requested));
}

template <class T>
bool forward_again(const Tape<T>& tape, Index checkpoint, Tape<T>& section, Plan& plan, StopRequested stop_requested) {
    const std::vector<Index>& visits = tape.checkpoints.visits;
    const auto at = static_cast<std::size_t>(checkpoint);
    ForwardArrays<T> arrays{};
    arrays.x = tape.x;
    return tape_from(tape.checkpoints, checkpoint, {visits[at], visits[at + 1]}, arrays, section, plan, stop_requested);
}

template bool forward_again(const Tape<float>&, Index, Tape<float>&, Plan&, StopRequested);
template bool forward_again(const Tape<double>&, Index, Tape<double>&, Plan&, StopRequested);

template std::unique_ptr<Walk<float>> make_walk(const Weights<float>&, const Schedule&, const ForwardArrays<float>&,
                                                const Split&, StopRequested);
template std::unique_ptr<Walk<double>> make_walk(const Weights<double>&, const Schedule&, const ForwardArrays<double>&,
                                                 const Split&, StopRequested);
template bool forward(const Weights<float>&, const Schedule&, const ForwardArrays<float>&, Tape<float>*, StopRequested);
template bool forward(const Weights<double>&, const Schedule&, const ForwardArrays<double>&, Tape<double>*,
                      StopRequested);

}  // namespace fastlstm
