// Compiled with baseline flags and without link-time optimisation: it runs before we know what the processor can do.
#include "dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace fastlstm {

namespace baseline {
extern const KernelTable table;
}
namespace avx2 {
extern const KernelTable table;
}
namespace avx512 {
extern const KernelTable table;
}
namespace neon {
extern const KernelTable table;
}

namespace {

struct Entry {
    const KernelTable* table;
    bool (*supported)();
};

// Fastest first. The build says which there are (FASTLSTM_ISAS in cmake/isa.cmake).
const Entry kEntries[] = {
#if defined(FASTLSTM_HAS_avx512)
    {&avx512::table,
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("fma");
     }},
#endif
#if defined(FASTLSTM_HAS_avx2)
    {&avx2::table, [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }},
#endif
#if defined(FASTLSTM_HAS_baseline)
    {&baseline::table, [] { return true; }},
#endif
#if defined(FASTLSTM_HAS_neon)
    {&neon::table, [] { return true; }},
#endif
};

std::string names_of(const std::vector<const KernelTable*>& tables) {
    std::string names;
    for (const KernelTable* table : tables) names += (names.empty() ? "'" : ", '") + std::string(table->name) + "'";
    return names;
}

const KernelTable& find_available(const std::string& name, const std::string& source) {
    for (const KernelTable* table : available_tables()) {
        if (name == table->name) return *table;
    }
    throw std::invalid_argument(source + " must be an instruction set this build and processor have (" +
                                names_of(available_tables()) + "), got '" + name + "'");
}

const KernelTable& initial_table() {
    const char* forced = std::getenv("FASTLSTM_ISA");
    if (forced && *forced) return find_available(forced, "FASTLSTM_ISA");
    const std::vector<const KernelTable*> tables = available_tables();
    if (tables.empty()) throw std::runtime_error("this build has no instruction set that the processor has");
    return *tables.front();
}

std::atomic<const KernelTable*> active{nullptr};

}  // namespace

std::vector<const KernelTable*> built_tables() {
    std::vector<const KernelTable*> tables;
    for (const Entry& entry : kEntries) tables.push_back(entry.table);
    return tables;
}

std::vector<const KernelTable*> available_tables() {
    std::vector<const KernelTable*> tables;
    for (const Entry& entry : kEntries) {
        if (entry.supported()) tables.push_back(entry.table);
    }
    return tables;
}

const KernelTable& active_table() {
    const KernelTable* table = active.load();
    if (!table) active.store(table = &initial_table());
    return *table;
}

void set_active_table(const std::string& name) { active.store(&find_available(name, "name")); }

}  // namespace fastlstm
