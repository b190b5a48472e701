// How errors of files are worded, as everywhere in this project: NAME must ..., got ...
#pragma once

#include <string>

#include "../include/fastlstm/fastlstm.hpp"

namespace fastlstm {

[[noreturn]] inline void complain(const std::string& name, const std::string& must, const std::string& got) {
    throw FileError(name + " must " + must + ", got " + got);
}

[[noreturn]] inline void not_supported(const std::string& name, const std::string& must, const std::string& got) {
    throw NotSupported(name + " must " + must + " to be run in C++, got " + got);
}

}  // namespace fastlstm
