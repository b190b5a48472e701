// The functions of the kernels that take whole arrays, on arrays of every size.
#include <doctest/doctest.h>

#include "results.hpp"

namespace fastlstm {

namespace {

constexpr Index kFunctions = static_cast<Index>(Function::silu) + 1;

template <class T>
void check(const Kernels<T>& kernels, Index size) {
    Random random(9);
    const Numbers<T> x = random_numbers<T>(size, 3, random);
    Numbers<T> y = unwritten<T>(size), slope = unwritten<T>(size);
    const auto check_written = [&] {
        for (const T number : y) CHECK(std::isfinite(number));
        y = unwritten<T>(size);
    };
    kernels.tanh(x.data(), y.data(), size);
    check_written();
    kernels.sigmoid(x.data(), y.data(), size);
    check_written();
    for (Index function = 0; function < kFunctions; ++function) {
        CAPTURE(function);
        kernels.activate({static_cast<Function>(function), 0.3, 0.6}, x.data(), y.data(), slope.data(), size);
        check_written();
    }
    for (const T number : slope) CHECK(std::isfinite(number));
}

}  // namespace

TEST_CASE("activations of arrays") {
    for (const KernelTable* isa : available_tables()) {
        for (Index size = 0; size < 40; ++size) {
            INFO(isa->name << " size " << size);
            check(isa->f32, size);
            check(isa->f64, size);
        }
    }
}

TEST_CASE("probes") {
    for (const KernelTable* isa : available_tables()) {
        const Numbers<float> numbers(4096, 1.0F);
        CHECK(std::isfinite(isa->probe.multiply_add(3)));
        CHECK(std::isfinite(isa->probe.read(numbers.data(), static_cast<Index>(numbers.size()))));
    }
}

}  // namespace fastlstm
