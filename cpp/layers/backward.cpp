// The time loop, backward: a few visits of gate gradients at a time, then what they mean for x, the weights and the
// bias.
#include <algorithm>
#include <array>
#include <vector>

#include "float_mode.hpp"
#include "interruption.hpp"
#include "sequence.hpp"

namespace fastlstm {

namespace {

// Gate gradients gathered before they become dx, dW, dR, db: what the second-level cache holds beside other things, as
// every gathering costs a sweep over the sums; in a large layer so many rows that a group fits the first-level cache.
constexpr Index kGatheredBytes = 384 * 1024;
constexpr Index kGatheredRowsAtLeast = 192;

template <class T>
class Backward {
public:
    Backward(const Tape<T>& tape, const BackwardArrays<T>& arrays, StopRequested stop_requested)
        : tape_(tape),
          weights_(*tape.weights),
          schedule_(tape.schedule),
          kernels_(kernels_of<T>(weights_.table)),
          arrays_(arrays),
          packed_hh_transposed_(weights_.packed_hh_transposed()),
          packed_projection_transposed_(weights_.packed_projection_transposed()),
          packed_candidate_transposed_(weights_.packed_candidate_transposed()),
          packed_ih_transposed_(arrays.dx ? weights_.packed_ih_transposed() : nullptr),
          packed_gates_transposed_(masks() ? gates_transposed(weights_) : GatePointers{}),
          plan_(schedule_, weights_, true),
          interruption_(stop_requested),
          capacity_(std::min(std::max(schedule_.active(0), gathered_rows()), schedule_.total())) {
        for (Gathered& half : halves_) {
            half.dgates = Buffer<T>(checked_product(weights_.slot_groups(), capacity_, row_pitch()));
            if (weights_.projected()) half.dstates = Buffer<T>(checked_product(capacity_, state_pitch()));
        }
        dh_n_ = load_state(arrays.dh_n, weights_.state_size, state_pitch());
        if (has_cell_state(weights_.kind) || bypasses_gates(weights_.kind)) {
            carry_ = load_state(arrays.dc_n, weights_.hidden_size, unit_pitch());
        }
        const Index columns = weights_.gates.columns();
        if (arrays.dweight_ih) dweight_ih_ = make_sums(weights_.input_size, columns);
        if (arrays.dweight_hh) make_recurrent_gradients();
        if (weights_.projected()) {
            dunits_ = Buffer<T>(checked_product(schedule_.rows(), unit_pitch()));
            dweight_hr_ = make_sums(arrays.dweight_hr ? weights_.state_size : 0, unit_pitch());
        }
        if (arrays.dpeepholes) {
            dpeepholes_ = Buffer<T>::zeroed(kPeepholes * unit_pitch());
            chunk_dpeepholes_ = Buffer<T>(kPeepholes * unit_pitch());
        }
        if (arrays.dbias || arrays.drecurrent_bias) dbias_ = make_sums(1, columns);
        if (arrays.drecurrent_bias && has_recurrent_bias(weights_.kind)) {
            drecurrent_bias_ = make_sums(1, columns);
        }
        const auto rows = static_cast<std::size_t>(std::max(capacity_, schedule_.rows()));
        const Index masked = masks() ? checked_product(static_cast<Index>(rows), state_pitch()) : 0;
        for (int rank = 0; rank < plan_.threads(); ++rank) {
            scratch_.push_back({Pointers(rows), OutPointers(rows), Buffer<T>(masked)});
        }
    }

    bool run() {
        plan_.run([this](int rank, Team& team) {
            const FlushSubnormals mode;
            work(rank, team);
        });
        if (interruption_.stopped()) return false;
        if (has_cell_state(weights_.kind)) store_state(carry_, arrays_.dc_0);
        for (Index gate = 0; dpeepholes_ && gate < kPeepholes; ++gate) {
            const Index H = weights_.hidden_size;
            std::copy_n(dpeepholes_.data() + gate * unit_pitch(), H, arrays_.dpeepholes + gate * H);
        }
        return true;
    }

private:
    using Pointers = std::vector<const T*>;
    using OutPointers = std::vector<T*>;
    using GatePointers = std::array<const T*, kGroup>;
    struct Scratch {
        Pointers in;
        OutPointers out;
        Buffer<T> masked;  // rows times a gate's mask
    };
    // What a chunk of visits leaves for the large products. There are two, used by turns: a chunk's first step needs
    // the last gate gradients of the chunk after it, and a thread that is done with its products may begin the next
    // chunk while others still read this one.
    struct Gathered {
        Buffer<T> dgates;
        Buffer<T> dstates;  // with a projection: gradients of h
    };
    // Visits [begin, end), and where they are gathered.
    struct Chunk {
        Index begin, end;
        const Gathered* gathered;
    };

