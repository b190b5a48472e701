#include "weight_gradients.hpp"

#include <algorithm>

namespace fastlstm {

template <class T>
WeightGradients<T>::WeightGradients(const Tape<T>& tape, const BackwardArrays<T>& arrays, const Gathering<T>& gathering,
                                    int threads)
    : tape_(&tape),
      weights_(*tape.weights),
      arrays_(arrays),
      gathering_(gathering),
      threads_(threads),
      kernels_(weights_.kernels) {
    const Index columns = weights_.gates.columns();
    if (arrays.dweight_ih) dweight_ih_ = make_sums(weights_.input_size, columns);
    if (arrays.dweight_hh) make_recurrent_sums();
    if (arrays.dweight_hr) dweight_hr_ = make_sums(weights_.state_size, tape.unit_pitch());
    if (arrays.dpeepholes) {
        dpeepholes_ = Buffer<T>::zeroed(kPeepholes * tape.unit_pitch());
        part_dpeepholes_ = Buffer<T>(kPeepholes * tape.unit_pitch());
    }
    if (arrays.dbias || arrays.drecurrent_bias) dbias_ = make_sums(1, columns);
    if (arrays.drecurrent_bias && traits(weights_.kind).has_recurrent_bias) drecurrent_bias_ = make_sums(1, columns);
    const Index masked = tape.recurrent_masks ? checked_product(gathering.capacity(), tape.state_pitch()) : 0;
    for (int rank = 0; rank < threads; ++rank) {
        scratch_.push_back({Pointers(static_cast<std::size_t>(gathering.capacity())), Buffer<T>(masked),
                            RoundedRows<T>::for_outer(kernels_, std::max(weights_.input_size, weights_.state_size))});
    }
}

// Sums over all steps: the first part writes them, if there is one.
template <class T>
Buffer<T> WeightGradients<T>::make_sums(Index rows, Index columns) const {
    const Index size = checked_product(rows, columns);
    return tape_->schedule.total() > 0 ? Buffer<T>(size) : Buffer<T>::zeroed(size);
}

// Where rows are masked every gate has its own left operand, and so has n with its reset gate before the product.
template <class T>
void WeightGradients<T>::make_recurrent_sums() {
    const Index H = weights_.hidden_size;
    const Index first = tape_->recurrent_masks ? 0 : weights_.recurrent.gates;
    if (!tape_->recurrent_masks) {
        dweight_hh_ = make_sums(weights_.state_size, weights_.recurrent.columns());
    }
    for (Index gate = first; gate < weights_.gates.gates; ++gate) {
        dgate_hh_[gate] = make_sums(H, tape_->unit_pitch());
    }
}

// dW += x^T dgates, dR += h_prev^T dgates, and the sums of dgates; every thread takes columns of all of them.
template <class T>
void WeightGradients<T>::add(int rank, const Chunk<T>& part) {
    Pointers& rows = this->rows(rank);
    if (dweight_ih_) {
        gathering_.for_visits(part, [&](Index visit, Index count, Index number) {
            point_to_visit(tape_->x, tape_->schedule, visit, {0, count}, rows.data() + number);
        });
    }
    add_products(rank, part, traits(weights_.kind).input_slots, weights_.gates, weights_.input_size, dweight_ih_,
                 dbias_);
    add_recurrent(rank, part);
    if (dweight_hr_) add_projection(rank, part);
    if (dpeepholes_) add_peepholes(rank, part);
}

template <class T>
void WeightGradients<T>::add_recurrent(int rank, const Chunk<T>& part) {
    Pointers& rows = this->rows(rank);
    if (dweight_hh_) {
        gathering_.for_visits(part, [&](Index visit, Index count, Index number) {
            point_to_rows(tape_->h_before(visit), tape_->state_pitch(), count, rows.data() + number);
        });
    }
    const Slots slots = traits(weights_.kind).recurrent_slots;
    add_products(rank, part, slots, weights_.recurrent, weights_.state_size, dweight_hh_, drecurrent_bias_);
    for (Index gate = 0; gate < weights_.recurrent.gates && dgate_hh_[gate]; ++gate) {
        mask_rows(rank, part, gate);
        add_products(rank, part, traits(weights_.kind).recurrent_slots_of(gate), weights_.units, weights_.hidden_size,
                     dgate_hh_[gate], {});
    }
    if (!traits(weights_.kind).resets_before() || !dgate_hh_[kGruCandidate]) return;
    point_to_rows(tape_->h_reset.data() + tape_->rows_before(part.begin) * tape_->unit_pitch(), tape_->unit_pitch(),
                  gathering_.rows(part), rows.data());
    add_products(rank, part, kCandidateSlots, weights_.units, weights_.hidden_size, dgate_hh_[kGruCandidate], {});
}

// Points to h_prev times a gate's mask.
template <class T>
void WeightGradients<T>::mask_rows(int rank, const Chunk<T>& part, Index gate) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(rank)];
    gathering_.for_rows(part, [&](Index visit, Index row, Index number) {
        T* out = scratch.masked.data() + number * tape_->state_pitch();
        const T* h = tape_->h_before(visit) + row * tape_->state_pitch();
        const T* mask = tape_->mask_of(row, gate);
        for (Index unit = 0; unit < tape_->state_pitch(); ++unit) out[unit] = h[unit] * mask[unit];
        scratch.rows[static_cast<std::size_t>(number)] = out;
    });
}

