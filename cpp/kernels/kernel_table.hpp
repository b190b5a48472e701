// The one door between the layers and the instruction sets: plain structs of arguments and a table of functions.
//
// Letters: W, R weights of inputs and of states, H hidden size, P size of a projected state, G gates of the cell; Hp is
// H rounded up to whole packets. A packet has `lanes` numbers.
// Vectors: the G*H gate columns of a cell are cut into vectors of one packet, and the vectors into groups: of three in
// the R of a GRU, else of four. The last group may have fewer. Unit block b is the units [b*lanes, b*lanes + lanes).
//   LSTM  vector 4*b + g holds gate g of unit block b: a group is all four gates of one unit block
//   GRU   vector 3*b + g holds a gate of unit block b: in R the gates r, u, n, so that a group is one unit
//         block; in W (and bias, z) the gates n, r, u. With the reset gate before the product, R has r, u alone, vector
//         2*b + g in groups of four, and the n of R is a plain matrix of its own, `packed_candidate`
//   RNN   vector b holds unit block b: a group is four unit blocks
//   plain vector b holds columns [b*lanes, b*lanes + lanes), grouped as in the RNN
// Packed matrix: [group][k][vector of the group][lane], K rows; columns past the end are zero. A reduced precision
// makes of it what its kernels read (`Reduction`). Group buffer (`dgates`): [group][row][4 slots][lane], a group as in
// R, so that it is the left operand of one product and the right of another. The slots are the vectors of the group;
// those of a GRU are n, r, u, a, where a is the recurrent part of n's sum: the first three belong to W, the last three
// to R. With the reset gate before the product a is not there, r and u belong to R, and n to the plain matrix.
#pragma once

#include <cstdint>
#include <limits>

