// Every cell with every option on every way through a sequence, small and of odd sizes, on one thread: what kernels
// read and write is inside the arrays, and all that should be written is.
#include <doctest/doctest.h>

#include "calls.hpp"

namespace fastlstm {

namespace {

// Sizes of all remainders by a packet, and rows of all heights of a tile.
Sizes odd_sizes(Index number) {
    return {1 + number % 7, 1 + number * 5 % 17, 1 + number * 7 % 23, 1 + number * 11 % 37, 1 + number * 3 % 19};
}

template <class T>
void check(const Case& given, const Sizes& sizes, const KernelTable& isa) {
    INFO(given.name << " T " << sizes.T << " N " << sizes.N << " I " << sizes.I << " H " << sizes.H << " P " << sizes.P
                    << " " << isa.name);
    const Problem<T> problem(given, sizes, isa);
    const Results<T> once = train(problem);
    CHECK(first_unwritten(once) == "");
    CHECK(first_difference(train(problem), once) == "");
    const Results<T> with_norms = train(problem, Callers::one, {}, true);
    CHECK(first_unwritten(with_norms) == "");
    CHECK(first_difference(first_of(with_norms, once), once) == "");
    const Results<T> inference = infer(problem);
    CHECK(first_difference(inference, first_of(once, inference)) == "");
}

template <class T>
void check_all() {
    const Threads one(1);
    Index number = 0;
    for (const KernelTable* isa : available_tables()) {
        for (const Case& given : all_cases()) {
            for (int way = 0; way < kWays; ++way) check<T>(on_way(given, way), odd_sizes(number++), *isa);
        }
    }
}

template <class T>
void check_without_optional(const Case& given) {
    INFO(given.name);
    const Problem<T> problem(given, {5, 3, 4, 9, 6});
    ForwardOutputs<T> forward_out(problem);
    ForwardArrays<T> arrays = forward_arrays(problem, forward_out);
    arrays.h_0 = arrays.c_0 = nullptr;
    arrays.y = {};
    Tape<T> tape = empty_tape(problem, problem.weights);
    CHECK(forward<T>(*problem.weights, problem.schedule, arrays, &tape, {}));
    BackwardOutputs<T> out(problem);
    BackwardArrays<T> gradients{};
    gradients.dy = problem.template sequence<const T>(problem.dy, problem.S);
    gradients.dh_0 = out.dh_0.data();
    gradients.dc_0 = out.dc_0.data();
    CHECK(backward<T>(tape, gradients, {}));
    CHECK(first_unwritten<T>({{"h_n", forward_out.h_n}, {"dh_0", out.dh_0}}) == "");
}

}  // namespace

TEST_CASE("parameters have the standard cell, unless they say another") {
    const Numbers<float> weights(64, 0.1f);
    for (const CellTraits& cell : kCellTraits) {
        CellParameters<float> parameters;
        parameters.kind = cell.kind;
        parameters.input_size = parameters.hidden_size = parameters.state_size = 2;
        parameters.weight_ih = parameters.weight_hh = {weights.data(), 2, 1};
        CHECK_FALSE(Weights<float>(active_kernels<float>(), parameters).general);
        parameters.options = CellOptions{};
        CHECK(Weights<float>(active_kernels<float>(), parameters).general ==
              (cell.kind == CellKind::rnn_tanh || cell.kind == CellKind::rnn_relu));
    }
}

TEST_CASE("sequences, float") { check_all<float>(); }
TEST_CASE("sequences, double") { check_all<double>(); }

TEST_CASE("sequences without optional arrays") {
    for (const Case& given : all_cases_on_some_way()) check_without_optional<float>(given);
}

}  // namespace fastlstm
