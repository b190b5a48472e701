// The vocabulary of the kernels: Eigen's packet math for one instruction set, and loads and stores that stop at the end
// of a row. Included only by kernels.inl.hpp, inside no namespace.
#pragma once

#include <Eigen/Core>

#include "kernel_table.hpp"

#define FASTLSTM_INLINE inline __attribute__((always_inline))
#define FASTLSTM_APART __attribute__((noinline))         // of a tile, which needs all registers for itself
#define FASTLSTM_INLINED __attribute__((always_inline))  // of a lambda, after its parameters

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

using Eigen::internal::padd;
using Eigen::internal::pdiv;
using Eigen::internal::pload;
using Eigen::internal::ploadu;
using Eigen::internal::pmadd;
using Eigen::internal::pmul;
using Eigen::internal::pset1;
using Eigen::internal::pstore;
using Eigen::internal::pstoreu;
using Eigen::internal::psub;

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;

template <class T>
constexpr int kLanes = Eigen::internal::unpacket_traits<Packet<T>>::size;

#if defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_NEON)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// Rows of a register tile with V vectors: as many accumulators as leave room for one vector and the broadcasts.
template <int V>
constexpr int kTileRows = 3 * kRegisters / 4 / V < 8 ? 3 * kRegisters / 4 / V : 8;

FASTLSTM_INLINE Index at_most(Index a, Index b) { return a < b ? a : b; }
FASTLSTM_INLINE Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

// Smaller and larger of a number and a bound. A NaN in `x` stays a NaN: Eigen's pmin and pmax return their first
// operand when the two do not compare.
template <class P>
FASTLSTM_INLINE P at_most(const P& x, const P& bound) {
    return Eigen::internal::pmin(x, bound);
}
template <class P>
FASTLSTM_INLINE P at_least(const P& x, const P& bound) {
    return Eigen::internal::pmax(x, bound);
}

constexpr Index kCacheLine = 64;  // bytes

// Asks for the line of p from memory into the second-level cache, for later.
FASTLSTM_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }
// The same from there into the nearest cache.
FASTLSTM_INLINE void prefetch_near(const void* p) { __builtin_prefetch(p, 0, 3); }

// Ends of rows are rare and the code for them long: it stays out of the kernels. The value is passed as such: the
// address of an accumulator would keep the whole tile in memory.
template <class T>
__attribute__((noinline, cold)) Packet<T> load_end(const T* p, Index n) {
    alignas(64) T lanes[kLanes<T>] = {};
    for (Index l = 0; l < n; ++l) lanes[l] = p[l];
    return pload<Packet<T>>(lanes);
}

template <class T>
__attribute__((noinline, cold)) void store_end(T* p, Packet<T> value, Index n) {
    alignas(64) T lanes[kLanes<T>];
    pstore(lanes, value);
    for (Index l = 0; l < n; ++l) p[l] = lanes[l];
}

// The first n lanes of p; the others are zero.
template <class T>
FASTLSTM_INLINE Packet<T> load_first(const T* p, Index n) {
    return n >= kLanes<T> ? ploadu<Packet<T>>(p) : load_end(p, n);
}

template <class T>
FASTLSTM_INLINE void store_first(T* p, const Packet<T>& value, Index n) {
    if (n >= kLanes<T>) return pstoreu(p, value);
    store_end(p, value, n);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
