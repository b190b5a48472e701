// The sums of a tile, in registers or in memory.
//
// In registers they are a Tile, and what makes and takes them is compiled for every shape of it. In memory they are of
// any shape: a product is compiled once for each, whatever its sums are for, and what takes them once for all shapes.
#pragma once

#include "operands.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// [groups][rows][vectors]
template <class T>
struct SumsInMemory {
    Shape shape;
    Packet<T>* first;

    FASTLSTM_INLINE Packet<T>& at(int p, int r, int v) const { return first[(p * shape.rows + r) * shape.vectors + v]; }
};

// Of the largest tile.
constexpr int kMostRows = kMatrices ? kMostMatrixRows : FASTLSTM_TILE_ROWS;
constexpr int kMostSums = kMatrices ? kMostRows * kGroup : kRegisters;

// Sets each to f(p, r, v).
template <class T, class F>
FASTLSTM_INLINE void set_each(const SumsInMemory<T>& sums, const F& f) {
    for (int p = 0; p < sums.shape.groups; ++p)
        for (int r = 0; r < sums.shape.rows; ++r)
            for (int v = 0; v < sums.shape.vectors; ++v) sums.at(p, r, v) = f(p, r, v);
}
template <class T, int Groups, int Rows, int Vectors, class F>
FASTLSTM_INLINE void set_each(Tile<T, Groups, Rows, Vectors>& acc, const F& f) {
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v) FASTLSTM_INLINED { acc.at[p][r][v] = f(p, r, v); });
}

// Copies those of a tile.
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void store(const Tile<T, Groups, Rows, Vectors>& acc, Packet<T>* sums) {
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v)
                                           FASTLSTM_INLINED { sums[(p * Rows + r) * Vectors + v] = acc.at[p][r][v]; });
}

// sums = beginning + left · panel for left rows from `row` on
template <class T, class Left>
using Product = void (*)(Packet<T>* sums, const Beginning<T>& beginning, const Left& left, Index row,
                         const Panel<T>& panel);

template <class T, class Left, int Groups, int Rows, int Vectors>
FASTLSTM_APART void product_to_memory(Packet<T>* sums, const Beginning<T>& beginning, const Left& left, Index row,
                                      const Panel<T>& panel) {
    static_assert(Groups * Rows * Vectors <= kMostSums);
    Tile<T, Groups, Rows, Vectors> acc;
    multiply(acc, beginning, left.template tile<Rows>(row), panel);
    store(acc, sums);
}

// Whether rows and groups are cut into tiles of this shape. Only whole groups, of three or four vectors, go side by
// side.
template <class T, int Groups, int Rows, int Vectors>
constexpr bool is_shape() {
    if (Groups > 1 && (Vectors < 3 || Groups > kTileGroups<Rows>)) return false;
    if (Rows < kFewestMatrixRows) return Rows <= kTileRows<T, Vectors>;
    return Groups == 1 && (Rows & (Rows - 1)) == 0;
}

// The product for every shape, one after the other: [groups][vectors][rows].
template <class T, class Left>
class Products {
public:
    constexpr Products() { add<2, kGroup, kMostRows>(); }

    FASTLSTM_INLINE Product<T, Left> of(const Shape& shape) const {
        return of_[shape.groups - 1][shape.vectors - 1][shape.rows - 1];
    }

private:
    template <int Groups, int Vectors, int Rows>
    constexpr void add() {
        if constexpr (is_shape<T, Groups, Rows, Vectors>()) {
            of_[Groups - 1][Vectors - 1][Rows - 1] = product_to_memory<T, Left, Groups, Rows, Vectors>;
        }
        if constexpr (Rows > 1) {
            add<Groups, Vectors, Rows - 1>();
        } else if constexpr (Vectors > 1) {
            add<Groups, Vectors - 1, kMostRows>();
        } else if constexpr (Groups > 1) {
            add<Groups - 1, kGroup, kMostRows>();
        }
    }

    Product<T, Left> of_[2][kGroup][kMostRows] = {};
};

template <class T, class Left>
constexpr Products<T, Left> kProducts = {};

// sums = beginning + left · panel, and += left · panel, for left rows from `row` on, in memory and in registers
template <class T, class Left>
FASTLSTM_INLINE void multiply(SumsInMemory<T>& sums, const Beginning<T>& beginning, const Left& left, Index row,
                              const Panel<T>& panel) {
    kProducts<T, Left>.of(sums.shape)(sums.first, beginning, left, row, panel);
}
template <class T, class Left>
FASTLSTM_INLINE void multiply_add(SumsInMemory<T>& sums, const Left& left, Index row, const Panel<T>& panel) {
    const Index pitch = sums.shape.vectors * kLanes<T>;
    const auto* first = reinterpret_cast<const T*>(sums.first);
    multiply(sums, Beginning<T>{first, pitch, sums.shape.rows * pitch, nullptr}, left, row, panel);
}
template <class Acc, class T, class Left>
FASTLSTM_INLINE void multiply(Acc& acc, const Beginning<T>& beginning, const Left& left, Index row,
                              const Panel<T>& panel) {
    multiply(acc, beginning, left.template tile<Acc::shape.rows>(row), panel);
}
template <class Acc, class T, class Left>
FASTLSTM_INLINE void multiply_add(Acc& acc, const Left& left, Index row, const Panel<T>& panel) {
    multiply_add(acc, left.template tile<Acc::shape.rows>(row), panel);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