    Index unit_pitch() const { return weights_.units.columns(); }
    Index state_pitch() const { return weights_.states.columns(); }
    Index row_pitch() const { return kGroup * weights_.gates.lanes; }  // of the group buffer
    Index group_stride() const { return capacity_ * row_pitch(); }
    Index gathered_rows() const {
        const Index row_bytes = weights_.slot_groups() * row_pitch() * static_cast<Index>(sizeof(T));
        return std::max(kGatheredRowsAtLeast, kGatheredBytes / row_bytes);
    }
    const Buffer<T>& masks() const { return tape_.recurrent_masks; }
    const T* mask_of(Index row, Index gate) const {
        return masks().data() + (row * weights_.gates.gates + gate) * state_pitch();
    }

    static GatePointers gates_transposed(const Weights<T>& weights) {
        GatePointers gates{};
        for (Index gate = 0; gate < weights.recurrent.gates; ++gate) {
            gates[static_cast<std::size_t>(gate)] = weights.packed_gate_transposed(gate);
        }
        return gates;
    }

    // Sums over all steps: the first chunk writes them, if there is one.
    Buffer<T> make_sums(Index rows, Index columns) const {
        const Index size = checked_product(rows, columns);
        return schedule_.total() > 0 ? Buffer<T>(size) : Buffer<T>::zeroed(size);
    }
    bool adds(const Chunk& chunk) const { return chunk.end < schedule_.visits(); }

