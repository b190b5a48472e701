# Object libraries for each instruction set, all from the same kernel source: one for each precision.
#
# Renaming the Eigen namespace keeps the objects from sharing symbols: without it the linker would keep one copy of an
# inline function, compiled for whichever instruction set came first. Contraction is off so that a product and a sum are
# fused only where the source says so; a row's bits would otherwise depend on how its tile was compiled.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(FASTLSTM_DEFAULT_ISAS neon)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64|x64)$")
  set(FASTLSTM_DEFAULT_ISAS baseline avx2 avx512)
else()
  set(FASTLSTM_DEFAULT_ISAS plain)
endif()
set(FASTLSTM_KNOWN_ISAS ${FASTLSTM_DEFAULT_ISAS} plain)
set(FASTLSTM_FLAGS_baseline -msse2)
set(FASTLSTM_FLAGS_avx2 -mavx2 -mfma)
set(FASTLSTM_FLAGS_avx2_vnni ${FASTLSTM_FLAGS_avx2} -mavxvnni)
set(FASTLSTM_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma)
set(FASTLSTM_FLAGS_avx512_vnni ${FASTLSTM_FLAGS_avx512} -mavx512vnni)
set(FASTLSTM_FLAGS_avx512_native ${FASTLSTM_FLAGS_avx512} -mavx512bf16)
set(FASTLSTM_FLAGS_amx_int8 ${FASTLSTM_FLAGS_avx512_vnni})
set(FASTLSTM_FLAGS_amx_bf16 ${FASTLSTM_FLAGS_avx512_native})
set(FASTLSTM_ISAS "${FASTLSTM_DEFAULT_ISAS}" CACHE STRING "Instruction sets to build, separated by semicolons")
set(FASTLSTM_TILE_ROWS 8 CACHE STRING "Rows of a register tile at most; 3 compiles in half the time, for sanitizers")

# Loops over tiles are unrolled by hand; -O3 would make an eighth more code of the rest, and no more speed.
set(FASTLSTM_KERNEL_OPTIMIZATION -O2)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND FASTLSTM_KERNEL_OPTIMIZATION -ftree-vectorize -fvect-cost-model=dynamic)
endif()
# Nothing passes through a kernel but numbers: it throws nothing, and calls nothing that does.
list(APPEND FASTLSTM_KERNEL_OPTIMIZATION -fno-exceptions -fno-asynchronous-unwind-tables)
if(FASTLSTM_SANITIZE)
  # Checks of every pointer that is followed take the kernels' compiler twice as long and find nothing that the address
  # sanitizer does not find; a packet that is not aligned is a fault anyway.
  set(FASTLSTM_KERNEL_OPTIMIZATION -O1 -fno-sanitize-address-use-after-scope
      -fno-sanitize=null,alignment,object-size,pointer-overflow,return,unreachable)
endif()

function(fastlstm_add_kernels name flags rows)
  add_library(fastlstm_kernels_${name} OBJECT cpp/kernels/kernels_${name}.cpp)
  target_compile_features(fastlstm_kernels_${name} PRIVATE cxx_std_17)
  target_compile_definitions(fastlstm_kernels_${name} PRIVATE Eigen=Eigen_${name} EIGEN_MAX_ALIGN_BYTES=64
                             FASTLSTM_TILE_ROWS=${rows})
  # The ignored attributes are those of packet types as template arguments; the uninitialised values are the undefined
  # registers of the compiler's own AVX-512 header. Clang does not know the last name, and warns of that.
  target_compile_options(fastlstm_kernels_${name} PRIVATE ${FASTLSTM_KERNEL_OPTIMIZATION} -ffp-contract=off
                         ${FASTLSTM_FLAGS_${flags}} ${FASTLSTM_WARNINGS}
                         -Wno-ignored-attributes -Wno-uninitialized
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(FASTLSTM_INFERENCE_ONLY)
    target_compile_definitions(fastlstm_kernels_${name} PRIVATE FASTLSTM_INFERENCE_ONLY)
  endif()
  target_link_libraries(fastlstm_kernels_${name} PRIVATE Eigen3::Eigen)
  set_target_properties(fastlstm_kernels_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                                            INTERPROCEDURAL_OPTIMIZATION OFF)
  target_sources(fastlstm PRIVATE $<TARGET_OBJECTS:fastlstm_kernels_${name}>)
endfunction()

# Reduced precisions have tiles of few rows: their products have enough chains in flight, and half of the code.
set(FASTLSTM_REDUCED_ROWS 4)
if(FASTLSTM_TILE_ROWS LESS FASTLSTM_REDUCED_ROWS)
  set(FASTLSTM_REDUCED_ROWS ${FASTLSTM_TILE_ROWS})
endif()

# The last ones first: what takes longest to compile is begun with, and the others fill the time beside it.
set(FASTLSTM_ISAS_IN_TURN ${FASTLSTM_ISAS})
list(REVERSE FASTLSTM_ISAS_IN_TURN)
foreach(name IN LISTS FASTLSTM_ISAS_IN_TURN)
  if(NOT name IN_LIST FASTLSTM_KNOWN_ISAS)
    message(FATAL_ERROR "FASTLSTM_ISAS must be some of '${FASTLSTM_KNOWN_ISAS}', got '${name}'")
  endif()
  # SSE2 alone is for processors of before 2013: tiles of three rows at most, whole groups have two, are half the code.
  if(name STREQUAL baseline)
    fastlstm_add_kernels(${name} ${name} 3)
  else()
    fastlstm_add_kernels(${name} ${name} ${FASTLSTM_TILE_ROWS})
  endif()
  if(NOT name STREQUAL avx512)
    fastlstm_add_kernels(${name}_int8 ${name} ${FASTLSTM_REDUCED_ROWS})
    fastlstm_add_kernels(${name}_bf16 ${name} ${FASTLSTM_REDUCED_ROWS})
    if(name STREQUAL avx2)
      fastlstm_add_kernels(avx2_vnni_int8 avx2_vnni ${FASTLSTM_REDUCED_ROWS})
    endif()
  else()
    # AVX-512 without products of whole numbers or bfloat16 of its own takes the kernels of AVX2.
    fastlstm_add_kernels(avx512_vnni_int8 avx512_vnni ${FASTLSTM_REDUCED_ROWS})
    fastlstm_add_kernels(avx512_vnni_int16 avx512_vnni ${FASTLSTM_REDUCED_ROWS})
    fastlstm_add_kernels(avx512_native_bf16 avx512_native ${FASTLSTM_REDUCED_ROWS})
    # Tiles of matrix registers have heights of their own.
    fastlstm_add_kernels(amx_int8 amx_int8 ${FASTLSTM_REDUCED_ROWS})
    fastlstm_add_kernels(amx_bf16 amx_bf16 ${FASTLSTM_REDUCED_ROWS})
  endif()
  set_property(SOURCE cpp/kernels/dispatch.cpp APPEND PROPERTY COMPILE_DEFINITIONS FASTLSTM_HAS_${name})
endforeach()
