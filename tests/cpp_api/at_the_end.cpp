// Says on standard error, when the program ends, how often it has asked for memory.
#include <cstdio>

#include "allocations.hpp"

namespace {

struct AtTheEnd {
    ~AtTheEnd() { std::fprintf(stderr, "%ld\n", allocations()); }
};
const AtTheEnd at_the_end;

}  // namespace