    // Where rows are masked every gate has its own left operand, and so has n with its reset gate before the product.
    void make_recurrent_gradients() {
        const Index H = weights_.hidden_size;
        const Index first = masks() ? 0 : weights_.recurrent.gates;
        if (!masks()) {
            dweight_hh_ = make_sums(weights_.state_size, weights_.recurrent.columns());
        }
        for (Index gate = first; gate < weights_.gates.gates; ++gate) {
            dgate_hh_[gate] = make_sums(H, unit_pitch());
        }
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

    // Every thread gives out the gradients it has summed up itself.
    void store_gradients(int rank) const {
        const CellKind kind = weights_.kind;
        const Index in = input_slots(kind).count, out = recurrent_slots(kind).count;
        store(rank, in, dweight_ih_, weights_.gates, weights_.input_size, arrays_.dweight_ih);
        store(rank, out, dweight_hh_, weights_.recurrent, weights_.state_size, arrays_.dweight_hh);
        for (Index gate = 0; gate < weights_.gates.gates; ++gate) {
            MatrixView<T> to = arrays_.dweight_hh;
            to.data += gate * weights_.hidden_size * to.row_stride;
            store(rank, recurrent_slots(kind, gate).count, dgate_hh_[gate], weights_.units, weights_.hidden_size, to);
        }
        store(rank, in, dbias_, weights_.gates, 1, {arrays_.dbias, 1, 0});
        const bool apart = has_recurrent_bias(kind);
        store(rank, apart ? out : in, apart ? drecurrent_bias_ : dbias_, apart ? weights_.recurrent : weights_.gates, 1,
              {arrays_.drecurrent_bias, 1, 0});
        const MatrixView<T>& hr = arrays_.dweight_hr;
        const Share groups = share_of(weights_.units.groups(), rank, plan_.threads());
        store_vectors(dweight_hr_, weights_.units, weights_.state_size, {hr.data, hr.column_stride, hr.row_stride},
                      {groups.begin * kGroup, std::min(groups.end * kGroup, weights_.units.vectors())});
    }

    // The vectors that add_products gives a thread: `count` of every group of gate gradients.
    void store(int rank, Index count, const Buffer<T>& sums, const Layout& layout, Index rows,
               const MatrixView<T>& to) const {
        const Share groups = share_of(weights_.slot_groups(), rank, plan_.threads());
        const Index vectors = layout.vectors();
        store_vectors(sums, layout, rows, to,
                      {std::min(groups.begin * count, vectors), std::min(groups.end * count, vectors)});
    }

    // to(column, k) = sums[k][vector][lane], if the caller wants it; written along whichever axis has no gaps.
    void store_vectors(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to,
                       const Share& vectors) const {
        if (!to || !sums) return;
        const auto store_one = [&](Index vector, Index k) {
            const T* from = sums.data() + k * layout.columns() + vector * layout.lanes;
            T* out = &to(layout.column(vector), k);
            for (Index l = 0; l < layout.real_lanes(vector); ++l) out[l * to.row_stride] = from[l];
        };
        if (to.row_stride == 1) {
            for (Index k = 0; k < rows; ++k)
                for (Index vector = vectors.begin; vector < vectors.end; ++vector) store_one(vector, k);
            return;
        }
        for (Index vector = vectors.begin; vector < vectors.end; ++vector) {
            const bool blocks = to.column_stride == 1 && layout.real_lanes(vector) == layout.lanes;
            Index k = blocks ? store_blocks(sums, layout, rows, to, vector) : 0;
            for (; k < rows; ++k) store_one(vector, k);
        }
    }

    // The same for whole blocks of lanes x lanes numbers of a vector; returns the k after them.
    Index store_blocks(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to,
                       Index vector) const {
        const Index lanes = layout.lanes, pitch = layout.columns();
        Index k = 0;
        for (; k + lanes <= rows; k += lanes) {
            kernels_.transpose(sums.data() + k * pitch + vector * lanes, pitch, &to(layout.column(vector), k),
                               to.row_stride);
        }
        return k;
    }

    Index kept_rows_before(Index visit) const {
        return visit == 0 ? 0 : schedule_.rows() + schedule_.offset(visit - 1);
    }
    const T* h_before(Index visit) const { return tape_.h.data() + kept_rows_before(visit) * state_pitch(); }
    const T* c_before(Index visit) const { return tape_.c.data() + kept_rows_before(visit) * unit_pitch(); }

    void work(int rank, Team& team) {
        Chunk chunk{schedule_.visits(), schedule_.visits(), &halves_[0]};
        for (Index number = 0; chunk.begin > 0; ++number) {
            if (interruption_.at_chunk(rank, number)) return;
            const Chunk after = chunk;
            chunk = chunk_before(after, halves_[number % 2]);
            for (Index visit = chunk.end - 1; visit >= chunk.begin; --visit) {
                step(plan_.slice(rank), rank, team, chunk, visit + 1 == chunk.end ? after : chunk, visit);
                if (plan_.split_units()) team.meet();
            }
            if (!plan_.split_units()) team.meet();
            add_weight_gradients(rank, chunk);
            if (arrays_.dx) input_gradients(rank, chunk);
        }
        store_gradients(rank);
        initial_state_gradients(rank, chunk);
    }

    Chunk chunk_before(const Chunk& after, const Gathered& gathered) const {
        Index begin = after.begin - 1;
        while (begin > 0 && schedule_.offset(after.begin) - schedule_.offset(begin - 1) <= capacity_) --begin;
        return {begin, after.begin, &gathered};
    }

    T* dgates_of(const Chunk& chunk, Index visit) const {
        return chunk.gathered->dgates.data() + (schedule_.offset(visit) - schedule_.offset(chunk.begin)) * row_pitch();
    }

    T* dstates_of(const Chunk& chunk, Index visit) const {
        return chunk.gathered->dstates.data() +
               (schedule_.offset(visit) - schedule_.offset(chunk.begin)) * state_pitch();
    }

    void step(const Slice& slice, int rank, Team& team, const Chunk& chunk, const Chunk& next, Index visit) {
        const Index first = slice.rows.begin;
        const auto share = [&](Index active) { return std::max<Index>(0, std::min(active, slice.rows.end) - first); };
        CellBackwardArgs<T> args{};
        args.rows = share(schedule_.active(visit));
        if (args.rows == 0) return;
        args.hidden_size = weights_.hidden_size;
        args.group_begin = slice.units.begin;
        args.group_end = slice.units.end;
        args.packed_hh_t = packed_hh_transposed_;
        args.packed_candidate_t = packed_candidate_transposed_;
        args.next_rows = share(schedule_.active(visit + 1));
        args.next_group_stride = args.group_stride = group_stride();
        if (args.next_rows > 0) args.dgates_next = dgates_of(next, visit + 1) + first * row_pitch();
        args.dgates = dgates_of(chunk, visit) + first * row_pitch();
        args.dh_n = dh_n_.data() + first * state_pitch();
        if (arrays_.dy) args.dy = output_gradient_rows(rank, visit, first, args.rows);
        args.h = h_before(visit + 1) + first * state_pitch();
        args.h_prev = h_before(visit) + first * state_pitch();
        if (tape_.c) {
            args.c_prev = c_before(visit) + first * unit_pitch();
        }
        if (carry_) args.carry = carry_.data() + first * unit_pitch();
        if (tape_.kept) {
            const Index pitch = kept_slots(weights_.kind, tape_.general) * unit_pitch();
            args.kept = tape_.kept.data() + (schedule_.offset(visit) + first) * pitch;
        }
        args.options = &weights_.options;
        args.peepholes = weights_.peepholes();
        if (masks()) {
            args.recurrent_masks = mask_of(first, 0);
            std::copy(packed_gates_transposed_.begin(), packed_gates_transposed_.end(), args.packed_gates_t);
        }
        if (weights_.projected()) pull_projection(slice, rank, team, chunk, visit, args);
        const auto& phases = cell_kernels(kernels_, weights_.kind, tape_.general).backward;
        phases[0](args);
        if (!phases[1]) return;
        if (plan_.split_units()) team.meet();
        phases[1](args);
    }

    // The way from the state back to the units that were projected to it, so that the cell finds the gradient of its
    // units where it looks for that of rows that end: dh = dy + dgates_next R^T, or + dh_n, and dunits = dh W_hr.
    void pull_projection(const Slice& slice, int rank, Team& team, const Chunk& chunk, Index visit,
                         CellBackwardArgs<T>& args) {
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        const Index first = slice.rows.begin, rows = args.rows;
        T* dstates = dstates_of(chunk, visit) + first * state_pitch();
        add_up_state_gradients(slice, scratch, args, visit, dstates);
        if (plan_.split_units()) team.meet();
        T* dunits = dunits_.data() + first * unit_pitch();
        for (Index row = 0; row < rows; ++row) {
            scratch.in[static_cast<std::size_t>(row)] = dstates + row * state_pitch();
            scratch.out[static_cast<std::size_t>(row)] = dunits + row * unit_pitch();
        }
        const Index k = state_pitch();
        kernels_.product({scratch.in.data(), rows, k, k, 0, packed_projection_transposed_, nullptr, slice.units.begin,
                          slice.units.end, scratch.out.data(), unit_pitch()});
        args.dh_n = dunits;
        args.next_rows = 0;
        args.dy = nullptr;
    }

    // dh of every row, the slice's share of its numbers.
    void add_up_state_gradients(const Slice& slice, Scratch& scratch, const CellBackwardArgs<T>& args, Index visit,
                                T* dstates) {
        const Slots slots = recurrent_slots(weights_.kind);
        const Index width = kGroup * weights_.states.lanes, begin = slice.states.begin * width;
        const Index end = std::min(slice.states.end * width, state_pitch());
        if (begin >= end) return;
        for (Index row = 0; row < args.next_rows; ++row) {
            scratch.in[static_cast<std::size_t>(row)] = args.dgates_next + row * row_pitch();
            scratch.out[static_cast<std::size_t>(row)] = dstates + row * state_pitch();
        }
        kernels_.product({scratch.in.data(), args.next_rows, weights_.recurrent.columns(),
                          slots.count * weights_.gates.lanes, group_stride(), packed_hh_transposed_, nullptr,
                          slice.states.begin, slice.states.end, scratch.out.data(), state_pitch()});
        for (Index row = 0; row < args.rows; ++row) {
            T* out = dstates + row * state_pitch();
            const T* ended = args.dh_n + row * state_pitch();
            if (row >= args.next_rows) std::copy(ended + begin, ended + end, out + begin);
            if (!arrays_.dy) continue;
            const Index at = slice.rows.begin + row;
            const T* dy = arrays_.dy.row(schedule_.time(visit, at), schedule_.original(at));
            for (Index number = begin; number < std::min(end, weights_.state_size); ++number) out[number] += dy[number];
        }
    }

    const T* const* output_gradient_rows(int rank, Index visit, Index first, Index rows) {
        Pointers& dy = scratch_[static_cast<std::size_t>(rank)].in;
        for (Index r = 0; r < rows; ++r) {
            dy[static_cast<std::size_t>(r)] =
                arrays_.dy.row(schedule_.time(visit, first + r), schedule_.original(first + r));
        }
        return dy.data();
    }

    // Calls f(visit, row, number of the row within the chunk).
    template <class F>
    void for_rows(const Chunk& chunk, const F& f) const {
        std::size_t number = 0;
        for (Index visit = chunk.begin; visit < chunk.end; ++visit) {
            for (Index row = 0; row < schedule_.active(visit); ++row) f(visit, row, number++);
        }
    }

    // dW += x^T dgates, dR += h_prev^T dgates, and the sums of dgates; every thread takes columns of all of them.
    void add_weight_gradients(int rank, const Chunk& chunk) {
        Pointers& rows = scratch_[static_cast<std::size_t>(rank)].in;
        if (dweight_ih_) {
            for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
                rows[number] = tape_.x.row(schedule_.time(visit, row), schedule_.original(row));
            });
        }
        add_products(rank, chunk, input_slots(weights_.kind), weights_.gates, weights_.input_size, dweight_ih_, dbias_);
        add_recurrent_gradients(rank, chunk);
        if (dweight_hr_) add_projection_gradient(rank, chunk);
        if (dpeepholes_) add_peephole_gradients(rank, chunk);
    }

