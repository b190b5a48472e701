// Convolutions: teams take windows, and rows of a kernel's gradient.
#include <doctest/doctest.h>

#include "layers/convolution.hpp"
#include "results.hpp"
#include "threads.hpp"

namespace fastlstm {

namespace {

struct Shapes {
    KernelSizes kernel;
    Index rows, steps;
    Windows windows;
};

Shapes shapes(Index taps, Index inputs, Index outputs, Index groups, Index rows, Index steps, Index before,
              Index stride = 1, Index dilation = 1) {
    const Index room = before + steps - (taps - 1) * dilation - 1;
    const Index count = room < 0 ? 0 : room / stride + 1;
    return {{taps, inputs, outputs, groups}, rows, steps, {-before, stride, dilation, taps, count}};
}

// Everything there is, forward and backward.
template <class T>
Results<T> compute(const Shapes& shapes, int threads) {
    const Threads several(threads);
    const KernelSizes& sizes = shapes.kernel;
    const Index windows = shapes.rows * shapes.windows.count;
    Random random(3);
    const Numbers<T> x = random_numbers<T>(shapes.rows * shapes.steps * sizes.inputs, 1, random);
    const Numbers<T> kernel = random_numbers<T>(sizes.depth() * sizes.outputs, 1, random);
    const Numbers<T> bias = random_numbers<T>(sizes.outputs, 1, random);
    const Numbers<T> dy = random_numbers<T>(windows * sizes.outputs, 1, random);
    Numbers<T> y = unwritten<T>(windows * sizes.outputs), dkernel = unwritten<T>(sizes.depth() * sizes.outputs),
               dbias = unwritten<T>(sizes.outputs);
    const Sequences<T> sequences{x.data(), shapes.rows, shapes.steps, sizes.inputs, shapes.steps * sizes.inputs};
    const Index row_stride = shapes.windows.count * sizes.outputs;
    wait_for_the_pool();
    const Convolution<T> convolution(active_kernels<T>(), sizes, kernel.data(), bias.data());
    wait_for_the_pool();
    convolution.apply(sequences, shapes.windows, {y.data(), sizes.outputs, row_stride});
    wait_for_the_pool();
    convolution_backward<T>(active_kernels<T>(), sizes, sequences, shapes.windows,
                            {dy.data(), sizes.outputs, row_stride}, {dkernel.data(), dbias.data()});
    return {{"y", y}, {"dkernel", dkernel}, {"dbias", dbias}};
}

template <class T>
void check(const Shapes& shapes, const std::vector<int>& team_sizes) {
    const KernelSizes& sizes = shapes.kernel;
    INFO("taps " << sizes.taps << " inputs " << sizes.inputs << " outputs " << sizes.outputs << " steps "
                 << shapes.steps << " stride " << shapes.windows.stride << " dilation " << shapes.windows.dilation);
    const Results<T> wanted = compute<T>(shapes, 1);
    CHECK(first_unwritten(wanted) == "");
    for (const int threads : team_sizes) CHECK(first_difference(compute<T>(shapes, threads), wanted) == "");
}

}  // namespace

TEST_CASE("convolutions of odd sizes") {
    for (Index outputs = 1; outputs < 40; ++outputs) {
        const Index groups = 1 + outputs % 3, inputs = groups * (1 + outputs * 7 % 11);
        const Shapes odd = shapes(1 + outputs % 4, inputs, outputs * groups, groups, 1 + outputs % 3,
                                  1 + outputs * 5 % 17, outputs % 7, 1 + outputs % 2, 1 + outputs % 5);
        check<float>(odd, {});
        check<double>(odd, {});
    }
}

TEST_CASE("convolutions of a team") {
    check<float>(shapes(3, 24, 77, 1, 7, 100, 2), {2, 3, 5, 8});
    check<double>(shapes(3, 24, 76, 2, 7, 100, 2, 1, 3), {2, 3});
    check<float>(shapes(4, 24, 76, 1, 40, 60, 4000, 2), {2, 3});  // ends that a team copies
}

}  // namespace fastlstm
