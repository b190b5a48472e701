// Models of fastlstm in C++, without Python: load a file that `save` wrote, run it, step it.
//
// Numbers are float, rows of them one after the other. A model is shared when it is copied, never changes, and may be
// used by many threads at once; a stream is used by one thread at a time. Errors are exceptions:
//   FileError               a file that cannot be read, or is none that fastlstm wrote
//   NotSupported            a layer or setting that is there in Python alone; the message names the layer
//   std::invalid_argument   an argument that does not fit
//   std::bad_alloc          memory that the system does not give
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace fastlstm {

class FileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class NotSupported : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Network;
class ModelStream;

class Model {
public:
    // Reads a file in the native format, by its path or as it lies in memory, which may go afterwards.
    static Model load(const std::string& path);
    static Model load(const void* bytes, std::size_t size);

    std::size_t input_size() const;   // numbers of a time step that go in: I; 1, an index, where an embedding is first
    std::size_t output_size() const;  // numbers that come out: O
    bool gives_sequences() const;     // whether they come out for every step, or for the last one alone

    // x: (N, T, I), N rows of T steps each; y: (N, T, O) or, without sequences, (N, O), written. Every call begins with
    // states of zeros. Large calls take the threads that FASTLSTM_NUM_THREADS says, or one for each processor.
    // Throws std::invalid_argument without rows or steps, or for an index that an embedding does not have.
    void run(const float* x, std::size_t rows, std::size_t steps, float* y) const;

    // For so many rows side by side, each with states of its own, which are zeros now.
    // Throws NotSupported where a layer reads the last step first.
    ModelStream stream(std::size_t rows = 1) const;

private:
    explicit Model(std::shared_ptr<const Network> network);
    std::shared_ptr<const Network> network_;
};

// A model that takes one time step a call and keeps the states of its layers between calls. Its outputs have the bits
// of `run`; of a model that gives no sequences every step has the output that `run` would give if it were the last.
class ModelStream {
public:
    ModelStream(ModelStream&& other) noexcept;
    ModelStream& operator=(ModelStream&& other) noexcept;
    ~ModelStream();

    std::size_t rows() const;

    // x: (N, I); y: (N, O), written. On the calling thread alone, without allocating, locking or a call of the system.
    // Throws std::invalid_argument for an index that an embedding does not have.
    void step(const float* x, float* y);

    // States are zeros again.
    void reset();

private:
    friend class Model;
    class Steps;
    explicit ModelStream(std::unique_ptr<Steps> steps);
    std::unique_ptr<Steps> steps_;
};

// Threads of a call of `run` at most, from now on, in this process. Throws std::invalid_argument for less than 1 or
// more than 1024.
void set_num_threads(int n);

}  // namespace fastlstm
