// Compiled with baseline flags and without link-time optimisation: it runs before we know what the processor can do.
#include "dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "processor.hpp"

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
namespace plain {
extern const KernelTable table;
}

#define FASTLSTM_REDUCED_KERNELS(name)   \
    namespace name {                     \
    extern const Kernels<float> kernels; \
    }
FASTLSTM_REDUCED_KERNELS(baseline_int8)
FASTLSTM_REDUCED_KERNELS(avx2_int8)
FASTLSTM_REDUCED_KERNELS(avx2_vnni_int8)
FASTLSTM_REDUCED_KERNELS(avx512_vnni_int8)
FASTLSTM_REDUCED_KERNELS(amx_int8)
FASTLSTM_REDUCED_KERNELS(neon_int8)
FASTLSTM_REDUCED_KERNELS(plain_int8)
FASTLSTM_REDUCED_KERNELS(baseline_bf16)
FASTLSTM_REDUCED_KERNELS(avx2_bf16)
FASTLSTM_REDUCED_KERNELS(avx512_native_bf16)
FASTLSTM_REDUCED_KERNELS(amx_bf16)
FASTLSTM_REDUCED_KERNELS(neon_bf16)
FASTLSTM_REDUCED_KERNELS(plain_bf16)
#define FASTLSTM_WIDE_KERNELS(name)           \
    namespace name {                          \
    extern const Kernels<float> wide_kernels; \
    }
FASTLSTM_WIDE_KERNELS(baseline_int8)
FASTLSTM_WIDE_KERNELS(avx2_int8)
FASTLSTM_WIDE_KERNELS(avx512_vnni_int16)
FASTLSTM_WIDE_KERNELS(neon_int8)
FASTLSTM_WIDE_KERNELS(plain_int8)

namespace {

struct Entry {
    const KernelTable* table;
    bool (*supported)();
};

#if defined(FASTLSTM_HAS_avx512)
bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

// AMX has products of its own in reduced precisions, and in full precision is AVX-512 by another name.
KernelTable named(KernelTable table, const char* name, const char* description) {
    table.name = table.f32.isa = table.f64.isa = name;
    table.description = description;
    return table;
}
const KernelTable amx =
    named(avx512::table, "amx", "AVX-512, 16 float lanes, and matrices of AMX in int8 and bfloat16");
#endif

// Fastest first. The build says which there are (FASTLSTM_ISAS in cmake/isa.cmake).
const Entry kEntries[] = {
#if defined(FASTLSTM_HAS_avx512)
    {&amx, [] { return has_avx512() && has_matrix_registers(); }},
    {&avx512::table, has_avx512},
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
#if defined(FASTLSTM_HAS_plain)
    {&plain::table, [] { return true; }},
#endif
};

// Kernels of a reduced precision, which need what `supported` asks for beside their table's instructions. The fastest
// of a table and precision first.
struct Reduced {
    const KernelTable& table;
    Precision precision;
    const Kernels<float>& kernels;
    bool (*supported)();
};

constexpr auto kAlways = [] { return true; };
#if defined(FASTLSTM_HAS_avx512)
bool has_vnni() { return __builtin_cpu_supports("avx512vnni") != 0; }
#endif

const Reduced kReduced[] = {
#if defined(FASTLSTM_HAS_avx512)
    {amx, Precision::int8, amx_int8::kernels, kAlways},
    {amx, Precision::int8_int16, avx512_vnni_int16::wide_kernels, kAlways},
    {amx, Precision::bfloat16, amx_bf16::kernels, kAlways},
    {avx512::table, Precision::int8, avx512_vnni_int8::kernels, has_vnni},
    {avx512::table, Precision::int8_int16, avx512_vnni_int16::wide_kernels, has_vnni},
    {avx512::table, Precision::bfloat16, avx512_native_bf16::kernels,
     [] { return __builtin_cpu_supports("avx512bf16") != 0; }},
#if defined(FASTLSTM_HAS_avx2)
    {avx512::table, Precision::int8, avx2_int8::kernels, kAlways},
    {avx512::table, Precision::int8_int16, avx2_int8::wide_kernels, kAlways},
    {avx512::table, Precision::bfloat16, avx2_bf16::kernels, kAlways},
#endif
#endif
#if defined(FASTLSTM_HAS_avx2)
    {avx2::table, Precision::int8, avx2_vnni_int8::kernels, has_avx_vnni},
    {avx2::table, Precision::int8, avx2_int8::kernels, kAlways},
    {avx2::table, Precision::int8_int16, avx2_int8::wide_kernels, kAlways},
    {avx2::table, Precision::bfloat16, avx2_bf16::kernels, kAlways},
#endif
#if defined(FASTLSTM_HAS_baseline)
    {baseline::table, Precision::int8, baseline_int8::kernels, kAlways},
    {baseline::table, Precision::int8_int16, baseline_int8::wide_kernels, kAlways},
    {baseline::table, Precision::bfloat16, baseline_bf16::kernels, kAlways},
#endif
#if defined(FASTLSTM_HAS_neon)
    {neon::table, Precision::int8, neon_int8::kernels, kAlways},
    {neon::table, Precision::int8_int16, neon_int8::wide_kernels, kAlways},
    {neon::table, Precision::bfloat16, neon_bf16::kernels, kAlways},
#endif
#if defined(FASTLSTM_HAS_plain)
    {plain::table, Precision::int8, plain_int8::kernels, kAlways},
    {plain::table, Precision::int8_int16, plain_int8::wide_kernels, kAlways},
    {plain::table, Precision::bfloat16, plain_bf16::kernels, kAlways},
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

template <>
const Kernels<float>& active_kernels<float>(Precision precision) {
    const KernelTable& table = active_table();
    if (precision == Precision::full) return table.f32;
    for (const Reduced& reduced : kReduced) {
        if (reduced.precision == precision && &reduced.table == &table && reduced.supported()) return reduced.kernels;
    }
    throw std::invalid_argument("precision must be another on this processor: the instruction set '" +
                                std::string(table.name) + "' has no kernels of it in this build");
}

template <>
const Kernels<double>& active_kernels<double>(Precision precision) {
    if (precision != Precision::full) throw std::logic_error("float64 has no reduced precision");
    return active_table().f64;
}

void set_active_table(const std::string& name) { active.store(&find_available(name, "name")); }

}  // namespace fastlstm