namespace fastlstm {

using Index = std::int64_t;

constexpr Index kGroup = 4;  // vectors side by side in a register tile

// Numbers that a standard cell keeps for a unit and step: the derivatives of what it computes (forward.inl.hpp).
constexpr Index kLstmKept = 6, kGruKept = 5, kRnnKept = 1;

// What the operands of products are held in. Sums, gates and states are of the element type in every precision.
//   int8   weights of 8 bits, a scale a column; left rows of 8 bits, a scale a row; exact sums of whole numbers
//   int8_int16   the same with left rows of 16 bits, or as many as the sums have room for
//   bfloat16   the upper halves of float32 numbers
enum class Precision { full, int8, int8_int16, bfloat16 };

// A packed matrix as the kernels of its precision read it.
template <class T>
struct Packed {
    const void* numbers;  // T in full precision
    const T* scales;      // int8: [vectors * lanes]
};

// Where the kernels of a reduced precision leave the left rows of a product, rounded: `Reduction::left_bytes` of
// memory, and the largest whole number they may have.
struct Rounding {
    void* memory;
    Index largest;
};

// The functions a gate may have; their formulas stand in any_activation.inl.hpp.
enum class Function {
    affine,
    relu,
    leaky_relu,
    thresholded_relu,
    tanh,
    scaled_tanh,
    sigmoid,
    hard_sigmoid,
    elu,
    softsign,
    softplus,
    exponential,
    selu,
    silu
};

struct Activation {
    Function function;
    double alpha, beta;
};

// What a general cell may have other than the standard one; as they stand here, those of an LSTM and a GRU.
struct CellOptions {
    Activation gates = {Function::sigmoid, 0, 0};   // LSTM i, f, o; GRU r, u; RNN h
    Activation candidate = {Function::tanh, 0, 0};  // LSTM g, GRU n
    Activation output = {Function::tanh, 0, 0};     // LSTM, of c
    // Sums are cut to [-clip, clip] before they go into an activation; infinity: not at all.
    double clip = std::numeric_limits<double>::infinity();
    bool input_forget = false;  // LSTM: f = 1 - i
};

// out[m] = bias + a[m] · B
template <class T>
struct ProductArgs {
    const T* const* a;  // `rows` pointers; row m is cut into runs of `run` numbers, `run_stride` apart
    Index rows;
    Index k, run, run_stride;
    Rounding rounded;
    Packed<T> packed;  // B, K rows
    const T* bias;     // [vectors * lanes] or null
    Index group_begin, group_end;
    T* const* out;  // `rows` pointers
    Index columns;  // numbers written to an output row
};

// One visit of a cell: pre-activations z + h_prev · R, then the cell update.
// Sp is the size of the state in whole packets: that of H, or of P where h is a projection of the units' output.
template <class T>
struct CellForwardArgs {
    Index rows, hidden_size;
    Index state_size;              // numbers of h_prev: H, or P
    Index group_begin, group_end;  // groups of the gate vectors of R; in a second phase, of the unit blocks
    bool descending;               // take the groups from the last to the first, unless tiles fetch the next one
    Rounding rounded, rounded_x;   // the left rows of a phase's recurrent product; those of x
    Packed<T> packed_hh;           // R, K = state_size
    Packed<T> packed_candidate;    // R_n, K = H, GRU with the reset gate before the product
    const T* recurrent_bias;       // Hp, GRU: what is added to the n columns of h_prev · R
    const T* z;                    // rows x (vectors * lanes): bias + x W; or null, and then
    const T* const* x;             //   row pointers to `input_size` numbers each, LSTM and RNN only,
    Index input_size;              //   of which the product itself begins with bias + x W
    Packed<T> packed_ih;           // W, K = input_size
    const T* bias;                 // [vectors * lanes]
    const T* h_prev;               // rows x Sp
    const T* c_prev;               // rows x Hp, LSTM; may be c
    T* h;                          // rows x Hp, not h_prev
    T* h_reset;                    // rows x Hp, GRU with the reset gate before the product: r h_prev
    T* c;                          // rows x Hp, LSTM
    T* kept;                       // rows x (slots * Hp): what backward needs, [block][slot][lane], or null
    T* const* y;                   // row pointers to H numbers each, or null
    // General cells only. What they keep is never null and holds the sums that go into the activations.
    const CellOptions* options;
    const T* peepholes;  // LSTM: 3 * Hp numbers for i, f, o, or null
    const T* h_masked;   // rows x (G * Sp): h_prev times the mask of every gate, in the order of R; or null
};

// One visit backward: dh = dy + dgates_next · R^T, then the cell's derivative.
template <class T>
struct CellBackwardArgs {
    Index rows, hidden_size;
    Index group_begin, group_end;  // groups of unit blocks of h
    bool descending;               // as in a forward visit
    Packed<T> packed_hh_t;         // R^T, K = vectors * lanes
    Packed<T> packed_candidate_t;  // R_n^T, K = Hp, GRU with the reset gate before the product
    const T* dgates_next;          // group buffer of the visit after this one, its first `next_rows` rows
    Index next_rows;               // rows that go on after this visit
    Index next_group_stride;
    Rounding rounded;    // the left rows of a phase's product, with recurrent masks those of every gate
    const T* dh_n;       // rows x Hp: gradient of the final state, used by the rows that end here
    const T* const* dy;  // row pointers to H numbers each, or null
    const T* kept;       // rows x (slots * Hp)
    const T* c_prev;     // general LSTM: rows x Hp
    const T* h;          // RNN of relu: rows x Hp
    const T* h_prev;     // general GRU: rows x Hp
    T* carry;   // rows x Hp, LSTM: gradient of c in, of c_prev out; GRU: what of dh bypasses the gates, likewise
    T* dgates;  // group buffer
    Index group_stride;
    // General cells only
    const CellOptions* options;
    const T* peepholes;        // LSTM: 3 * Hp numbers for i, f, o, or null
    const T* recurrent_masks;  // rows x (G * Hp), what every gate's h_prev was multiplied with, or null; and then
    Packed<T> packed_gates_t[kGroup];  // the R^T of every gate apart, K = Hp
};

// c[i] = sum over k of a[k][i] * b[k], and optionally sums[.] = sum over k of b[k]; with `add`, += in both
template <class T>
struct OuterArgs {
    const T* const* a;  // K row pointers
    Index k;
    Index i_begin, i_end;
    const T* b;  // K rows, in groups of `group_vectors` vectors: a group buffer from the first slot that counts
    Index row_stride, group_stride;
    Index group_begin, group_end;
    Index group_vectors;  // slots that count
    Index vectors;        // of them in all groups
    T* c;                 // pitch vectors * lanes
    T* sums;              // [vectors * lanes] or null
    bool add;
    Rounding rounded;
};

constexpr int kMostKept = 3, kMostNumbers = 7;

// Weights one after the other, each of which a step of an optimizer changes by itself.
template <class T>
struct UpdateArgs {
    const T* w;
    const T* g;
    T* next;             // the new weights; may be w
    T* kept[kMostKept];  // what an optimizer keeps for each of them, read and written
    Index size;
    T decay, scale;    // what w and g are multiplied with before anything else
    const T* numbers;  // of the rule
};

// Rows of numbers z one after the other, and where their softmax goes; its logarithm, too, unless that is null.
template <class T>
struct SoftmaxArgs {
    const T* z;
    T *p, *log_p;
    Index rows, classes;
};

// The same rows and labels y for them, and where softmax, loss (one a row) and the slope of the loss go.
template <class T>
struct CrossEntropyArgs {
    const T *z, *y;
    T *p, *loss, *slope;
    Index rows, classes;
};

// A rule for such steps; the formulas stand in updates.inl.hpp.
template <class T>
struct Update {
    const char* name;
    int kept, numbers;  // how many arrays of `kept` it has, and how many numbers
    void (*step)(const UpdateArgs<T>&);
};

template <class T>
struct Updates {
    const Update<T>* first;
    int count;
    const Update<T>* begin() const { return first; }
    const Update<T>* end() const { return first + count; }
};

// The phases of a visit, one or two: the second needs what the first made for all units, and is null where there is
// none.
template <class T>
struct Cell {
    void (*forward[2])(const CellForwardArgs<T>&);
    void (*backward[2])(const CellBackwardArgs<T>&);
};

// How a matrix and the left rows of its products come into a reduced precision.
template <class T>
struct Reduction {
    // Bytes of a packed matrix of so many columns, and of so many left rows.
    Index (*matrix_bytes)(Index k, Index columns);
    Index (*left_bytes)(Index rows, Index k);
    // One panel, [k][columns], to where it lies in the matrix of such panels; and the scales of its columns.
    void (*pack)(const T* panel, Index k, Index columns, void* to, T* scales);
    Index largest;  // whole number of a left row; 0 where there are none, and no scales either
    // For training, or null: a packed panel back to numbers, and the bytes of an outer sum with so many numbers of a.
    void (*unpack)(const void* from, Index k, Index columns, T* panel);
    Index (*outer_bytes)(Index numbers, Index lanes);
};

// Of one element type and precision. A reduced precision has what inference needs, and what comes last is null.
template <class T>
struct Kernels {
    const char* isa;
    const char* description;
    Precision precision;
    const Reduction<T>* reduction;  // null in full precision
    Index lanes;
    void (*product)(const ProductArgs<T>&);
    void (*outer)(const OuterArgs<T>&);
    void (*transpose)(const T* from, Index from_pitch, T* to, Index to_pitch);  // one block of lanes x lanes
    Cell<T> lstm, gru, gru_reset_before, rnn_tanh, rnn_relu;
    Cell<T> general_lstm, general_gru, general_gru_reset_before, general_rnn;
    void (*tanh)(const T* x, T* y, Index n);
    void (*sigmoid)(const T* x, T* y, Index n);
    void (*activate)(const Activation& activation, const T* x, T* y, T* slope, Index n);
    Updates<T> updates;
    double (*squares)(const T* x, Index n);  // their sum; the same bits in all instruction sets
    void (*softmax)(const SoftmaxArgs<T>& args);
    void (*softmax_cross_entropy)(const CrossEntropyArgs<T>& args);
};

// Upper bounds to measure against.
struct Probe {
    float (*multiply_add)(Index rounds);
    Index flops;  // of one round
    float (*read)(const float* x, Index n);
};

struct KernelTable {
    const char* name;
    const char* description;
    Probe probe;
    Kernels<float> f32;
    Kernels<double> f64;
};

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table);
template <>
inline const Kernels<float>& kernels_of<float>(const KernelTable& table) {
    return table.f32;
}
template <>
inline const Kernels<double>& kernels_of<double>(const KernelTable& table) {
    return table.f64;
}

}  // namespace fastlstm