// dW_hr += dh^T units
template <class T>
void WeightGradients<T>::add_projection(int rank, const Chunk<T>& part) {
    Pointers& rows = this->rows(rank);
    point_to_rows(gathering_.dstates(part, part.begin), tape_->state_pitch(), gathering_.rows(part), rows.data());
    const Range groups = thread_range(weights_.units.groups(), rank, threads_);
    OuterArgs<T> args{};
    args.a = rows.data();
    args.k = gathering_.rows(part);
    args.i_end = weights_.state_size;
    args.b = tape_->units.data() + tape_->rows_before(part.begin) * tape_->unit_pitch();
    args.row_stride = tape_->unit_pitch();
    args.group_stride = gathering_.row_pitch();
    args.group_begin = groups.begin;
    args.group_end = groups.end;
    args.group_vectors = kGroup;
    args.vectors = weights_.units.vectors();
    args.c = dweight_hr_.data();
    args.add = adds(part);
    args.rounded = scratch_[static_cast<std::size_t>(rank)].rounded.rounding();
    kernels_.outer(args);
}

// dp_i += dz_i c_prev,  dp_f += dz_f c_prev,  dp_o += dz_o c, the units shared out; the rows of a part are summed
// up apart.
template <class T>
void WeightGradients<T>::add_peepholes(int rank, const Chunk<T>& part) {
    const Range blocks = thread_range(weights_.units.blocks, rank, threads_);
    const Index lanes = weights_.gates.lanes, begin = blocks.begin * lanes, end = blocks.end * lanes;
    T* sums = part_dpeepholes_.data();
    for (Index gate = 0; gate < kPeepholes; ++gate) {
        std::fill(sums + gate * tape_->unit_pitch() + begin, sums + gate * tape_->unit_pitch() + end, T(0));
    }
    gathering_.for_rows(part, [&](Index visit, Index row, Index number) {
        for (Index block = blocks.begin; block < blocks.end; ++block) {
            add_peephole_products(part, visit, row, number, block, sums + block * lanes);
        }
    });
    for (Index gate = 0; gate < kPeepholes; ++gate) {
        for (Index unit = begin; unit < end; ++unit) {
            dpeepholes_[gate * tape_->unit_pitch() + unit] += sums[gate * tape_->unit_pitch() + unit];
        }
    }
}

template <class T>
void WeightGradients<T>::add_peephole_products(const Chunk<T>& part, Index visit, Index row, Index number, Index block,
                                               T* sums) const {
    constexpr Index kSlots[kPeepholes] = {0, 1, 3};
    const Index lanes = weights_.gates.lanes;
    const T* dz = gathering_.row(part, number, {0, kGroup}) + block * gathering_.group_stride();
    for (Index gate = 0; gate < kPeepholes; ++gate, sums += tape_->unit_pitch()) {
        const T* c = tape_->c_before(gate == 2 ? visit + 1 : visit) + row * tape_->unit_pitch() + block * lanes;
        for (Index l = 0; l < lanes; ++l) sums[l] += dz[kSlots[gate] * lanes + l] * c[l];
    }
}

