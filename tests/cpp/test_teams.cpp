// Calls of a team give the bits of one thread, in both ways of splitting, through several chunks of backward.
#include <doctest/doctest.h>

#include <tuple>

#include "calls.hpp"

namespace fastlstm {

namespace {

constexpr Index kRowsToATeam = 8;  // kRowsWorthSplitting of plan.cpp

// Steps for backward to gather gate gradients so many times, as backward.cpp does; with lengths or a mask, less often.
template <class T>
Index steps_of_chunks(double chunks, CellKind kind, const Sizes& sizes) {
    const Index lanes = active_kernels<T>().lanes;
    const Index blocks = (sizes.H + lanes - 1) / lanes;
    const Index groups = traits(kind).gates == 1 ? (blocks + 3) / 4 : blocks;
    const Index row_bytes = groups * 4 * lanes * static_cast<Index>(sizeof(T));
    const Index rows = std::max<Index>(192, 384 * 1024 / row_bytes);
    return static_cast<Index>(chunks * static_cast<double>(rows) / static_cast<double>(sizes.N)) + 1;
}

// Many rows of a small layer: each thread takes rows.
template <class T>
Sizes sizes_for_rows(const Case& given, int threads) {
    Sizes sizes{1, kRowsToATeam * threads + 3, 13, 33, 22};
    sizes.T = std::max<Index>(60, steps_of_chunks<T>(4.2, given.kind, sizes));
    return sizes;
}

// Few rows of a layer that is worth two barriers at every visit: each thread takes units.
template <class T>
Sizes sizes_for_units(const Case& given, int threads) {
    Sizes sizes{1, 5, 0, 131, 70};
    const auto G = static_cast<double>(traits(given.kind).gates), N = static_cast<double>(sizes.N);
    const double barrier = 1.5e4 + 250 * (1 + G) / 2 * N * static_cast<double>(sizes.H) / 2;
    const double running = given.valid == Valid::all ? N : 0.55 * N;
    const double per_row = 2.1 * threads * barrier / running;  // multiply-adds
    sizes.I = std::max<Index>(9, static_cast<Index>(per_row / (G * static_cast<double>(sizes.H))) - sizes.H);
    sizes.T = steps_of_chunks<T>(given.valid == Valid::all ? 2.2 : 3.5, given.kind, sizes);
    return sizes;
}

template <class T>
void check(const Case& given, const Sizes& sizes, const std::vector<int>& team_sizes, bool units) {
    INFO(given.name << " T " << sizes.T << " N " << sizes.N << " I " << sizes.I << " H " << sizes.H << " P "
                    << sizes.P);
    const Problem<T> problem(given, sizes);
    const auto [wanted, with_norms, wanted_inference] = [&] {
        const Threads one(1);
        return std::make_tuple(train(problem), train(problem, Callers::one, {}, true), infer(problem));
    }();
    CHECK(first_unwritten(with_norms) == "");
    CHECK(first_difference(first_of(with_norms, wanted), wanted) == "");
    for (const int threads : team_sizes) {
        CAPTURE(threads);
        const Threads several(threads);
        const Split split = best_split(Work(problem.schedule, *problem.weights), threads, true);
        CHECK(split.threads > 1);
        CHECK(split.units == units);
        CHECK(first_difference(train(problem), wanted) == "");
        CHECK(first_difference(train(problem, Callers::one, {1, 0}, true), with_norms) == "");
        CHECK(first_difference(infer(problem), wanted_inference) == "");
    }
}

template <class T>
void check_rows(const std::vector<Case>& cases, const std::vector<int>& team_sizes) {
    for (const Case& given : cases) {
        check<T>(given, sizes_for_rows<T>(given, team_sizes.back()), team_sizes, false);
    }
}

template <class T>
void check_units(const std::vector<Case>& cases, const std::vector<int>& team_sizes) {
    for (const Case& given : cases) {
        check<T>(given, sizes_for_units<T>(given, team_sizes.back()), team_sizes, true);
    }
}

// Those that go different ways through forward and backward.
std::vector<Case> some_cases() {
    std::vector<Case> cases{projected_lstm(), lstm_options()[2]};
    for (const CellKind kind : kCells) {
        if (kind != CellKind::rnn_relu) cases.push_back(standard(kind));
    }
    for (const CellKind kind : {CellKind::lstm, CellKind::gru_reset_before}) cases.push_back(cases_of(kind)[2]);
    return cases;
}

}  // namespace

TEST_CASE("teams that split rows") { check_rows<float>(all_cases_on_some_way(), {3}); }
TEST_CASE("teams that split units") { check_units<float>(on_some_way(some_cases()), {2}); }

TEST_SUITE("long") {
    TEST_CASE("teams of all sizes that split rows") { check_rows<float>(all_cases(), {2, 3, 5, 8}); }
    TEST_CASE("teams of all sizes that split units") { check_units<float>(some_cases(), {2, 3, 5, 8}); }
    TEST_CASE("teams that split units, all cases") { check_units<float>(all_cases_on_some_way(), {3}); }
    TEST_CASE("teams that split rows, double") { check_rows<double>(some_cases(), {2, 3}); }
    TEST_CASE("teams that split units, double") { check_units<double>(some_cases(), {2, 3}); }
}

}  // namespace fastlstm
