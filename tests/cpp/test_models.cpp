// Models of files: what is whole runs, what is damaged is refused, and no byte beside it is read.
#include <doctest/doctest.h>

#include <cstring>
#include <fastlstm/fastlstm.hpp>
#include <string>

#include "problem.hpp"

namespace fastlstm {

namespace {

constexpr const char* kDescription =
    R"({\"format_version\": 1, \"kind\": \"layer\", \"class\": \"Chain\", \"arguments\": {)"
    R"(\"a\": {\"class\": \"RNN\", \"arguments\": {\"input_size\": 1, \"hidden_size\": 2, \"num_layers\": 1, )"
    R"(\"nonlinearity\": \"tanh\", \"bias\": false, \"batch_first\": false, \"dropout\": 0.0, )"
    R"(\"bidirectional\": false, \"dtype\": \"float32\"}}, )"
    R"(\"b\": {\"class\": \"Linear\", \"precision\": \"int8\", \"arguments\": {\"in_features\": 2, )"
    R"(\"out_features\": 1, \"bias\": true, \"dtype\": \"float32\"}}}})";

constexpr const char* kArrays = R"("a.weight_ih_l0": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}, )"
                                R"("a.weight_hh_l0": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]}, )"
                                R"("b.bias": {"dtype": "F32", "shape": [1], "data_offsets": [24, 28]}, )"
                                R"("b.weight_scale": {"dtype": "F32", "shape": [1], "data_offsets": [28, 32]}, )"
                                R"("b.weight": {"dtype": "I8", "shape": [1, 2], "data_offsets": [32, 34]})";

std::string whole_file() {
    const std::string metadata = std::string(R"({"__metadata__": {"fastlstm": ")") + kDescription + R"("}, )";
    const std::string header = metadata + kArrays + "}";
    std::string file(8, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, sizeof length);
    const float numbers[] = {0.5f, -1, 0.25f, 0, 0, 0.25f, 0.125f, 0.01f};
    file += header + std::string(sizeof numbers, '\0') + "\x7f\x81";
    std::memcpy(file.data() + 8 + header.size(), numbers, sizeof numbers);
    return file;
}

// In memory of its own, exactly as large.
Model load(const std::string& file) {
    const std::vector<char> bytes(file.begin(), file.end());
    return Model::load(bytes.data(), bytes.size());
}

bool is_refused(const std::string& file) {
    try {
        load(file);
        return false;
    } catch (const FileError&) {
        return true;
    } catch (const NotSupported&) {
        return true;
    }
}

}  // namespace

TEST_CASE("a model runs and steps") {
    const Model model = load(whole_file());
    CHECK(model.input_size() == 1);
    CHECK(model.output_size() == 1);
    CHECK(model.gives_sequences());
    const Numbers<float> x = {1, -2, 0.5f, 3};
    Numbers<float> y = unwritten<float>(4), steps = unwritten<float>(4);
    model.run(x.data(), 1, 4, y.data());
    ModelStream stream = model.stream();
    for (std::size_t t = 0; t < 4; ++t) stream.step(&x[t], &steps[t]);
    CHECK(y == steps);
    const float h[] = {std::tanh(0.5f), std::tanh(-1.0f)};
    CHECK(y[0] == doctest::Approx(0.125 + 1.27 * (h[0] - h[1])).epsilon(0.02));
    CHECK_THROWS_AS(model.run(x.data(), 0, 4, y.data()), std::invalid_argument);
}

TEST_CASE("files that are cut off or go on") {
    const std::string whole = whole_file();
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK(is_refused(whole.substr(0, size)));
    CHECK(is_refused(whole + "x"));
}

TEST_CASE("files with other bytes") {
    Random random(11);
    const std::string whole = whole_file();
    int refused = 0;
    for (int k = 0; k < 3000; ++k) {
        std::string file = whole;
        for (auto changes = random() % 3 + 1; changes > 0; --changes) {
            file[random() % file.size()] = static_cast<char>(random());
        }
        refused += is_refused(file);
    }
    CHECK(refused > 2000);
}

}  // namespace fastlstm