// to += rows^T dgates over the given slots, which are the columns of `layout`, and `size` numbers of the rows
// pointed to; sums += their sum.
template <class T>
void WeightGradients<T>::add_products(int rank, const Chunk<T>& part, const Slots& slots, const Layout& layout,
                                      Index size, const Buffer<T>& to, const Buffer<T>& sums) {
    const Range groups = thread_range(weights_.slot_groups(), rank, threads_);
    OuterArgs<T> args{};
    args.a = rows(rank).data();
    args.k = gathering_.rows(part);
    args.i_end = to ? size : 0;
    args.b = gathering_.row(part, 0, slots);
    args.row_stride = gathering_.row_pitch();
    args.group_stride = gathering_.group_stride();
    args.group_begin = groups.begin;
    args.group_end = groups.end;
    args.group_vectors = slots.count;
    args.vectors = layout.vectors();
    args.c = to.data();
    args.sums = sums.data();
    args.add = adds(part);
    args.rounded = scratch_[static_cast<std::size_t>(rank)].rounded.rounding();
    if (to || sums) kernels_.outer(args);
}

// Every thread gives out the gradients it has summed up itself.
template <class T>
void WeightGradients<T>::store(int rank) const {
    const CellKind kind = weights_.kind;
    const Index in = traits(kind).input_slots.count, out = traits(kind).recurrent_slots.count;
    store_columns(rank, in, dweight_ih_, weights_.gates, weights_.input_size, arrays_.dweight_ih);
    store_columns(rank, out, dweight_hh_, weights_.recurrent, weights_.state_size, arrays_.dweight_hh);
    for (Index gate = 0; gate < weights_.gates.gates; ++gate) {
        MatrixView<T> to = arrays_.dweight_hh;
        to.data += gate * weights_.hidden_size * to.row_stride;
        store_columns(rank, traits(kind).recurrent_slots_of(gate).count, dgate_hh_[gate], weights_.units,
                      weights_.hidden_size, to);
    }
    store_columns(rank, in, dbias_, weights_.gates, 1, {arrays_.dbias, 1, 0});
    const bool apart = traits(kind).has_recurrent_bias;
    store_columns(rank, apart ? out : in, apart ? drecurrent_bias_ : dbias_,
                  apart ? weights_.recurrent : weights_.gates, 1, {arrays_.drecurrent_bias, 1, 0});
    const MatrixView<T>& hr = arrays_.dweight_hr;
    const Range groups = thread_range(weights_.units.groups(), rank, threads_);
    store_vectors(dweight_hr_, weights_.units, weights_.state_size, {hr.data, hr.column_stride, hr.row_stride},
                  {groups.begin * kGroup, std::min(groups.end * kGroup, weights_.units.vectors())});
}

// The vectors that add_products gives a thread: `count` of every group of gate gradients.
template <class T>
void WeightGradients<T>::store_columns(int rank, Index count, const Buffer<T>& sums, const Layout& layout, Index rows,
                                       const MatrixView<T>& to) const {
    const Range groups = thread_range(weights_.slot_groups(), rank, threads_);
    const Index vectors = layout.vectors();
    store_vectors(sums, layout, rows, to,
                  {std::min(groups.begin * count, vectors), std::min(groups.end * count, vectors)});
}

// to(column, k) = sums[k][vector][lane], if the caller wants it; written along whichever axis has no gaps.
template <class T>
void WeightGradients<T>::store_vectors(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to,
                                       const Range& vectors) const {
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
template <class T>
Index WeightGradients<T>::store_blocks(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to,
                                       Index vector) const {
    const Index lanes = layout.lanes, pitch = layout.columns();
    Index k = 0;
    for (; k + lanes <= rows; k += lanes) {
        kernels_.transpose(sums.data() + k * pitch + vector * lanes, pitch, &to(layout.column(vector), k),
                           to.row_stride);
    }
    return k;
}

template <class T>
void WeightGradients<T>::finish() const {
    const Index H = weights_.hidden_size;
    for (Index gate = 0; dpeepholes_ && gate < kPeepholes; ++gate) {
        std::copy_n(dpeepholes_.data() + gate * tape_->unit_pitch(), H, arrays_.dpeepholes + gate * H);
    }
}

template class WeightGradients<float>;
template class WeightGradients<double>;

}  // namespace fastlstm
