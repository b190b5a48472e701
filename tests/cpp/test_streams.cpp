// Streams: their bits are those of a whole sequence, whatever the threads, and whoever they are gathered with.
#include <doctest/doctest.h>

#include "calls.hpp"
#include "layers/stream.hpp"

namespace fastlstm {

namespace {

template <class T>
using Layers = std::vector<std::shared_ptr<const Weights<T>>>;

// A layer as the first, and others of its own size on top of it.
template <class T>
Layers<T> layers_of(const Case& given, Sizes sizes, int count) {
    Layers<T> layers;
    for (int layer = 0; layer < count; ++layer) {
        layers.push_back(Problem<T>(given, sizes).weights);
        sizes.I = given.projected ? sizes.P : sizes.H;
    }
    return layers;
}

// The outputs of all steps of x (T, N, I), and the states after them.
template <class T>
Results<T> step_through(Stream<T>& stream, const Numbers<T>& x, Index steps, bool alone = false) {
    const Index N = stream.rows(), I = stream.input_size(), S = stream.output_size();
    Numbers<T> y = unwritten<T>(steps * N * S);
    for (Index t = 0; t < steps; ++t) {
        wait_for_the_pool();
        if (alone) {
            stream.step_alone(x.data() + t * N * I, I, y.data() + t * N * S, S);
        } else {
            stream.step(x.data() + t * N * I, I, y.data() + t * N * S, S);
        }
    }
    Results<T> results{{"y", y}};
    for (Index layer = 0; layer < stream.layers(); ++layer) {
        Numbers<T> h = unwritten<T>(N * stream.state_size(layer)), c;
        if (stream.has_cell_state(layer)) c = unwritten<T>(N * stream.hidden_size(layer));
        stream.read_state(layer, h.data(), c.data());
        results.push_back({"h", h});
        results.push_back({"c", c});
    }
    return without_empty(results);
}

template <class T>
void check_one_layer(const Case& given, const Sizes& sizes, int threads) {
    INFO(given.name << " N " << sizes.N << " I " << sizes.I << " H " << sizes.H);
    const Problem<T> problem(given, sizes);
    const Threads several(threads);
    Stream<T> stream({problem.weights}, sizes.N);
    stream.write_state(0, problem.h_0.data(), problem.c_0.data());
    Results<T> got = step_through(stream, problem.x, sizes.T);
    CHECK(first_unwritten(got) == "");
    const Results<T> wanted = infer(problem);
    CHECK(got.size() == wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) got[i].first = wanted[i].first;
    CHECK(first_difference(got, wanted) == "");
}

template <class T>
void check_team(const Case& given, const std::vector<int>& team_sizes) {
    constexpr Sizes sizes{4, 23, 150, 131, 67};
    INFO(given.name);
    const Layers<T> layers = layers_of<T>(given, sizes, 3);
    const Numbers<T> x = Problem<T>(given, sizes).x;
    const auto results = [&](int threads) {
        const Threads several(threads);
        Stream<T> stream(layers, sizes.N);
        CHECK(static_cast<double>(stream.work()) >= kWorthATeam);
        return step_through(stream, x, sizes.T);
    };
    const Results<T> wanted = results(1);
    CHECK(first_unwritten(wanted) == "");
    for (const int threads : team_sizes) {
        CAPTURE(threads);
        CHECK(first_difference(results(threads), wanted) == "");
    }
    const Threads several(2);
    Stream<T> alone(layers, sizes.N);
    CHECK(first_difference(step_through(alone, x, sizes.T, true), wanted) == "");
}

// Streams of a row each, stepped together, and then the same alone.
template <class T>
void check_gathered(const Case& given) {
    INFO(given.name);
    constexpr Index kSteps = 3, kStreams = 5;
    const Sizes sizes{kSteps, 1, 11, 21, 13};
    const Layers<T> layers = layers_of<T>(given, sizes, 2);
    const Numbers<T> x = Problem<T>(given, {kSteps, kStreams, sizes.I, sizes.H, sizes.P}).x;
    std::vector<Stream<T>> streams;
    for (Index row = 0; row < kStreams; ++row) streams.emplace_back(layers, 1);
    std::vector<Stream<T>*> pointers;
    for (Stream<T>& stream : streams) pointers.push_back(&stream);
    for (Index t = 0; t < kSteps; ++t) {
        Stream<T> batch = Stream<T>::gathered(pointers);
        Numbers<T> y = unwritten<T>(kStreams * batch.output_size());
        batch.step(x.data() + t * kStreams * sizes.I, sizes.I, y.data(), batch.output_size());
        batch.scatter(pointers);
        CHECK(first_unwritten<T>({{"y", y}}) == "");
    }
    Stream<T> together(layers, kStreams), gathered = Stream<T>::gathered(pointers);
    step_through(together, x, kSteps);
    CHECK(first_difference(step_through(gathered, x, 1), step_through(together, x, 1)) == "");
}

std::vector<Case> stepped_cases() {
    std::vector<Case> cases = all_cases();
    const auto masked = [](const Case& given) { return given.recurrent_masks; };
    cases.erase(std::remove_if(cases.begin(), cases.end(), masked), cases.end());
    return cases;
}

}  // namespace

TEST_CASE("steps are those of the sequence") {
    Index number = 0;
    for (const Case& given : stepped_cases()) {
        for (const Index N : {1, 2, 7}) {
            const Sizes sizes{3, N, 1 + number * 7 % 23, 1 + number * 11 % 37, 1 + number * 3 % 19};
            check_one_layer<float>(given, sizes, 1);
            check_one_layer<double>(given, sizes, 1);
            ++number;
        }
    }
}

TEST_CASE("steps of a team") {
    for (const Case& given : stepped_cases()) check_team<float>(given, {3});
    check_one_layer<float>(projected_lstm(), {3, 23, 300, 131, 67}, 3);
}

TEST_SUITE("long") {
    TEST_CASE("steps of teams of all sizes") {
        for (const Case& given : stepped_cases()) check_team<float>(given, {2, 5, 8});
        check_team<double>(projected_lstm(), {2, 3});
    }
}

TEST_CASE("gathered streams") {
    for (const Case& given : stepped_cases()) check_gathered<float>(given);
}

TEST_CASE("streams of several callers share weights") {
    const Sizes sizes{4, 23, 150, 131, 67};
    for (const Case& given : {projected_lstm(), standard(CellKind::gru)}) {
        const Layers<float> layers = layers_of<float>(given, sizes, 2);
        const Numbers<float> x = Problem<float>(given, sizes).x;
        const Threads several(3);
        at_once(4, [&](int) {
            Stream<float> stream(layers, sizes.N);
            Numbers<float> y = unwritten<float>(sizes.N * stream.output_size());
            for (Index t = 0; t < sizes.T; ++t) stream.step(x.data(), sizes.I, y.data(), stream.output_size());
            stream.reset();
        });
    }
}

}  // namespace fastlstm
