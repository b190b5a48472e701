# One object library for each instruction set, all from the same kernel source.
#
# Renaming the Eigen namespace keeps the objects from sharing symbols: without it the linker would keep one copy of an
# inline function, compiled for whichever instruction set came first. Contraction is off so that a product and a sum are
# fused only where the source says so; a row's bits would otherwise depend on how its tile was compiled.

function(fastlstm_add_isa name)
  add_library(fastlstm_kernels_${name} OBJECT cpp/kernels/kernels_${name}.cpp)
  target_compile_features(fastlstm_kernels_${name} PRIVATE cxx_std_17)
  target_compile_definitions(fastlstm_kernels_${name} PRIVATE Eigen=Eigen_${name} EIGEN_MAX_ALIGN_BYTES=64)
  # The ignored attributes are those of packet types as template arguments; the uninitialised values are the undefined
  # registers of the compiler's own AVX-512 header.
  target_compile_options(fastlstm_kernels_${name} PRIVATE -O3 -ffp-contract=off ${ARGN} ${FASTLSTM_WARNINGS}
                         -Wno-ignored-attributes -Wno-uninitialized -Wno-maybe-uninitialized)
  target_link_libraries(fastlstm_kernels_${name} PRIVATE Eigen3::Eigen)
  set_target_properties(fastlstm_kernels_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                                            INTERPROCEDURAL_OPTIMIZATION OFF)
  target_sources(fastlstm PRIVATE $<TARGET_OBJECTS:fastlstm_kernels_${name}>)
endfunction()
