// Long calls that are told to stop in the middle: all threads leave, and the next call has its bits.
#include <doctest/doctest.h>

#include "calls.hpp"
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

}  // namespace fastlstm
