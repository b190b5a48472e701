// Long calls that are told to stop in the middle: all threads leave, and the next call has its bits.
#include <doctest/doctest.h>

#include "calls.hpp"
#include "layers/convolution.hpp"
#include "layers/pipeline.hpp"
#include "layers/side_by_side.hpp"

namespace fastlstm {

namespace {

// Calls ask every tenth of a second, so they are repeated with more and more steps until one is asked.
constexpr Index kMostSteps = Index{1} << 20;

// Whether call(problem, stop) was stopped; grows the problem until it is.
template <class Call>
bool is_stopped(const Case& given, Sizes sizes, const Call& call) {
    for (; sizes.T < kMostSteps; sizes.T *= 4) {
        const Problem<float> problem(given, sizes);
        bool asked = false;
        wait_for_the_pool();
        const bool completed = call(problem, [&asked] { return asked = true; });
        if (completed == asked) return false;
        if (asked) return true;
    }
    return false;
}

bool forward_once(const Problem<float>& problem, const StopRequested& stop, Tape<float>* tape) {
    ForwardOutputs<float> out(problem);
    return forward<float>(*problem.weights, problem.schedule, forward_arrays(problem, out), tape, stop);
}

bool backward_once(const Problem<float>& problem, const StopRequested& stop) {
    Tape<float> tape = empty_tape(problem, problem.weights);
    forward_once(problem, {}, &tape);
    BackwardOutputs<float> out(problem);
    wait_for_the_pool();
    return backward<float>(tape, backward_arrays(problem, out), stop);
}

// Two passes over the same input, the second with its own outputs.
template <class Run>
bool two_passes(const Problem<float>& problem, const Run& run) {
    ForwardOutputs<float> first(problem), second(problem);
    std::vector<Pass<float>> passes;
    passes.push_back({problem.weights.get(), &problem.schedule, forward_arrays(problem, first)});
    passes.push_back({problem.weights.get(), &problem.schedule, forward_arrays(problem, second)});
    return run(std::move(passes));
}

// What a convolution of so many steps takes and gives, forward and backward.
struct Convolved {
    explicit Convolved(Index steps)
        : windows{0, 1, 1, sizes.taps, steps},
          x(static_cast<std::size_t>(steps * sizes.inputs)),
          y(static_cast<std::size_t>(steps * sizes.outputs)),
          kernel(static_cast<std::size_t>(sizes.depth() * sizes.outputs)) {}

    bool forward(const StopRequested& stop) {
        const Convolution<float> convolution(active_kernels<float>(), sizes, kernel.data(), nullptr);
        wait_for_the_pool();
        return convolution.apply(sequences(), windows, {y.data(), sizes.outputs, 0}, stop);
    }
    bool backward(const StopRequested& stop) {
        wait_for_the_pool();
        return convolution_backward<float>(active_kernels<float>(), sizes, sequences(), windows,
                                           {y.data(), sizes.outputs, 0}, {kernel.data(), nullptr}, stop);
    }
    Sequences<float> sequences() const { return {x.data(), 1, windows.count, sizes.inputs, 0}; }

    const KernelSizes sizes{32, 8, 64, 1};
    const Windows windows;
    std::vector<float> x, y, kernel;
};

// Whether a method of it was stopped; grows it until it is.
bool is_stopped(bool (Convolved::*method)(const StopRequested&)) {
    for (Index steps = 1 << 12; steps < kMostSteps; steps *= 4) {
        bool asked = false;
        Convolved convolved(steps);
        const bool completed = (convolved.*method)([&asked] { return asked = true; });
        if (completed == asked) return false;
        if (asked) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("rank 0 names the chunk at which all leave once") {
    const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(120)); };
    Interruption interruption([] { return true; });
    pause();
    CHECK(!interruption.at_chunk(0, 3));
    CHECK(interruption.stopped());
    CHECK(!interruption.at_chunk(1, 3));
    pause();
    CHECK(interruption.at_chunk(1, 4));
    CHECK(interruption.at_chunk(0, 4));
}

TEST_CASE("calls stop when they are asked to") {
    const Threads several(3);
    for (const Case& given : {projected_lstm(), standard(CellKind::gru_reset_before)}) {
        for (const Sizes& sizes : {Sizes{200, 27, 33, 33, 22}, Sizes{50, 5, 500, 131, 70}}) {  // many rows, few rows
            INFO(given.name << " N " << sizes.N);
            CHECK(is_stopped(given, sizes, [](const Problem<float>& problem, const StopRequested& stop) {
                return forward_once(problem, stop, nullptr);
            }));
            CHECK(is_stopped(given, sizes, backward_once));
        }
    }
}

TEST_CASE("stacks stop when they are asked to") {
    const Threads several(4);
    const Sizes sizes{400, 3, 33, 33, 33};
    CHECK(is_stopped(standard(CellKind::lstm), sizes, [](const Problem<float>& problem, const StopRequested& stop) {
        return two_passes(problem, [&](std::vector<Pass<float>> passes) {
            return forward_pipelined<float>(std::move(passes), 2, stop);
        });
    }));
    CHECK(is_stopped(standard(CellKind::lstm), sizes, [](const Problem<float>& problem, const StopRequested& stop) {
        return two_passes(
            problem, [&](const std::vector<Pass<float>>& passes) { return forward_side_by_side<float>(passes, stop); });
    }));
}

TEST_CASE("convolutions stop when they are asked to") {
    for (const int threads : {1, 3}) {
        const Threads several(threads);
        CHECK(is_stopped(&Convolved::forward));
        CHECK(is_stopped(&Convolved::backward));
    }
}

TEST_CASE("work that is shared out in parts stops when it is asked to") {
    const Threads several(3);
    const auto take_part = [](Index, Index) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
    wait_for_the_pool();
    bool asked = false;
    CHECK(!parallel_for(1000, 1e9, 3, 1, [&asked] { return asked = true; }, take_part));
    CHECK(asked);
    CHECK(parallel_for(3, 1e9, 3, 1, {}, take_part));
}

}  // namespace fastlstm
