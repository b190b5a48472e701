# The library for C++: headers, the archive, and what find_package(fastlstm) reads.
include(CMakePackageConfigHelpers)

set(FASTLSTM_PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/fastlstm)
install(TARGETS fastlstm EXPORT fastlstmTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY cpp/include/fastlstm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT fastlstmTargets NAMESPACE fastlstm:: DESTINATION ${FASTLSTM_PACKAGE})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fastlstmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/fastlstmConfig.cmake ${PROJECT_BINARY_DIR}/fastlstmConfigVersion.cmake
        DESTINATION ${FASTLSTM_PACKAGE})
# The archive holds code of Eigen.
install(FILES LICENSE licenses/eigen.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/fastlstm)
