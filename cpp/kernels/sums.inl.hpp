// How the sums of a tile are made, in registers or in memory.
//
// In registers they are a Tile, and what makes and takes them is compiled for every shape of it. In memory they are of
// any shape: a product is compiled once for each, whatever its sums are for, and what takes them once for all shapes.
#pragma once

#include "operands.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Of the largest tile.
constexpr int kMostRows = kMatrices ? kMostMatrixRows : FASTLSTM_TILE_ROWS;
constexpr int kMostSums = kMatrices ? kMostRows * kGroup : kRegisters;

// sums = beginning + left · panel for left rows from `row` on
template <class T, class Left>
using Product = void (*)(const SumsInMemory<T>& sums, const Beginning<T>& beginning, const Left& left, Index row,
                         const Panel<T>& panel);

#if !defined(FASTLSTM_AMX)
// A name without a definition.
template <int Rows, int Vectors, class... Arguments>
void multiply_matrices(const Arguments&...);
#endif

template <class T, class Left, int Groups, int Rows, int Vectors>
FASTLSTM_APART void product_to_memory(const SumsInMemory<T>& sums, const Beginning<T>& beginning, const Left& left,
                                      Index row, const Panel<T>& panel) {
    static_assert(Groups * Rows * Vectors <= kMostSums);
    if constexpr (Rows < kFewestMatrixRows) {
        Tile<T, Groups, Rows, Vectors> acc;
        multiply(acc, beginning, left.template tile<Rows>(row), panel);
        store(acc, sums.first);
    } else {
        multiply_matrices<Rows, Vectors>(sums, beginning, left.template tile<Rows>(row), panel);
    }
}

// The rows of the tile that so many are computed in.
constexpr int most_rows(int rows) {
    if (rows < kFewestMatrixRows) return rows;
    return rows > kMatrixRows ? kMostMatrixRows : kMatrixRows;
}

// Whether rows and groups are cut into tiles of this shape. Only whole groups, of three or four vectors, go side by
// side.
template <class T, int Groups, int Rows, int Vectors>
constexpr bool is_shape() {
    if (Groups > 1 && (Vectors < 3 || Groups > kTileGroups<Rows>)) return false;
    if (Rows < kFewestMatrixRows) return Rows <= kTileRows<T, Vectors>;
    return Groups == 1 && Rows == most_rows(Rows);
}

// The product for every shape, one after the other: [groups][vectors][rows].
template <class T, class Left>
class Products {
public:
    constexpr Products() { add<2, kGroup, kMostRows>(); }

    FASTLSTM_INLINE Product<T, Left> of(const Shape& shape) const {
        return of_[shape.groups - 1][shape.vectors - 1][most_rows(shape.rows) - 1];
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
    kProducts<T, Left>.of(sums.shape)(sums, beginning, left, row, panel);
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