    void add_recurrent_gradients(int rank, const Chunk& chunk) {
        Pointers& rows = scratch_[static_cast<std::size_t>(rank)].in;
        if (dweight_hh_) {
            for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
                rows[number] = h_before(visit) + row * state_pitch();
            });
        }
        const Slots slots = recurrent_slots(weights_.kind);
        add_products(rank, chunk, slots, weights_.recurrent, weights_.state_size, dweight_hh_, drecurrent_bias_);
        for (Index gate = 0; gate < weights_.recurrent.gates && dgate_hh_[gate]; ++gate) {
            mask_rows(rank, chunk, gate);
            add_products(rank, chunk, recurrent_slots(weights_.kind, gate), weights_.units, weights_.hidden_size,
                         dgate_hh_[gate], {});
        }
        if (!resets_before(weights_.kind) || !dgate_hh_[kGruCandidate]) return;
        for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
            rows[number] = tape_.h_reset.data() + (schedule_.offset(visit) + row) * unit_pitch();
        });
        add_products(rank, chunk, kCandidateSlots, weights_.units, weights_.hidden_size, dgate_hh_[kGruCandidate], {});
    }

    // Points to h_prev times a gate's mask.
    void mask_rows(int rank, const Chunk& chunk, Index gate) {
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
            T* out = scratch.masked.data() + static_cast<Index>(number) * state_pitch();
            const T* h = h_before(visit) + row * state_pitch();
            const T* mask = mask_of(row, gate);
            for (Index unit = 0; unit < state_pitch(); ++unit) out[unit] = h[unit] * mask[unit];
            scratch.in[number] = out;
        });
    }

    // dW_hr += dh^T units
    void add_projection_gradient(int rank, const Chunk& chunk) {
        Pointers& rows = scratch_[static_cast<std::size_t>(rank)].in;
        for_rows(chunk, [&](Index, Index, std::size_t number) {
            rows[number] = chunk.gathered->dstates.data() + static_cast<Index>(number) * state_pitch();
        });
        const Share groups = share_of(weights_.units.groups(), rank, plan_.threads());
        OuterArgs<T> args{};
        args.a = rows.data();
        args.k = schedule_.offset(chunk.end) - schedule_.offset(chunk.begin);
        args.i_end = weights_.state_size;
        args.b = tape_.units.data() + schedule_.offset(chunk.begin) * unit_pitch();
        args.row_stride = unit_pitch();
        args.group_stride = row_pitch();
        args.group_begin = groups.begin;
        args.group_end = groups.end;
        args.group_vectors = kGroup;
        args.vectors = weights_.units.vectors();
        args.c = dweight_hr_.data();
        args.add = adds(chunk);
        kernels_.outer(args);
    }

    // dp_i += dz_i c_prev,  dp_f += dz_f c_prev,  dp_o += dz_o c, the units shared out; the rows of a chunk are summed
    // up apart.
    void add_peephole_gradients(int rank, const Chunk& chunk) {
        const Share blocks = share_of(weights_.units.blocks(), rank, plan_.threads());
        const Index lanes = weights_.gates.lanes, begin = blocks.begin * lanes, end = blocks.end * lanes;
        T* sums = chunk_dpeepholes_.data();
        for (Index gate = 0; gate < kPeepholes; ++gate) {
            std::fill(sums + gate * unit_pitch() + begin, sums + gate * unit_pitch() + end, T(0));
        }
        for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
            for (Index block = blocks.begin; block < blocks.end; ++block) {
                add_peephole_products(chunk, visit, row, static_cast<Index>(number), block, sums + block * lanes);
            }
        });
        for (Index gate = 0; gate < kPeepholes; ++gate) {
            for (Index unit = begin; unit < end; ++unit) {
                dpeepholes_[gate * unit_pitch() + unit] += sums[gate * unit_pitch() + unit];
            }
        }
    }

    void add_peephole_products(const Chunk& chunk, Index visit, Index row, Index number, Index block, T* sums) const {
        constexpr Index kSlots[kPeepholes] = {0, 1, 3};
        const Index lanes = weights_.gates.lanes;
        const T* dz = chunk.gathered->dgates.data() + block * group_stride() + number * row_pitch();
        for (Index gate = 0; gate < kPeepholes; ++gate, sums += unit_pitch()) {
            const T* c = c_before(gate == 2 ? visit + 1 : visit) + row * unit_pitch() + block * lanes;
            for (Index l = 0; l < lanes; ++l) sums[l] += dz[kSlots[gate] * lanes + l] * c[l];
        }
    }

    // to += rows^T dgates over the given slots, which are the columns of `layout`, and `size` numbers of the rows
    // pointed to; sums += their sum.
    void add_products(int rank, const Chunk& chunk, const Slots& slots, const Layout& layout, Index size,
                      const Buffer<T>& to, const Buffer<T>& sums) {
        const Share groups = share_of(weights_.slot_groups(), rank, plan_.threads());
        OuterArgs<T> args{};
        args.a = scratch_[static_cast<std::size_t>(rank)].in.data();
        args.k = schedule_.offset(chunk.end) - schedule_.offset(chunk.begin);
        args.i_end = to ? size : 0;
        args.b = chunk.gathered->dgates.data() + slots.first * weights_.gates.lanes;
        args.row_stride = row_pitch();
        args.group_stride = group_stride();
        args.group_begin = groups.begin;
        args.group_end = groups.end;
        args.group_vectors = slots.count;
        args.vectors = layout.vectors();
        args.c = to.data();
        args.sums = sums.data();
        args.add = adds(chunk);
        if (to || sums) kernels_.outer(args);
    }

    // out[n] = in[n] · B, where in[n] points to gate gradients, of which the given slots go with the k rows of B.
    void multiply_gradients(const Scratch& scratch, Share rows, const Slots& slots, Index k, const T* packed,
                            const Layout& columns) const {
        const Index run = slots.count * weights_.gates.lanes;
        kernels_.product({scratch.in.data() + rows.begin, rows.end - rows.begin, k, run, group_stride(), packed,
                          nullptr, 0, columns.groups(), scratch.out.data() + rows.begin, columns.size});
    }

    // First number of a row of gate gradients, the rows of a chunk counted through, from a slot on.
    const T* gradient_row(const Chunk& chunk, Index number, const Slots& slots) const {
        return chunk.gathered->dgates.data() + number * row_pitch() + slots.first * weights_.gates.lanes;
    }

    // dx = dgates W^T, the rows of the chunk shared out.
    void input_gradients(int rank, const Chunk& chunk) {
        const Index total = schedule_.offset(chunk.end) - schedule_.offset(chunk.begin);
        const Slots slots = input_slots(weights_.kind);
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for_rows(chunk, [&](Index visit, Index row, std::size_t number) {
            scratch.in[number] = gradient_row(chunk, static_cast<Index>(number), slots);
            scratch.out[number] = arrays_.dx.row(schedule_.time(visit, row), schedule_.original(row));
        });
        multiply_gradients(scratch, share_of(total, rank, plan_.threads()), slots, weights_.gates.columns(),
                           packed_ih_transposed_, weights_.inputs);
    }

    // dh_0 = dgates R^T of visit 0, and what bypassed the gates; a row without a visit passes its gradient on.
    void initial_state_gradients(int rank, const Chunk& first) {
        const Index S = weights_.state_size;
        const Share share = share_of(schedule_.rows(), rank, plan_.threads());
        const Index running = std::max(share.begin, std::min(share.end, schedule_.active(0)));
        for (Index row = running; row < share.end; ++row) {
            std::copy_n(dh_n_.data() + row * state_pitch(), S, arrays_.dh_0 + schedule_.original(row) * S);
        }
        if (masks()) {
            masked_initial_gradients(rank, first, {share.begin, running});
        } else {
            plain_initial_gradients(rank, first, {share.begin, running});
        }
        if (!bypasses_gates(weights_.kind)) return;
        for (Index row = share.begin; row < running; ++row) {
            T* out = arrays_.dh_0 + schedule_.original(row) * S;
            const T* carry = carry_.data() + row * unit_pitch();
            for (Index unit = 0; unit < S; ++unit) out[unit] += carry[unit];
        }
    }

    void plain_initial_gradients(int rank, const Chunk& first, Share rows) {
        const Slots slots = recurrent_slots(weights_.kind);
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        for (Index row = rows.begin; row < rows.end; ++row) {
            scratch.in[static_cast<std::size_t>(row)] = gradient_row(first, row, slots);
            scratch.out[static_cast<std::size_t>(row)] = arrays_.dh_0 + schedule_.original(row) * weights_.state_size;
        }
        multiply_gradients(scratch, rows, slots, weights_.recurrent.columns(), packed_hh_transposed_, weights_.states);
    }

    // dh_0 = sum over the gates of mask (dgates R^T)
    void masked_initial_gradients(int rank, const Chunk& first, Share rows) {
        Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
        const Index S = weights_.state_size;
        for (Index gate = 0; gate < weights_.recurrent.gates; ++gate) {
            const Slots slots = recurrent_slots(weights_.kind, gate);
            for (Index row = rows.begin; row < rows.end; ++row) {
                scratch.in[static_cast<std::size_t>(row)] = gradient_row(first, row, slots);
                scratch.out[static_cast<std::size_t>(row)] = scratch.masked.data() + row * state_pitch();
            }
            multiply_gradients(scratch, rows, slots, unit_pitch(), packed_gates_transposed_[gate], weights_.states);
            for (Index row = rows.begin; row < rows.end; ++row) {
                T* out = arrays_.dh_0 + schedule_.original(row) * S;
                const T* part = scratch.masked.data() + row * state_pitch();
                const T* mask = mask_of(row, gate);
                for (Index unit = 0; unit < S; ++unit) out[unit] = (gate ? out[unit] : T(0)) + mask[unit] * part[unit];
            }
        }
    }

    const Tape<T>& tape_;
    const Weights<T>& weights_;
    const Schedule& schedule_;
    const Kernels<T>& kernels_;
    const BackwardArrays<T>& arrays_;
    // Made by several threads if they are new, so before the plan claims the pool.
    const T* const packed_hh_transposed_;
    const T* const packed_projection_transposed_;
    const T* const packed_candidate_transposed_;
    const T* const packed_ih_transposed_;
    const GatePointers packed_gates_transposed_;  // with masks
    Plan plan_;
    Interruption interruption_;
    const Index capacity_;
    Gathered halves_[2];
    Buffer<T> dh_n_;
    Buffer<T> carry_;  // LSTM: gradient of c; GRU: what of the gradient of h bypasses the gates
    Buffer<T> dweight_ih_, dweight_hh_, dbias_;
    Buffer<T> drecurrent_bias_;   // where it differs from dbias
    Buffer<T> dgate_hh_[kGroup];  // of the gates whose left operand is their own (see make_recurrent_gradients)
    Buffer<T> dunits_;            // with a projection: gradients of the units at one visit, a thread's share its own
    Buffer<T> dweight_hr_, dpeepholes_;
    Buffer<T> chunk_dpeepholes_;  // what one chunk adds
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
