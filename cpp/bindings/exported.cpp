// What is found by its name in the library, without Python: threadpoolctl looks for the threads of libraries so.
#include <exception>

#include <pybind11/pybind11.h>

#include "../layers/thread_pool.hpp"

extern "C" PYBIND11_EXPORT int fastlstm_get_num_threads() {
    try {
        return fastlstm::num_threads();
    } catch (const std::exception&) {  // of an environment variable that says nonsense; what asks for it next says so
        return 1;
    }
}

// Numbers that cannot be are left out, as by other libraries that are asked this way.
extern "C" PYBIND11_EXPORT void fastlstm_set_num_threads(int n) {
    if (n >= 1 && n <= fastlstm::kMostThreads) fastlstm::set_num_threads(n);
}
