// The 32 bits of each float of a packet, as whole numbers.
#pragma once

#include <cstdint>
#include <cstring>

#include "packet.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

#if defined(EIGEN_DONT_VECTORIZE)  // then a packet is one float
using Bits = std::int32_t;

FASTLSTM_INLINE Bits load_bits(const std::uint32_t* p) { return static_cast<Bits>(*p); }
FASTLSTM_INLINE Bits as_bits(const Packet<float>& x) {
    Bits bits;
    std::memcpy(&bits, &x, sizeof(bits));
    return bits;
}
FASTLSTM_INLINE Packet<float> as_floats(Bits bits) {
    Packet<float> x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
}
template <int Places>
FASTLSTM_INLINE Bits shift_left(Bits bits) {
    return static_cast<Bits>(static_cast<std::uint32_t>(bits) << Places);
}
FASTLSTM_INLINE Bits bits_in(Bits bits, std::uint32_t mask) { return bits & static_cast<Bits>(mask); }
#else
using Bits = typename Eigen::internal::unpacket_traits<Packet<float> >::integer_packet;

FASTLSTM_INLINE Bits load_bits(const std::uint32_t* p) {
    return ploadu<Bits>(reinterpret_cast<const std::int32_t*>(p));
}
FASTLSTM_INLINE Bits as_bits(const Packet<float>& x) { return Eigen::internal::preinterpret<Bits>(x); }
FASTLSTM_INLINE Packet<float> as_floats(const Bits& bits) {
    return Eigen::internal::preinterpret<Packet<float> >(bits);
}
template <int Places>
FASTLSTM_INLINE Bits shift_left(const Bits& bits) {
    return Eigen::internal::plogical_shift_left<Places>(bits);
}
FASTLSTM_INLINE Bits bits_in(const Bits& bits, std::uint32_t mask) {
    return Eigen::internal::pand(bits, pset1<Bits>(static_cast<int>(mask)));
}
#endif

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
