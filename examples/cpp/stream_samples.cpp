// Loads a model that was saved in Python and feeds it a signal sample by sample, as a sensor would.
//
//   python -c "import fastlstm as fl; fl.Chain(lstm=fl.LSTM(1, 32), out=fl.Linear(32, 1)).save('model.fastlstm')"
//   cmake -S . -B build && cmake --build build && build/stream_samples model.fastlstm 5
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fastlstm/fastlstm.hpp>
#include <vector>

namespace {

void stream_samples(const char* path, int count) {
    const fastlstm::Model model = fastlstm::Model::load(path);
    fastlstm::ModelStream stream = model.stream();
    std::vector<float> x(model.input_size()), y(model.output_size());
    for (int t = 0; t < count; ++t) {
        for (float& number : x) number = std::sin(0.1f * static_cast<float>(t));
        stream.step(x.data(), y.data());  // allocates nothing, takes no lock
        std::printf("%d", t);
        for (const float number : y) std::printf(" %.9g", static_cast<double>(number));
        std::printf("\n");
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: %s MODEL SAMPLES\n", arguments[0]);
        return 2;
    }
    try {
        stream_samples(arguments[1], std::atoi(arguments[2]));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
